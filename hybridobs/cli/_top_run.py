"""The loop of ``hybridobs top``: read, draw, wait for a key; never read more than a quarter of the time."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import NamedTuple

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from hybridobs.cli._judging import judge
from hybridobs.cli._stores import opened
from hybridobs.cli._table import PIPED_WIDTH
from hybridobs.cli._top_keys import Keys
from hybridobs.cli._top_view import View, Way, drawn
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.lights import LIGHTS
from hybridobs.kpi.reading import Question, answers, usual
from hybridobs.report import Asked, Shown, read_board, read_lights, read_worst
from hybridobs.store import Store

MINUTE = 60
_GLANCE_S = 1.0  # a terminal that changed its size is drawn again after this at the latest
WINDOWS = (5 * MINUTE, 15 * MINUTE, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400)
LIGHTS_S = 60  # lights look back over weeks: once a minute is enough
SHARE = 4  # of the time that passes between two reads, at most a quarter is spent reading


class Watch(NamedTuple):
    """What is watched: the last ``seconds``, every so many; ``plain`` is without colour."""

    url: str
    seconds: int
    by: tuple[str, ...]
    where: Mapping[str, str]
    every: int
    plain: bool

    @property
    def console(self) -> Console:
        """As wide as the terminal, or as a wide line where there is none."""
        width = None if sys.stdout.isatty() else PIPED_WIDTH
        return Console(no_color=self.plain or None, width=width, highlight=False, markup=False, emoji=False)


class Reader:
    """Reads what is drawn; keeps the lights for a minute."""

    def __init__(self, store: Store, watch: Watch) -> None:
        self._store = store
        self._watch = watch
        self._lights: tuple[float, int, list[Shown]] = (-LIGHTS_S, 0, [])

    def read(self, seconds: int) -> View:
        """The last ``seconds`` as they are now."""
        began, now = time.monotonic(), int(time.time())
        until = now // MINUTE * MINUTE + MINUTE
        asked = Asked(until - seconds, until, self._watch.where)
        chosen = {kpi.id: kpi for kpi in (*usual(), *(kpi for light in LIGHTS for kpi in light.kpis))}
        board = read_board(self._store, asked, judge, chosen.values())
        at, of, lights = self._lights
        if of != seconds or began - at >= LIGHTS_S:
            lights = read_lights(self._store, asked, board, ())
            self._lights = (began, seconds, lights)
        question = Question(asked.since, asked.until, self._watch.by, asked.where)
        found = list(answers(self._store, usual(), question))
        worst, more = read_worst(self._store, asked, judge, KPIS.values())
        last = None if board.find("calls") else self._store.info().last_window
        took = time.monotonic() - began
        return View(self._store.url, now, seconds, board, lights, found, worst, more, last, took)


def once_only(watch: Watch) -> None:
    """Print one view, all of it."""
    with opened(watch.url) as store:
        view = Reader(store, watch).read(watch.seconds)
    console = watch.console
    console.print(*drawn(view, Way(console.width)))


def watch(watch: Watch) -> None:
    """Draw until somebody presses q."""
    console = watch.console
    with opened(watch.url) as store, Keys() as keys, Live(console=console, screen=True, auto_refresh=False) as live:
        live.update(Text("reading …"), refresh=True)
        reader, state = Reader(store, watch), _State(watch.seconds)
        view = reader.read(state.seconds)
        due = _next(view, watch)
        while True:
            live.update(_fit(view, state, console), refresh=True)
            key = keys.wait(min(_GLANCE_S, max(0.0, due - time.monotonic())) if not state.paused else _GLANCE_S)
            if key == "q":
                return
            wanted = state.press(key)
            if wanted or (not state.paused and time.monotonic() >= due):
                view = reader.read(state.seconds)
                due = _next(view, watch)


def _next(view: View, watch: Watch) -> float:
    return time.monotonic() + max(watch.every, SHARE * view.took)


class _State:
    """What keys have changed."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        self.sort = 0
        self.backwards = False
        self.paused = False

    def press(self, key: str) -> bool:
        """Whether the store must be read for it."""
        if key == "s":
            self.sort += 1
        elif key == "S":
            self.backwards = not self.backwards
        elif key == "p":
            self.paused = not self.paused
        elif key in ("w", "W"):
            return self._widen(key == "w")
        return key == "r"

    def _widen(self, longer: bool) -> bool:
        fitting = [window for window in WINDOWS if (window > self.seconds if longer else window < self.seconds)]
        if fitting:
            self.seconds = min(fitting) if longer else max(fitting)
        return bool(fitting)


def _fit(view: View, state: _State, console: Console) -> Group:
    hint = "paused, p goes on" if state.paused else "q quit  s sort  w window  p pause  r read"
    return Group(*drawn(view, Way(console.width, console.height, state.sort, state.backwards, hint)))

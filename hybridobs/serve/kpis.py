"""KPIs as gauges on /metrics, read from the store in event time, in the background.

A scrape shows what was last read and waits for nothing. Each window is read again after a small part of its length, and
never so often that reading takes more than a tenth of the time. What was not measured has no sample, and what could not
be read again for too long is no longer shown: an old number looks like a new one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Event, Lock, Thread
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily, UnknownMetricFamily

from hybridobs.contract import OVERFLOW
from hybridobs.errors import ConfigError, HybridobsError
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.fold import WIDTH
from hybridobs.kpi.kpi import Kpi, Quantile
from hybridobs.kpi.measure import Source
from hybridobs.kpi.prometheus import KPI_METRIC
from hybridobs.kpi.reading import NO_GROUP, Group, Question, gathered, usual
from hybridobs.kpi.summary import Summary
from hybridobs.store import Store

log = logging.getLogger(__name__)

BASE = ("tier", "model", "version", "cohort", "device_class", "site")
WINDOWS: Mapping[str, int] = {"5m": 300, "1h": 3600, "24h": 86_400}
ALWAYS = "all"  # the window of what is of all time

_SOONEST, _LATEST = 15.0, 300.0  # seconds between two readings of one window
_BUSY = 0.1  # share of the time that may go into reading
_TOO_OLD = 4  # so many readings missed

Summaries = dict[str, Summary]


class _Line(NamedTuple):
    """One sample: labels beside the window, the value, and how many observations are behind it."""

    labels: Mapping[str, str]
    value: float
    n: int


@dataclass
class _Window:
    """One window: what was last read, when (monotonic and Unix s), and when to read it again."""

    name: str
    seconds: int | None
    kpis: tuple[Kpi, ...]
    lines: tuple[_Line, ...] = ()
    read_at: float = 0.0
    shown_at: float = 0.0
    every: float = 0.0
    due: float = 0.0


class LiveKpis:
    """A view for the collector: ``Collector(views=[LiveKpis()])`` shows ``hybridobs_kpi`` and what stands beside it.

    ``kpis`` are ids; without them the usual ones, and those that no counter can tell (distinct ones, drift, delivery).
    ``windows`` are names and seconds, whole minutes. ``groups`` bounds the label sets of a window: those with most
    observations are shown, the others together as ``overflow``. ``clock`` is Unix seconds.
    """

    def __init__(
        self,
        kpis: Sequence[str] = (),
        *,
        windows: Mapping[str, int] = WINDOWS,
        groups: int = 100,
        clock: Callable[[], float] = time.time,
    ) -> None:
        chosen = _chosen(kpis)
        of_time = tuple(kpi for kpi in chosen if not _of_all_time(kpi))
        always = tuple(kpi for kpi in chosen if _of_all_time(kpi))
        for name, seconds in windows.items():
            if seconds < WIDTH or seconds % WIDTH:
                raise ConfigError("windows", {name: seconds}, f"give a multiple of {WIDTH} seconds")
        self._windows = [_Window(name, seconds, of_time) for name, seconds in windows.items()]
        if always:
            self._windows.append(_Window(ALWAYS, None, always))
        self._extra = tuple(dict.fromkeys(label for kpi in chosen for label in kpi.apart if label not in BASE))
        self._kpis = chosen
        self._groups = groups
        self._clock = clock
        self._lock = Lock()
        self._ended = Event()
        self._thread: Thread | None = None

    # --- reading ----------------------------------------------------------------------------------------------
    def start(self, store: Store) -> None:
        """Read ``store`` in the background until ``stop``."""
        self._ended.clear()
        self._thread = Thread(target=self._run, args=(store,), name="hybridobs-kpis", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; safe twice and without start."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def refresh(self, store: Store) -> None:
        """Read every window now."""
        for window in self._windows:
            self._read(store, window)

    def _run(self, store: Store) -> None:
        while not self._ended.is_set():
            now = time.monotonic()
            for window in self._windows:
                if window.due <= now and not self._ended.is_set():
                    self._read_or_log(store, window)
            wait = min(window.due for window in self._windows) - time.monotonic()
            self._ended.wait(max(0.1, wait))

    def _read_or_log(self, store: Store, window: _Window) -> None:
        began = time.monotonic()
        try:
            self._read(store, window)
        except HybridobsError as error:
            log.warning("KPIs of the window %s cannot be read now: %s", window.name, error)
        except Exception:
            log.exception("KPIs of the window %s could not be read", window.name)
        took = time.monotonic() - began
        window.every = max(_SOONEST, min(_LATEST, (window.seconds or 0) / 60), took / _BUSY)
        window.due = began + window.every

    def _read(self, store: Store, window: _Window) -> None:
        """The minutes up to the one that runs now; it is not over, but what it has is part of what happens now."""
        now = self._clock()
        until = int(now) // WIDTH * WIDTH + WIDTH
        since = None if window.seconds is None else until - window.seconds
        question = Question(since, until if since is not None else None, BASE)
        lines = tuple(self._lines(store, window.kpis, question))
        with self._lock:
            window.lines, window.read_at, window.shown_at = lines, now, time.monotonic()

    def _lines(self, store: Store, kpis: Iterable[Kpi], question: Question) -> Iterator[_Line]:
        for labels, members, rows in gathered(store, kpis, question):
            for group, summaries in self._bounded(rows).items():
                named = dict(zip(labels, group, strict=True))
                for kpi in members:
                    reading = kpi.value(summaries)
                    if reading.value is not None:
                        own = {**named, "kpi": kpi.id, "quantile": _quantile(kpi)}
                        yield _Line(own, reading.value, reading.n)

    def _bounded(self, rows: Mapping[Group, Summaries]) -> dict[Group, Summaries]:
        """As many groups as may be shown, and the others added up."""
        known = {group: found for group, found in rows.items() if group != (NO_GROUP,) * len(group)}
        if len(known) <= self._groups:
            return known
        order = sorted(known, key=lambda group: (-sum(one.n for one in known[group].values()), group))
        shown = {group: known[group] for group in order[: self._groups]}
        rest: Summaries = {}
        for group in order[self._groups :]:
            for name, summary in known[group].items():
                rest[name] = rest[name] + summary if name in rest else summary
        return {**shown, (OVERFLOW,) * len(order[0]): rest}

    # --- showing ----------------------------------------------------------------------------------------------
    def collect(self) -> Iterator[Metric]:
        """What was last read."""
        labels = (*BASE, *self._extra, "kpi", "window")
        # Not a gauge: promtool keeps the label "quantile" to summaries, unless nothing says what a metric is.
        value = UnknownMetricFamily(
            KPI_METRIC, "A KPI in its own unit, in event time; see hybridobs_kpi_info.", labels=(*labels, "quantile")
        )
        number = GaugeMetricFamily(f"{KPI_METRIC}_observations", "Observations behind a KPI.", labels=labels)
        read = GaugeMetricFamily(
            f"{KPI_METRIC}_read_timestamp_seconds", "When the KPIs of a window were last read.", labels=("window",)
        )
        for window in self._fresh():
            read.add_metric((window.name,), window.read_at)
            for line in window.lines:
                values = [{**line.labels, "window": window.name}.get(label, "") for label in labels]
                value.add_metric([*values, line.labels["quantile"]], line.value)
                number.add_metric(values, line.n)
        yield from (value, number, read, self._info())

    def _fresh(self) -> list[_Window]:
        now = time.monotonic()
        with self._lock:
            read = [window for window in self._windows if window.read_at]
            return [_copy(one) for one in read if now - one.shown_at <= _TOO_OLD * max(one.every, _SOONEST)]

    def _info(self) -> Metric:
        info = GaugeMetricFamily(
            f"{KPI_METRIC}_info", "What a KPI is: its unit and which way is better.", labels=("kpi", "unit", "better")
        )
        for kpi in self._kpis:
            info.add_metric((kpi.id, kpi.unit, kpi.direction.value), 1)
        return info


def _copy(window: _Window) -> _Window:
    return _Window(window.name, window.seconds, window.kpis, window.lines, window.read_at)


def _chosen(names: Sequence[str]) -> tuple[Kpi, ...]:
    for name in names:
        if name not in KPIS:
            raise ConfigError("kpis", name, "there is no such KPI; 'hybridobs kpi --list' names them all")
    if names:
        return tuple(KPIS[name] for name in dict.fromkeys(names))
    shown = usual()
    return (*shown, *(kpi for kpi in KPIS.values() if not kpi.live and kpi not in shown))


def _of_all_time(kpi: Kpi) -> bool:
    return all(measure.source is not Source.EVENTS for measure in kpi.formula.measures)


def _quantile(kpi: Kpi) -> str:
    return f"{kpi.formula.q:g}" if isinstance(kpi.formula, Quantile) else ""

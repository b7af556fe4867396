"""What ``hybridobs top`` draws: lights, KPIs by group, what is worst, and how fresh it all is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from rich.console import JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from hybridobs.kpi.kpi import Kpi, Reading, Status
from hybridobs.kpi.quantity import age
from hybridobs.kpi.reading import NO_GROUP, Answer, Group
from hybridobs.report import Board, Shown, State, Worst

_STYLES = {State.KEPT: "green", State.BROKEN: "red", State.NO_DATA: "bright_black", State.TOLD: ""}
_UNSURE = "yellow"
_BLOCKS = "▁▂▃▄▅▆▇█"
_SPARK = 24
_SPARKS = "calls over time"
_HEAD, _WORST_ROWS = 11, 5  # lines that are taken before rows of groups are
_LEAST_ROWS = 3
_GAP = 2
_ROOMY = 100  # columns from which the lights stand beside each other


class View(NamedTuple):
    """One look at the last ``seconds``; ``last`` is the newest window where they hold nothing, ``took`` is seconds."""

    store: str
    now: int
    seconds: int
    board: Board
    lights: Sequence[Shown]
    found: Sequence[Answer]
    worst: Sequence[Worst]
    more_worst: int
    last: int | None
    took: float


class Way(NamedTuple):
    """How it is drawn: by which column, in which order, and in how much room (``rows`` None is as many as it takes)."""

    width: int
    rows: int | None = None
    sort: int = 0
    backwards: bool = False
    keys: str = ""


def drawn(view: View, way: Way) -> Iterator[RenderableType]:
    """Everything, in no more than ``way.rows`` lines where that can be."""
    width, rows, keys = way.width, way.rows, way.keys
    yield _head(view, keys)
    yield Text()
    yield _lights(view.lights, width)
    yield Text()
    if not view.board.find("calls"):
        yield _nothing(view)
        return
    room = None if rows is None else max(_LEAST_ROWS, rows - _HEAD - min(len(view.worst), _WORST_ROWS))
    for answer in view.found[:1] if rows is not None else view.found:
        yield _groups(view, answer, way, room)
    if view.worst:
        yield Text("\nWhere it breaks", style="bold")
        yield _worst(view)


def _head(view: View, keys: str) -> Text:
    fresh = ", ".join(f"{clean(tier)} {_fresh(view, place)}" for tier, place in _newest(view))
    parts = [f"last {age(view.seconds)}", f"{datetime.fromtimestamp(view.now, UTC):%H:%M:%S}Z"]
    text = Text("hybridobs top", style="bold")
    text.append("  " + "  ".join([clean(view.store), *parts]), style="not bold")
    text.append(f"\ndata: {fresh or 'none'}", style="not bold")
    if keys:
        text.append(f"   {keys}", style="not bold dim")
    return text


def _newest(view: View) -> Iterator[tuple[str, int]]:
    """By tier the last window that has calls."""
    for line in view.board.find("calls"):
        for tier, trend in line.trends.items():
            known = [place for place, value in enumerate(trend) if value is not None]
            if known:
                yield tier, view.board.windows[known[-1]]


def _fresh(view: View, window: int) -> str:
    """A total leaves out the window that is not over, so up to two windows are as fresh as it gets."""
    behind = view.now - window - view.board.width
    return f"within {age(2 * view.board.width)}" if behind <= view.board.width else f"{age(behind)} old"


def _lights(lights: Sequence[Shown], width: int) -> Table:
    """Beside each other where there is room, else one below the other."""
    texts = [_light(shown) for shown in lights]
    table = Table.grid(expand=True, padding=(0, 2, 0, 0))
    if width < _ROOMY:
        for text in texts:
            table.add_row(text)
        return table
    for _ in texts:
        table.add_column(ratio=1)
    table.add_row(*texts)
    return table


def _light(shown: Shown) -> Text:
    style, fact = _STYLES.get(shown.state, _UNSURE), shown.because
    told = fact.value if shown.state in (State.KEPT, State.BROKEN) else fact.verdict.reason
    told = told.partition("; ")[0]
    text = Text(f"{shown.state.sign} {shown.light.title} {shown.state.words}", style=f"bold {style}")
    return text.append(f"\n{clean(fact.name)}: {clean(told)}", style="not bold default")


def _nothing(view: View) -> Text:
    if view.last is None:
        return Text("Nothing was ever measured here: point a collector at this store.", style=_UNSURE)
    behind = age(view.now - view.last)
    return Text(
        f"Nothing happened in this window; the newest data is {behind} old. Look further back: w", style=_UNSURE
    )


def _groups(view: View, answer: Answer, way: Way, room: int | None) -> Table:
    """As many KPIs as there is width for, those that were promised first; labels are never left out."""
    rows = {
        group: [_number(*one) for one in zip(answer.kpis, readings, strict=True)]
        for group, readings in answer.rows.items()
    }
    chosen, left = _fitting(answer, rows, way.width)
    order = way.sort % (len(answer.labels) + len(chosen))
    arrow = "▲" if way.backwards else "▼"
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, _GAP, 0, 0))
    for place, title in enumerate((*answer.labels, *(answer.kpis[one].id for one in chosen))):
        justify: JustifyMethod = "right" if place >= len(answer.labels) else "left"
        table.add_column(f"{title}{arrow if place == order else ''}", justify=justify, no_wrap=True)
    if left > len(_SPARKS) + _GAP:
        table.add_column(_SPARKS, no_wrap=True)
    column = order if order < len(answer.labels) else len(answer.labels) + chosen[order - len(answer.labels)]
    ranked = sorted(answer.rows.items(), key=lambda row: _place(answer, row, column), reverse=way.backwards)
    for group, _ in ranked[:room]:
        names = [Text(clean(label)) for label in group]
        spark = _spark(view, dict(zip(answer.labels, group, strict=True)), left)
        table.add_row(*[*names, *(rows[group][one] for one in chosen), spark][: len(table.columns)])
    if room is not None and len(ranked) > room:
        table.add_row(Text(f"and {len(ranked) - room} more", style="dim"))
    return table


def _fitting(answer: Answer, rows: Mapping[Group, Sequence[Text]], width: int) -> tuple[list[int], int]:
    """Places of the KPIs that fit beside the labels, in the order of the catalogue, and the room that is left."""
    wanted = sorted(range(len(answer.kpis)), key=lambda one: (one > 0, answer.kpis[one].objective is None))
    labels = ([f"{label}▼", *(clean(group[place]) for group in rows)] for place, label in enumerate(answer.labels))
    room = width - sum(max(map(len, texts)) + _GAP for texts in labels)
    chosen: list[int] = []
    for one in wanted:
        size = max(len(answer.kpis[one].id) + 1, *(len(cells[one]) for cells in rows.values())) + _GAP
        if size <= room or not chosen:
            chosen.append(one)
            room -= size
    return sorted(chosen), room


def _place(answer: Answer, row: tuple[Group, tuple[Reading, ...]], order: int) -> tuple[bool, float | str]:
    """Labels from A, numbers from the largest; what has no value comes last."""
    group, readings = row
    if order < len(answer.labels):
        return False, group[order]
    value = readings[order - len(answer.labels)].value
    return value is None, -(value or 0.0)


def _number(kpi: Kpi, reading: Reading) -> Text:
    if reading.value is None:
        return Text("–", style="dim")
    if reading.status is Status.TOO_LITTLE:
        return Text(f"({kpi.shown(reading.value)})", style="dim")
    if kpi.objective is None:
        return Text(kpi.shown(reading.value))
    worse = reading.value < kpi.objective if kpi.direction.value == "higher" else reading.value > kpi.objective
    return Text(("! " if worse else "") + kpi.shown(reading.value), style="red" if worse else "green")


def _spark(view: View, labels: dict[str, str], most_signs: int) -> Text:
    """The calls of the tier, because a row of its own would cost a read for each."""
    trends = [line.trends.get(labels.get("tier", NO_GROUP), line.trend) for line in view.board.find("calls")]
    values = list(trends[0]) if trends else []
    while values and values[-1] is None:  # the window that is not over
        values.pop()
    numbers = [value or 0.0 for value in values[-min(_SPARK, most_signs) :]]
    most = max(numbers, default=0.0)
    return Text("".join(_BLOCKS[round(one / most * (len(_BLOCKS) - 1))] for one in numbers) if most else "", "cyan")


def _worst(view: View) -> Table:
    table = Table.grid(padding=(0, _GAP, 0, 0))
    for right in (False, False, True, False):
        table.add_column(no_wrap=True, overflow="ellipsis", justify="right" if right else "left")
    for one in view.worst[:_WORST_ROWS]:
        value = Text(one.kpi.shown(one.reading.value or 0.0), style="red")
        table.add_row(Text(clean(" · ".join(one.labels.values()))), one.kpi.title, value, one.verdict.target)
    more = len(view.worst) - _WORST_ROWS + view.more_worst
    if more > 0:
        table.add_row(Text(f"and {more} more", style="dim"))
    return table


def clean(text: str) -> str:
    """What a device calls itself must not steer a terminal: signs that print nothing are shown as such."""
    return "".join(sign if sign.isprintable() else "�" for sign in text)

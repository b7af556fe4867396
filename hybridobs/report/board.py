"""Every KPI of the catalogue read once: over all, by tier, and over time.

One read for each set of labels, with windows wide enough that there are at most sixty; what it gives adds up to the
rest. KPIs that are of all time (delivery, drift) have no windows and are read apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.kpi import Count, Counts, Distinct, Group, Kpi, Reading, Sum
from hybridobs.kpi.measure import Source as Origin
from hybridobs.kpi.reading import NO_GROUP, WINDOW, Groups, Question, gathered
from hybridobs.kpi.summary import Summary
from hybridobs.report.state import Asked, Judge, State, Summaries, Verdict, known

if TYPE_CHECKING:
    from hybridobs.store import Store

TIER = "tier"
MOST_WINDOWS = 60
MOST_ROWS = 6  # of one KPI whose labels must be told apart
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_WIDTHS = (
    *(_MINUTE * step for step in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * step for step in (1, 2, 3, 6, 12)),
    *(_DAY * step for step in (1, 2, 7, 14, 28)),
)
Window = int
Parts = dict[tuple[str, ...], dict[str, dict[Window, Summaries]]]


class Line(NamedTuple):
    """One KPI in one group of labels that must be told apart: now, by tier, and by window (None without data)."""

    kpi: Kpi
    group: Mapping[str, str]
    reading: Reading
    verdict: Verdict | None
    tiers: Mapping[str, Reading]
    trend: tuple[float | None, ...]
    trends: Mapping[str, tuple[float | None, ...]]

    @property
    def state(self) -> State:
        """The verdict where something was promised, else what the number is worth."""
        return self.verdict.state if self.verdict else known(self.reading)

    def only(self, whole: Sequence[bool]) -> Line:
        """Without the windows that are not whole, where the value is a total: the last would look like a collapse."""
        if not isinstance(self.kpi.formula, Count | Counts | Sum | Distinct) or not any(whole):
            return self
        trends = {tier: _kept(trend, whole) for tier, trend in self.trends.items()}
        return self._replace(trend=_kept(self.trend, whole), trends=trends)

    @property
    def name(self) -> str:
        """Title, and the group."""
        return f"{self.kpi.title} ({', '.join(self.group.values())})" if self.group else self.kpi.title


def _kept(trend: tuple[float | None, ...], whole: Sequence[bool]) -> tuple[float | None, ...]:
    return tuple(value if is_whole else None for value, is_whole in zip(trend, whole, strict=False))


@dataclass(frozen=True, slots=True)
class Board:
    """All lines in the order of the catalogue; ``silent`` are KPIs that nobody measured.

    ``left_out`` counts groups that are not shown, by KPI; ``by_tier`` is what was read of each measure by tier.
    """

    windows: tuple[Window, ...]
    width: int
    tiers: tuple[str, ...]
    lines: tuple[Line, ...]
    silent: tuple[Kpi, ...]
    left_out: Mapping[str, int]
    by_tier: Mapping[str, Mapping[str, Summary]]

    def of(self, group: Group) -> list[Line]:
        """The lines of one group of the catalogue."""
        return [line for line in self.lines if line.kpi.group is group]

    def find(self, kpi: str) -> list[Line]:
        """The lines of one KPI; none where nobody measured it."""
        return [line for line in self.lines if line.kpi.id == kpi]


class Wide(NamedTuple):
    """A store whose windows have ``width`` seconds."""

    store: Store
    width: int

    def read(
        self,
        measures: Sequence[str],
        *,
        since: int | None = None,
        until: int | None = None,
        by: Sequence[str] = (),
        where: Mapping[str, str] | None = None,
    ) -> Groups:
        return self.store.read(measures, since=since, until=until, by=by, where=where, width=self.width)


def width_for(since: int, until: int) -> int:
    """Seconds of a window, so that there are at most sixty of them."""
    return next((width for width in _WIDTHS if (until - since) / width < MOST_WINDOWS), _WIDTHS[-1])


def read_board(store: Store, asked: Asked, judge: Judge, kpis: Iterable[Kpi] | None = None) -> Board:
    """Read all KPIs, or those given."""
    chosen = list(KPIS.values() if kpis is None else kpis)
    width = width_for(asked.since, asked.until)
    windows = tuple(range(asked.since - asked.since % width, asked.until, width))
    whole = [asked.since <= window and window + width <= asked.until for window in windows]
    lines: list[Line] = []
    left_out: dict[str, int] = {}
    by_tier: dict[str, dict[str, Summary]] = {}
    for read in _read(Wide(store, width), chosen, asked):
        if not read.labels:
            by_tier |= _measured(read.parts)
        for kpi in read.kpis:
            made = [_line(kpi, read, group, windows, judge).only(whole) for group in read.groups]
            seen = sorted((line for line in made if line.reading.value is not None), key=_most)
            lines += seen[:MOST_ROWS]
            if len(seen) > MOST_ROWS:
                left_out[kpi.id] = len(seen) - MOST_ROWS
    order = {kpi.id: place for place, kpi in enumerate(chosen)}
    lines.sort(key=lambda line: order[line.kpi.id])
    told = {line.kpi.id for line in lines}
    tiers = tuple(sorted({tier for line in lines for tier in line.tiers}, key=tier_order))
    silent = tuple(kpi for kpi in chosen if kpi.id not in told)
    return Board(windows, width, tiers, tuple(lines), silent, left_out, by_tier)


def _most(line: Line) -> int:
    return -line.reading.n


def tier_order(tier: str) -> tuple[int, str]:
    """From the person to the cloud, others last."""
    known_tiers = ("device", "site", "cloud")
    return (known_tiers.index(tier) if tier in known_tiers else len(known_tiers), tier)


def is_timed(kpi: Kpi) -> bool:
    """Whether all it is read from happened at some time: else it has no windows to add up."""
    return all(measure.source is Origin.EVENTS for measure in kpi.formula.measures)


class _Read(NamedTuple):
    """KPIs that share their labels: by group, tier and window what they are read from.

    ``whole`` has the same over all tiers where the parts must not be added up.
    """

    labels: tuple[str, ...]
    kpis: tuple[Kpi, ...]
    parts: Parts
    whole: Groups | None

    @property
    def groups(self) -> list[tuple[str, ...]]:
        """Every group, in order."""
        return sorted(self.parts if self.whole is None else self.whole)


def _read(wide: Wide, kpis: Sequence[Kpi], asked: Asked) -> Iterator[_Read]:
    """What happened, by window and tier; then what is of all time, by tier and as a whole."""
    timed, timeless = [k for k in kpis if is_timed(k)], [k for k in kpis if not is_timed(k)]
    question = Question(asked.since, asked.until, (), asked.where)
    by = (WINDOW, TIER)
    for labels, own, rows in gathered(wide, timed, question._replace(by=by)):
        yield _Read(labels[len(by) :], own, _parts(rows, by), None)
    tiers = gathered(wide, timeless, question._replace(by=(TIER,)))
    for (_, _, rows), (labels, own, whole) in zip(tiers, gathered(wide, timeless, question), strict=True):
        yield _Read(labels, own, _parts(rows, (TIER,)), whole)


def _parts(rows: Groups, by: tuple[str, ...]) -> Parts:
    parts: Parts = defaultdict(lambda: defaultdict(dict))
    for group, summaries in rows.items():
        if NO_GROUP not in group[: len(by)]:
            window = int(group[0]) if WINDOW in by else 0
            tier = group[len(by) - 1] if by else ""
            parts[group[len(by) :]][tier][window] = summaries
    return parts


def _line(kpi: Kpi, read: _Read, group: tuple[str, ...], windows: Sequence[Window], judge: Judge) -> Line:
    parts = read.parts.get(group, {})
    own = {tier: merged(kpi.measures, parts[tier].values()) for tier in sorted(parts, key=tier_order)}
    whole = merged(kpi.measures, own.values() if read.whole is None else [read.whole[group]])
    tiers = {tier: reading for tier, found in own.items() if (reading := kpi.value(found)).value is not None}
    times = windows if read.whole is None else ()
    trends = {tier: _trend(kpi, [parts[tier]], times) for tier in tiers}
    labels = dict(zip(read.labels, group, strict=True))
    return Line(
        kpi, labels, kpi.value(whole), judge(kpi, whole), tiers, _trend(kpi, list(parts.values()), times), trends
    )


def _trend(kpi: Kpi, parts: Sequence[dict[Window, Summaries]], windows: Sequence[Window]) -> tuple[float | None, ...]:
    return tuple(
        kpi.value(merged(kpi.measures, [part[window] for part in parts if window in part])).value for window in windows
    )


def merged(names: Iterable[str], found: Iterable[Summaries]) -> dict[str, Summary]:
    """Each measure of ``names`` added up; one that was never seen is absent."""
    all_of = list(found)
    parts = {name: [summaries[name] for summaries in all_of if name in summaries] for name in names}
    return {
        name: own[0] if len(own) == 1 else Summary.merged(MEASURES[name], own) for name, own in parts.items() if own
    }


def _measured(parts: Parts) -> dict[str, dict[str, Summary]]:
    """By measure and tier, over all windows."""
    found: dict[str, dict[str, Summary]] = defaultdict(dict)
    for tier, windows in parts.get((), {}).items():
        names = {name for summaries in windows.values() for name in summaries}
        for name, summary in merged(names, windows.values()).items():
            found[name][tier] = summary
    return found

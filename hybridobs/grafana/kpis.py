"""Panels of KPIs: as one number with its promise, over time, as a ladder of limits, as a heat map."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from grafanalib.core import Panel

from hybridobs.grafana import panels, words
from hybridobs.grafana.boards import Row, row
from hybridobs.grafana.families import Family, families
from hybridobs.grafana.limits import Promise, promises
from hybridobs.grafana.links import to
from hybridobs.grafana.panels import GREY, N, Query, Told, by_name, by_ref
from hybridobs.grafana.promql import RANGE, Asked, buckets, observations, query
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.catalog.mission import MISSION
from hybridobs.kpi.kpi import Count, Group, Kpi
from hybridobs.kpi.measure import Measure, Shape

BY = "$by"
_OBSERVATIONS = "observations"
SELECTED = "Over the selected time."
_IN_EVENT_TIME = "Event time: read from the store, each event in the minute in which it began."
EACH = "Each point is about the $window before it."


def of_groups(*groups: Group) -> list[Kpi]:
    """Every KPI of these groups, as the catalogue has them."""
    return [kpi for kpi in KPIS.values() if kpi.group in groups]


def of_rows(*rows: str) -> list[Kpi]:
    """The KPIs that answer these rows of the mission map, those named there first."""
    named = [name for row in rows for name in MISSION[row].kpis]
    own = [kpi.id for kpi in KPIS.values() if kpi.row in rows]
    return [KPIS[name] for name in dict.fromkeys((*named, *own)) if name in KPIS]


def group_rows(*groups: Group, title: str = "") -> list[Row]:
    """What is promised, as numbers; then everything of the groups over time."""
    kept = [promise for kpi in of_groups(*groups) for promise in promises(kpi)]
    rows = [row("What is promised", *map(promised, kept), height=4, across=4)] if kept else []
    for group in groups:
        drawn = [panel for family in families(of_groups(group)) for panel in family_panels(family)]
        rows.append(row(title or f"{group.value.capitalize()}, over time", *drawn))
    return rows


def promised(promise: Promise) -> Panel:
    """One objective as a number beside how many observations are behind it; grey while they are too few."""
    kpi = promise.kpi
    asked = Asked(window=RANGE).where(promise.where)
    where = "".join(f", {label} {value}" for label, value in promise.where.items())
    told = Told(f"{kpi.title}{where}", words.description((kpi,), SELECTED), words.unit(kpi))
    legend = " ".join((promise.limit_in_words, *_apart(kpi)))
    value = Query(f"({query(kpi, asked)}) or on () vector(NaN)", legend, instant=True)
    return panels.stat(
        f"promise/{kpi.id}{where}", told, [value, *_companion(kpi, asked, instant=True)], words.steps(promise),
        overrides=[_grey_number()],
    )  # fmt: skip


def number(kpi: Kpi, *, board: str) -> Panel:
    """A KPI of which nothing is promised, as a number over the selected time."""
    asked = Asked(window=RANGE)
    told = Told(kpi.title, words.description((kpi,), SELECTED), words.unit(kpi), to(board))
    value = Query(query(kpi, asked), _value_legend(kpi), instant=True)
    return panels.stat(
        f"number/{kpi.id}", told, [value, *_companion(kpi, asked, instant=True)], words.steps(None),
        overrides=[_grey_number()],
    )  # fmt: skip


def family_panels(family: Family, by: str = BY) -> Iterator[Panel]:
    """A family over time; one with many limits as a ladder, beside where its values lie."""
    if family.ladder:
        yield ladder(family)
        yield spread(family.first.formula.measures[0], family.title)
    else:
        yield over_time(family, by)


def over_time(family: Family, by: str = BY) -> Panel:
    """A line for each KPI of the family and each value of a label; grey bars behind say how many observations."""
    asked = Asked(by=(by,))
    label = f"{{{{{by}}}}}"
    lines = [
        Query(query(kpi, asked), " ".join(filter(None, (family.named(kpi), label, *_apart(kpi)))), interval="1m")
        for kpi in family.kpis
    ]
    told = words.told(family, over=EACH, links=to("release"))
    if len(family.kpis) == 1 and promises(family.first):
        told = replace(told, title=f"{told.title}, over time")  # beside the promise, which has the plain title
    return panels.timeseries(
        f"time/{family.first.id}/{by}",
        told,
        [*lines, *_companion(family.first, Asked())],
        words.lines(family.kpis),
        overrides=[_grey_bars()],
        custom=words.softly(family.kpis),
    )


def ladder(family: Family) -> Panel:
    """How much lies within each of many limits, over the selected time."""
    asked = Asked(window=RANGE)
    queries = [Query(query(kpi, asked), family.named(kpi), instant=True) for kpi in family.kpis]
    told = words.told(family, over=SELECTED)
    marked = [
        by_ref(chr(ord("A") + place), thresholds={"mode": "absolute", "steps": words.steps(promise)})
        for place, kpi in enumerate(family.kpis)
        for promise in promises(kpi)[:1]
    ]
    return panels.bars(f"ladder/{family.first.id}", told, queries, overrides=marked, top=1)


def spread(measure: Measure, title: str) -> Panel:
    """Where values lie, over time."""
    told = Told(
        f"{title}: where the values lie",
        f"{measure.brief} Rows are the exact thresholds of the measure, a darker cell holds more. {_IN_EVENT_TIME}",
        {"s": "s"}.get(measure.unit, "none"),
        to("traces"),
    )
    found = Query(buckets(measure, Asked(window="$__rate_interval")), "{{le}}", heatmap=True, interval="5m")
    return panels.heatmap(f"spread/{measure.name}", told, found)


def usual() -> Iterator[Panel]:
    """The KPIs that are shown without being asked for."""
    for family in families(kpi for kpi in KPIS.values() if kpi.default):
        yield over_time(family)


def counted(measure: Measure, *labels: str, title: str, most: int = 12, every_version: bool = False) -> Panel:
    """How often, by labels of the measure: the reasons, phases and kinds behind a KPI."""
    asked = Asked(window=RANGE)
    if every_version:
        asked = replace(asked, selector=asked.selector.replace('version=~"$version",', ""))
    grown = asked.grew(asked.name(measure) + ("_count" if measure.shape is Shape.DISTRIBUTION else ""), labels)
    told = Told(
        title,
        f"{measure.brief} {SELECTED} The {most} most frequent ones. {_IN_EVENT_TIME}",
        "short",
    )
    legend = " · ".join(f"{{{{{label}}}}}" for label in labels)
    return panels.bars(
        f"counted/{measure.name}/{'/'.join(labels)}", told,
        [Query(f"topk({most}, {grown} > 0)", legend, instant=True)],
    )  # fmt: skip


def _companion(kpi: Kpi, asked: Asked, *, instant: bool = False) -> list[Query]:
    """How many observations are behind it; a count is its own."""
    number = None if isinstance(kpi.formula, Count) else observations(kpi, asked)
    needed = f" of {kpi.minimum_sample:,} needed" if instant and kpi.minimum_sample > 1 else ""
    if number is None:
        return []
    if instant:
        return [Query(f"round({number})", f"observations{needed}", N, instant=True)]
    return [Query(f"sum ({number})" if kpi.apart else number, _OBSERVATIONS, N, interval="1m")]


def _grey_number() -> dict[str, object]:
    return by_ref(
        N, unit="short", color={"mode": "fixed", "fixedColor": GREY}, mappings=[],
        thresholds={"mode": "absolute", "steps": [panels.step(GREY, None)]},
    )  # fmt: skip


def _grey_bars() -> dict[str, object]:
    return by_name(
        _OBSERVATIONS, unit="short", decimals=0, color={"mode": "fixed", "fixedColor": GREY}, custom__drawStyle="bars",
        custom__fillOpacity=18, custom__lineWidth=0, custom__axisPlacement="hidden", custom__axisSoftMin=0,
        custom__thresholdsStyle={"mode": "off"}, custom__showPoints="never",
    )  # fmt: skip


def _value_legend(kpi: Kpi) -> str:
    """What the number is; with what must not be added up (currencies) named."""
    return " ".join(_apart(kpi)) or kpi.title


def _apart(kpi: Kpi) -> tuple[str, ...]:
    return tuple(f"{{{{{label}}}}}" for label in kpi.apart)

"""What a panel says of a KPI: title, description, unit and colours, all of it out of the catalogue."""

from __future__ import annotations

from typing import Any

from hybridobs.grafana.families import Family
from hybridobs.grafana.limits import Promise, promises
from hybridobs.grafana.panels import BLUE, GREEN, RED, Told, step
from hybridobs.grafana.promql import Reads, reads
from hybridobs.kpi.kpi import Direction, Kpi, Quantile

_UNITS = {"s": "s", "J": "joule", "By": "decbytes", "W": "watt", "Cel": "celsius"}
_PARTS = {
    "confidence",
    "utilization",
    "charge",
    "cpu",
    "coverage",
    "duplicate_share",
}  # of 1, though no ratio of counts
_SOURCES = {
    Reads.EVENTS: "Event time: read from the store, each event in the minute in which it began, however late it came.",
    Reads.LIVE: "Live: what one collector counted since its start, at the time of arrival.",
    Reads.GAUGE: "Event time: read from the store by the collector in the background, over the last 24 hours or, where "
    "it is of all time, over all of it; where there are several series, the worst of them.",
}


def unit(kpi: Kpi) -> str:
    """Grafana's name for the unit of a KPI."""
    if kpi.in_percent:
        return "percentunit"
    if found := _UNITS.get(kpi.unit):
        return found
    if kpi.unit == "1":
        return "percentunit" if kpi.formula.measures[0].name.split(".")[-1].split("_")[-1] in _PARTS else "none"
    if "/" in kpi.unit:
        thing, _, each = kpi.unit.partition("/")  # frames a second are a number a second: the title says of what
        return f"suffix:/{each}" if thing.startswith("{") else f"suffix: {thing}/{each}".replace(".", "")
    return "none" if kpi.unit == "{currency}" else "short"


def source(kpi: Kpi, *, live: bool = False) -> str:
    """Which of the two times a panel shows."""
    return _SOURCES[reads(kpi, live=live)]


def told(family: Family, *, over: str, links: tuple[tuple[str, str], ...] = (), live: bool = False) -> Told:
    """Title, description and unit of a panel that shows a family ``over`` some time."""
    names = [family.named(kpi) for kpi in family.kpis]
    title = family.title if len(names) == 1 or family.ladder else f"{family.title}: {', '.join(names)}"
    return Told(title, description(family.kpis, over, live=live), unit(family.first), links)


def description(kpis: tuple[Kpi, ...], over: str, *, live: bool = False) -> str:
    """What it means, what is promised, from how much on there is a value, and where it is read."""
    lines = [sentence for kpi in kpis for sentence in _sentences(kpi, kpis)]
    lines += [f"Objective: {_name(kpi, kpis)}{promise.words}." for kpi in kpis for promise in promises(kpi)]
    needed = {kpi.minimum_sample for kpi in kpis if kpi.live and kpi.minimum_sample > 1}
    if needed:
        lines.append(f"No value below {_listed(needed)} observations: too little never looks like good.")
    lines.append(f"{over} {source(kpis[0], live=live)}")
    lines.append(f"The same on a terminal: `hybridobs kpi {' '.join(kpi.id for kpi in kpis[:3])}`.")
    return " ".join(dict.fromkeys(lines))


def _sentences(kpi: Kpi, kpis: tuple[Kpi, ...]) -> list[str]:
    """The brief, less what only says which percentile it is where several stand side by side."""
    brief = kpi.brief
    if len(kpis) > 1 and isinstance(kpi.formula, Quantile):
        brief = brief.removesuffix(f" {kpi.formula.q * 100:g} % of values are at or below this.")
    return [brief]


def _name(kpi: Kpi, kpis: tuple[Kpi, ...]) -> str:
    return f"{kpi.title} " if len(kpis) > 1 else ""


def _listed(numbers: set[int]) -> str:
    return ", ".join(f"{number:,}" for number in sorted(numbers))


def steps(promise: Promise | None) -> list[dict[str, Any]]:
    """Green on the side that is kept, red from the limit on; blue where nothing is promised.

    Grafana's step begins at its value, so a limit that must be reached is green there, and one that must not be
    exceeded turns red just above it.
    """
    if promise is None:
        return [step(BLUE, None)]
    if promise.upper:
        return [step(GREEN, None), step(RED, _above(promise.limit))]
    return [step(RED, None), step(GREEN, promise.limit)]


def lines(kpis: tuple[Kpi, ...]) -> list[dict[str, Any]]:
    """Steps for lines over time: one at each limit promised of any of them."""
    limits = [promise for kpi in kpis for promise in promises(kpi)]
    if not limits:
        return []
    edges = sorted({promise.limit for promise in limits})
    below, above = (GREEN, RED) if limits[0].upper else (RED, GREEN)
    return [step(below, None), *(step(above, edge) for edge in edges)]


def softly(kpis: tuple[Kpi, ...]) -> dict[str, float]:
    """How far an axis reaches at least: to nothing, to all of it, and to what is promised."""
    limits = [promise.limit for kpi in kpis for promise in promises(kpi)]
    if kpis[0].is_share and kpis[0].direction is Direction.HIGHER:
        return {"axisSoftMax": 1, **({"axisSoftMin": round(1 - 1.5 * (1 - min(limits)), 6)} if limits else {})}
    least = 0.01 if kpis[0].in_percent else 1 if unit(kpis[0]) == "short" else 0  # nothing at all is no reason for 100
    top = max(least, round(1.1 * max(limits, default=0), 6))
    return {"axisSoftMin": 0, **({"axisSoftMax": top} if top else {})}


def _above(limit: float) -> float:
    return limit * (1 + 1e-9) if limit else 1e-12

"""Two releases side by side: the same query twice, once for each version."""

from __future__ import annotations

from collections.abc import Iterator

from grafanalib.core import Panel

from hybridobs.grafana import panels, words
from hybridobs.grafana.kpis import EACH, SELECTED
from hybridobs.grafana.limits import Trigger, promises, triggers
from hybridobs.grafana.panels import GREEN, GREY, RED, Query, Told, by_ref, step
from hybridobs.grafana.promql import RANGE, Asked, observations, query
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Direction, Kpi

SIDES = ("baseline", "candidate")
_ESTIMATE = (
    "What was seen, less what was seen of the baseline: an estimate. Whether it is more than chance, with an interval "
    "and an exit code, says `hybridobs slo gate`."
)


def _judged() -> list[Kpi]:
    """What a release is judged by: the usual KPIs, those of the gate, and all of which something is promised."""
    gated = [trigger.kpi for trigger in triggers()]
    usual = [kpi for kpi in KPIS.values() if kpi.default]
    promised = [kpi for kpi in KPIS.values() if promises(kpi)]
    wanted = {kpi.id for kpi in (*gated, *usual, *promised) if kpi.live}
    return [kpi for kpi in KPIS.values() if kpi.id in wanted]


def differences() -> Iterator[Panel]:
    """How much worse the candidate is, for each trigger of the gate."""
    for trigger in triggers():
        yield _difference(trigger)


def sample_sizes() -> Iterator[Panel]:
    """How many observations each side has, for each trigger: what a verdict is worth."""
    for trigger in triggers():
        kpi = trigger.kpi
        asked = Asked(window=RANGE)
        found = [
            Query(f"{number} or on () vector(0)", side, instant=True)
            for side in SIDES
            if (number := observations(kpi, asked.version(side)))
        ]
        told = Told(
            f"{kpi.title}: observations",
            f"Behind the difference above. Each side needs {kpi.minimum_sample:,} to have a value. {words.source(kpi)}",
            "short",
        )
        steps = [step(GREY, None), step(GREEN, float(kpi.minimum_sample))]
        yield panels.stat(f"sizes/{kpi.id}", told, found, steps)


def pairs() -> Iterator[Panel]:
    """Both sides over the selected time, for all that a release is judged by."""
    for kpi in _judged():
        yield _pair(kpi)


def courses() -> Iterator[Panel]:
    """Both sides over time, for the gate's KPIs and the usual ones."""
    gated = {trigger.kpi.id for trigger in triggers()}
    for kpi in KPIS.values():
        if kpi.live and (kpi.default or kpi.id in gated):
            yield _course(kpi)


def _pair(kpi: Kpi) -> Panel:
    asked = Asked(window=RANGE)
    apart = "".join(f" {{{{{label}}}}}" for label in kpi.apart)
    both = [
        Query(f"({query(kpi, asked.version(side))}) or on () vector(NaN)", f"${side}{apart}", instant=True)
        for side in SIDES
    ]
    told = Told(kpi.title, words.description((kpi,), SELECTED), words.unit(kpi))
    kept = promises(kpi)
    return panels.stat(f"pair/{kpi.id}", told, both, words.steps(kept[0] if kept else None), size=18)


def _course(kpi: Kpi) -> Panel:
    asked = Asked()
    apart = " ".join(f"{{{{{label}}}}}" for label in kpi.apart)
    lines = [Query(query(kpi, asked.version(side)), f"{side} ${side} {apart}".strip(), interval="1m") for side in SIDES]
    colours = [
        by_ref(ref, color={"mode": "fixed", "fixedColor": colour})
        for ref, colour in zip("AB", ("blue", "orange"), strict=True)
    ]
    told = Told(f"{kpi.title}, over time", words.description((kpi,), EACH), words.unit(kpi))
    return panels.timeseries(
        f"course/{kpi.id}", told, lines, words.lines((kpi,)), overrides=colours, custom=words.softly((kpi,))
    )


def _difference(trigger: Trigger) -> Panel:
    kpi = trigger.kpi
    baseline, candidate = (f"({query(kpi, Asked(window=RANGE).version(side))})" for side in SIDES)
    worse = f"{candidate} - {baseline}" if kpi.direction is not Direction.HIGHER else f"{baseline} - {candidate}"
    difference = f"({worse}) / {baseline}" if trigger.relative else worse
    limit = f"{100 * trigger.limit:g} {'% of the baseline' if trigger.relative else 'points'}"
    told = Told(
        f"{kpi.title}: worse by",
        f"{kpi.brief} The gate stops a candidate that is worse by {limit} or more. {_ESTIMATE} {words.source(kpi)}",
        "percentunit",
    )
    steps = [step(GREEN, None), step(RED, trigger.limit)]
    return panels.stat(
        f"difference/{kpi.id}", told, [Query(f"({difference}) or on () vector(NaN)", kpi.title, instant=True)], steps,
        background=True, names=False,
    )  # fmt: skip

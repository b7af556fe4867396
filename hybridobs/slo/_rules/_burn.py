"""Alerts on how fast an error budget burns: several windows, several speeds.

The pairs are those of the SRE workbook, chapter 5. The long window says that it matters, the short one that it is
still going on, so an alert ends soon after its cause. Their speeds are made for a budget of 30 days; a shorter one
lowers them, so that a pair speaks at the latest when its long window has spent the whole budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any, NamedTuple

from hybridobs.kpi.kpi import Group, Kpi
from hybridobs.slo._rules._counting import NO_BUDGET, Counting, Unsuitable, counting, selector
from hybridobs.slo.budget import allowed_share
from hybridobs.slo.objective import Objective
from hybridobs.slo.outcome import Severity
from hybridobs.slo.window import DAY, Window

RATIO = "hybridobs:slo_bad:ratio_rate"
EVENTS = "hybridobs:slo_events:increase"
# Below that many bad events an alert would be about the bad luck of a few calls.
FEWEST_BAD = 5
ZERO_WINDOW = "15m"
_CALENDAR = {"day": DAY, "month": 30 * DAY}


class Pair(NamedTuple):
    """Two windows, the speed (times the budget's) from which it is an alert, and how urgent it is at most."""

    factor: float
    long: str
    short: str
    severity: Severity

    @property
    def seconds(self) -> int:
        """How long the long window is."""
        return Window(self.long).seconds or 0


PAIRS = (
    Pair(14.4, "1h", "5m", Severity.PAGE),
    Pair(6, "6h", "30m", Severity.PAGE),
    Pair(3, "1d", "2h", Severity.TICKET),
    Pair(1, "3d", "6h", Severity.TICKET),
)
_MILDER = (Severity.PAGE, Severity.TICKET, Severity.INFO)


class Burning(NamedTuple):
    """One objective, what it counts, the share that may be bad, and the pairs that can speak of it."""

    objective: Objective
    counting: Counting
    allowed: float
    pairs: tuple[Pair, ...]

    @property
    def alert(self) -> str:
        """The name of its alerts."""
        return family(self.objective.kpi)[0] if self.allowed else "HybridobsFaultSeen"

    @property
    def runbook(self) -> str:
        """The page about them."""
        return family(self.objective.kpi)[1] if self.allowed else "fault-seen"

    def needed(self, pair: Pair) -> int:
        """Events in the long window without which there is no alert."""
        return max(self.objective.minimum_sample, ceil(FEWEST_BAD / self.limit(pair)))

    def limit(self, pair: Pair) -> float:
        """The bad share above which the pair speaks."""
        return float(f"{pair.factor * self.allowed:.12g}")

    def severity(self, pair: Pair | None = None) -> Severity:
        """The milder of what the objective and the pair say."""
        own = self.objective.severity
        return max(own, pair.severity, key=_MILDER.index) if pair else own


def family(kpi: Kpi) -> tuple[str, str]:
    """The alert's name and the page that helps, by what the KPI is about."""
    if kpi.id == "offline_success_rate":
        return "HybridobsOfflineBudgetBurn", "offline"
    if kpi.id in ("error_rate", "crash_rate", "retry_rate"):
        return "HybridobsErrorBudgetBurn", "errors"
    if kpi.id.startswith("ota_") or kpi.group is Group.RELEASE:
        return "HybridobsUpdateBudgetBurn", "updates"
    if kpi.group is Group.QUALITY:
        return "HybridobsQualityBudgetBurn", "quality"
    if kpi.group is Group.COST:
        return "HybridobsCostBudgetBurn", "cost"
    if kpi.formula.measures[0].unit == "s":
        return "HybridobsLatencyBudgetBurn", "latency"
    return "HybridobsBudgetBurn", "budget"


def burning(objective: Objective) -> Burning:
    """What there is to say of it; Unsuitable if that is nothing."""
    counted = counting(objective)
    allowed = allowed_share(objective)
    if allowed is None:
        raise Unsuitable(NO_BUDGET)
    # A share of one is all there is: a pair that would need more can never speak.
    pairs = tuple(pair for pair in _pairs(objective.window) if pair.factor * allowed < 1)
    if allowed and not pairs:
        raise Unsuitable("has a budget so large, or a window so short, that no burn rate tells anything")
    return Burning(objective, counted, allowed, pairs if allowed else ())


def _pairs(window: Window) -> Iterator[Pair]:
    """Those no longer than the objective's window, at the most at the speed that spends its budget in the long one."""
    length = window.seconds or _CALENDAR[window.name]
    for pair in PAIRS:
        if pair.seconds <= length:
            yield pair._replace(factor=min(pair.factor, length / pair.seconds))


def rules(burning: Burning, runbooks: str) -> Iterator[dict[str, Any]]:
    """Recording rules for every window, then the alerts."""
    slo, counting = burning.objective.name, burning.counting
    windows = {window for pair in burning.pairs for window in (pair.short, pair.long)}
    for window in sorted(windows, key=lambda name: Window(name).seconds or 0):
        yield {"record": RATIO + window, "expr": counting.ratio(window), "labels": {"slo": slo}}
    for pair in burning.pairs:
        yield {"record": EVENTS + pair.long, "expr": counting.events(pair.long), "labels": {"slo": slo}}
    if not burning.allowed:
        yield _zero(burning, runbooks)
    for pair in burning.pairs:
        yield _alert(burning, pair, runbooks)


def _literal(text: str) -> str:
    """A text of the SLO file for a label or an annotation of an alert, which Prometheus reads as a template."""
    return text.replace("{{", '{{ "{{" }}')


def _alert(burning: Burning, pair: Pair, runbooks: str) -> dict[str, Any]:
    mine, limit = selector("", {"slo": burning.objective.name}), burning.limit(pair)
    conditions = (
        f"{RATIO}{pair.long}{mine} > {limit:g}",
        f"{RATIO}{pair.short}{mine} > {limit:g}",
        f"{EVENTS}{pair.long}{mine} >= {burning.needed(pair)}",
    )
    speed = "faster than" if pair.factor == 1 else f"more than {pair.factor:.3g} times as fast as"
    summary = f"{_literal(burning.objective.name)}: the error budget burns {speed} it may"
    description = (
        f"{{{{ $value | humanizePercentage }}}} went wrong in the last {pair.long}, {100 * burning.allowed:g} % may "
        f"({burning.objective.kpi.id} {_literal(burning.objective.target)} over {burning.objective.window.name})."
    )
    return {
        "alert": burning.alert,
        "expr": " and ".join(conditions),
        "labels": _labels(burning, pair.long, burning.severity(pair)),
        "annotations": notes(summary, description, runbooks, burning.runbook),
    }


def _zero(burning: Burning, runbooks: str) -> dict[str, Any]:
    summary = f"{_literal(burning.objective.name)}: something went wrong that never may"
    description = (
        f"{burning.objective.kpi.id} {_literal(burning.objective.target)}; there is no budget for a single fault."
    )
    return {
        "alert": burning.alert,
        "expr": burning.counting.any_bad(ZERO_WINDOW),
        "labels": _labels(burning, ZERO_WINDOW, burning.severity()),
        "annotations": notes(summary, description, runbooks, burning.runbook),
    }


def _labels(burning: Burning, window: str, severity: Severity) -> dict[str, str]:
    return {"slo": _literal(burning.objective.name), "window": window, "severity": severity.value}


def notes(summary: str, description: str, runbooks: str, page: str) -> dict[str, str]:
    """What every alert says, with the page that helps."""
    return {"summary": summary, "description": description, "runbook_url": f"{runbooks.rstrip('/')}/{page}.md"}

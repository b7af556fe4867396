"""What SLO files, plans and policies have in common: limits, windows, labels, samples and severities, each checked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from hybridobs.contract import LABELS
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.kpi import Direction, Kpi
from hybridobs.kpi.quantity import currency, parsed, points
from hybridobs.kpi.stats.verdict import Worse
from hybridobs.slo._tree import Branch, nearest
from hybridobs.slo.objective import is_share, pairwise, worse_side
from hybridobs.slo.outcome import Severity
from hybridobs.slo.window import Window

TARGETS = {"target": None, "at_most": Worse.HIGHER, "at_least": Worse.LOWER}
MEAN_REFUSED = (
    "is a mean, and no SLO is kept on a mean latency: it looks acceptable while one call in twenty is not; "
    "promise a percentile (latency_p95, latency_p99) or a share (within_300ms)"
)
CURRENCY = "currency"
VERSION = "1"
MOST = 10**15 - 1  # of a whole number
NEVER_BELOW_ZERO = ("s", "J", "By", "{currency}")  # but for the difference of two
WHOLE = rf"[1-9][0-9]{{0,{len(str(MOST)) - 1}}}"
Fields = Mapping[str, Branch]


def root_of(root: Branch, known: Iterable[str]) -> dict[str, Branch]:
    """The fields of a whole file; one that says no version is of ours."""
    own = root.fields(known)
    if "version" in own and own["version"].text() != VERSION:
        own["version"].fail(f"this hybridobs reads version {VERSION}")
    return own


def target_of(branch: Branch, own: Fields, kpi: Kpi) -> tuple[Worse, float]:
    """The worse side and the limit of the one target that is given."""
    given = [name for name in TARGETS if name in own]
    if len(given) != 1:
        branch.fail(f"give {kpi.id} one of: {', '.join(TARGETS)}", ", ".join(given))
    return _side(own[given[0]], given[0], kpi), number_of(own[given[0]], kpi)


def _side(branch: Branch, key: str, kpi: Kpi) -> Worse:
    side = TARGETS[key]
    if kpi.direction is Direction.NONE:
        return side or branch.fail(f"neither more nor less of {kpi.id} is better; write at_most or at_least")
    if side not in (None, worse_side(kpi)):
        branch.fail(f"of {kpi.id} {'more' if kpi.direction is Direction.HIGHER else 'less'} is better; write target")
    return worse_side(kpi)


def number_of(branch: Branch, kpi: Kpi) -> float:
    """A limit in the unit of the KPI."""
    try:
        if kpi.is_difference:
            return points(branch.text())
        number = parsed(branch.text(), kpi.unit, share=is_share(kpi))
    except ValueError as error:
        branch.fail(str(error))
    if number < 0 and kpi.unit in NEVER_BELOW_ZERO and not pairwise(kpi):
        branch.fail(f"is below zero, where {kpi.id} never is")
    return number


def currency_of(own: Fields, kpi: Kpi, where: Mapping[str, str]) -> dict[str, str]:
    """The label that a target in a currency is about: ``0.02 EUR`` says nothing of what is paid in USD."""
    given = next((own[name] for name in TARGETS if name in own), None)
    said = currency(given.text()) if given and CURRENCY in kpi.apart else ""
    if not said or given is None or where.get(CURRENCY) == said:
        return {}
    if CURRENCY in where:
        given.fail(f"is in {said}, but 'where' says {CURRENCY}: {where[CURRENCY]}; give one of the two")
    return {CURRENCY: said}


def window_of(branch: Branch) -> Window:
    """A window by its name."""
    try:
        return Window.named(branch.text())
    except ValueError as error:
        branch.fail(str(error))


def length_of(branch: Branch) -> int:
    """A length of time, in s: a day or a month of the calendar has none before it ends."""
    return Window(branch.text()).seconds or branch.fail("give a length of time, for example 15m, 24h or 7d")


def where_of(fields: Fields, kpi: Kpi, tier: Mapping[str, str]) -> dict[str, str]:
    """Labels that the series must have."""
    pairs = fields["where"].pairs() if "where" in fields else {}
    for label, branch in pairs.items():
        if label in tier:
            branch.fail("the section says the tier already; leave it out here")
        label_of(branch, label, kpi)
    return {label: branch.text() for label, branch in pairs.items()}


def label_of(branch: Branch, label: str, kpi: Kpi) -> str:
    """A label that the series of the KPI have."""
    own = tuple(dict.fromkeys((*LABELS, *(extra for name in kpi.measures for extra in MEASURES[name].extra))))
    if label not in own:
        branch.fail(f"{kpi.id} has no such label{nearest(label, own)}", label)
    return label


def whole_of(branch: Branch, of: str = "observations") -> int:
    """A whole number, 1 or more; ``of`` is what it counts."""
    text = branch.text()
    if not re.fullmatch(WHOLE, text):
        branch.fail(f"give a whole number of {of}, 1 or more and of {len(str(MOST))} digits at most")
    return int(text)


def severity_of(fields: Fields) -> Severity:
    """How much a breach matters; a ticket unless it is said."""
    return Severity(fields["severity"].one_of(tuple(Severity))) if "severity" in fields else Severity.TICKET

"""The part of an SLO file that a gate looks at: triggers against a baseline, paired triggers, and a score."""

from __future__ import annotations

import re
from dataclasses import replace

from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Direction, Kpi
from hybridobs.slo._fields import MEAN_REFUSED, TARGETS, Fields, severity_of, target_of
from hybridobs.slo._tree import Branch
from hybridobs.slo.objective import (
    THE_SCORE,
    Part,
    Score,
    Trigger,
    comparable,
    is_counted,
    is_mean_time,
    is_share,
    is_windowed,
    paired_comparable,
)

TRIGGER = ("name", "kpi", "limit", "hard", "severity")
PAIRED = ("name", "kpi", *TARGETS, "severity")
SCORE = ("pass", "fail", "severity", "parts")
PART = ("weight", "gates")
# With less than two fifths of the allowance used on average a canary is good enough, with three fifths it is not.
ENOUGH, LEAST = 60.0, 40.0
DIGITS = r"[0-9]{1,6}(?:\.[0-9]{1,9})?"
_LIMIT = re.compile(rf"({DIGITS}) ?(%|pp)")
_NUMBER = re.compile(DIGITS)


def trigger(branch: Branch) -> Trigger:
    """What the candidate must not do to the baseline, or at all where it is ``hard``."""
    own = branch.fields(TRIGGER)
    hard = "hard" in own and own["hard"].one_of(("true", "false")) == "true"
    if "kpi" not in own or ("limit" not in own and not hard):
        branch.fail("give 'kpi' and 'limit', for example limit: {rel: 30%}; or 'hard: true', for no fault at all", "")
    kpi = KPIS[own["kpi"].one_of(KPIS)]
    _judgeable(own["kpi"], kpi)
    name = _name(own, kpi)
    if not hard:
        relative, limit = _limit(own["limit"], kpi)
        return Trigger(name, kpi, limit, relative, severity_of(own), branch.place)
    if "limit" in own:
        own["limit"].fail("a hard trigger allows no fault at all; leave the limit out, or 'hard'")
    if not is_counted(kpi):
        own["kpi"].fail("counts no faults, so it cannot be hard; choose a share such as ota_verified_share")
    return Trigger(name, kpi, 0.0, False, severity_of(own), branch.place, hard=True)


def _name(own: Fields, kpi: Kpi) -> str:
    name = own["name"].text() if "name" in own else kpi.id
    return own["name"].fail("is what the score itself is called; give another name") if name == THE_SCORE else name


def _judgeable(branch: Branch, kpi: Kpi) -> None:
    if is_mean_time(kpi):
        branch.fail(MEAN_REFUSED)
    if paired_comparable(kpi) and not comparable(kpi):
        branch.fail("compares two answers to one request, not two sides; put it under 'paired'")
    if not comparable(kpi):
        branch.fail("has no interval, so a gate would compare luck; choose a percentile or a share")
    if not is_windowed(kpi):
        branch.fail("is of all time, so no two sides can be compared over the same hours")
    if kpi.direction is Direction.NONE:
        branch.fail("neither more nor less of it is better, so nothing can be a breach")


def paired(branch: Branch) -> Trigger:
    """A limit on what pairs of answers say: of the model in use, and of the one in its shadow."""
    own = branch.fields(PAIRED)
    if "kpi" not in own:
        branch.fail("give 'kpi' and a target, for example kpi: shadow_agreement, target: 98%", "")
    kpi = KPIS[own["kpi"].one_of(KPIS)]
    if not paired_comparable(kpi):
        known = ", ".join(kpi.id for kpi in KPIS.values() if paired_comparable(kpi))
        own["kpi"].fail(f"is not about pairs of answers; choose of: {known}")
    side, limit = target_of(branch, own, kpi)
    name = _name(own, kpi)
    return Trigger(name, kpi, limit, False, severity_of(own), branch.place, paired=side)


def score(branch: Branch) -> Score:
    """Several parts in one number."""
    own = branch.fields(SCORE)
    if "parts" not in own:
        branch.fail("give 'parts', for example accuracy: {weight: 40, gates: [...]}", "")
    parts = tuple(_part(name, part) for name, part in own["parts"].pairs().items())
    if not parts:
        own["parts"].fail("give at least one part", "")
    enough = _points(own["pass"]) if "pass" in own else ENOUGH
    least = _points(own["fail"]) if "fail" in own else min(LEAST, enough)
    if least > enough:
        own["fail"].fail(f"is above 'pass', which is {enough:g}; give at most that")
    return Score(parts, enough, least, severity_of(own), branch.place)


def _part(name: str, branch: Branch) -> Part:
    own = branch.fields(PART)
    for key in PART:
        if key not in own:
            branch.fail(f"the part has no {key!r}; write {{weight: 40, gates: [...]}}", "")
    triggers = tuple(_of_part(name, one) for one in own["gates"].entries())
    if not triggers:
        own["gates"].fail("give at least one KPI to read the part from", "")
    weight = _number(own["weight"])
    if weight <= 0:
        own["weight"].fail("give a weight above 0, or leave the part out")
    return Part(name, weight, triggers)


def _of_part(part: str, branch: Branch) -> Trigger:
    found = trigger(branch)
    if found.hard:
        branch.fail("a hard trigger overrides every score; put it under 'gates'", "hard")
    return replace(found, name=f"{part}/{found.name}")


def _points(branch: Branch) -> float:
    points = _number(branch)
    return points if points <= 100 else branch.fail("a score lies between 0 and 100")


def _number(branch: Branch) -> float:
    text = branch.text()
    return float(text) if _NUMBER.fullmatch(text) else branch.fail("give a number below a million, for example 40")


def _limit(branch: Branch, kpi: Kpi) -> tuple[bool, float]:
    spelled = "spell it out: 'rel: 5%' (of the baseline's value) or 'abs: 5pp' (percentage points)"
    if branch.is_scalar:
        branch.fail(spelled)
    fields = branch.fields(("rel", "abs"))
    if len(fields) != 1:
        branch.fail(spelled)
    relative = "rel" in fields
    (amount,) = fields.values()
    found = _LIMIT.fullmatch(amount.text())
    if not relative and not is_share(kpi):
        amount.fail(f"{kpi.id} is no share, so it has no points; write rel: 30%")
    if found is None or (found[2] == "%") != relative:
        amount.fail("write rel: 5%" if relative else "write abs: 5pp")
    if not relative and float(found[1]) > 100:
        amount.fail("no two shares are further apart than 100 points")
    if relative and kpi.direction is Direction.HIGHER and float(found[1]) >= 100:
        amount.fail("more than all of it cannot be lost")
    return relative, float(found[1]) / 100

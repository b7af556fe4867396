"""Read a policy file: every key is known, every value is checked, and an error points at its line."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Kpi
from hybridobs.slo import _fields as slo_file
from hybridobs.slo import _tree
from hybridobs.slo._tree import Branch
from hybridobs.slo.objective import is_mean_time, is_windowed
from hybridobs.slo.policy._rule import Bound, Condition, Policy, Rule, Value, WithoutData
from hybridobs.slo.window import Window

ROOT = ("version", "policies")
POLICY = ("id", "flag", "variants", "default", "by", "rules")
RULE = ("use", "when", "until", "hold", "without_data")
BOUNDS = tuple(bound.value for bound in Bound)
WHEN = ("kpi", *BOUNDS, "window", "where", "minimum_sample")
DEFAULT_WINDOW = Window("1h")
ID = r"[a-z0-9][a-z0-9._-]{0,62}"
_EXAMPLE = "when: {kpi: latency_p95, at_least: 300ms, window: 15m}"


def load(path: Path) -> tuple[Policy, ...]:
    """The policies of a file; ConfigError names file, line and key."""
    return loads(_tree.text_of(path), str(path))


def loads(text: str, file: str = "policy.yaml") -> tuple[Policy, ...]:
    """The same from a text."""
    root = _tree.parsed(text, file, "policies")
    fields = slo_file.root_of(root, ROOT)
    if "policies" not in fields:
        root.fail("says nothing; give it 'policies'", "")
    policies = tuple(map(_policy, fields["policies"].entries()))
    for key in ("id", "flag"):
        _told_apart(fields["policies"], key, [getattr(policy, key) for policy in policies])
    return policies


def _told_apart(place: Branch, key: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            place.fail(f"two policies have this {key}; give each its own", name)


def _policy(branch: Branch) -> Policy:
    own = _whole(branch, POLICY, ("id", "flag", "variants", "default", "rules"))
    variants = {name: _value(value) for name, value in own["variants"].pairs().items()}
    if len(set(map(_kind, variants.values()))) != 1:
        own["variants"].fail("values of one flag are all true or false, all numbers or all words")
    rules = tuple(_rule(rule, tuple(variants)) for rule in own["rules"].entries())
    if not rules:
        own["rules"].fail("without a rule the flag never changes; give one at least", "")
    by = own["by"].words() if "by" in own else []
    for label in by:
        for rule in rules:
            slo_file.label_of(label, label.text(), rule.condition.kpi)
    default = own["default"].one_of(tuple(variants))
    name = own["id"].text()
    if not re.fullmatch(ID, name):
        own["id"].fail("give an id of small letters, digits, '.', '_' and '-'")
    return Policy(name, own["flag"].text(), variants, default, tuple(word.text() for word in by), rules, branch.place)


def _whole(branch: Branch, known: tuple[str, ...], needed: tuple[str, ...]) -> dict[str, Branch]:
    own = branch.fields(known)
    for key in needed:
        if key not in own:
            branch.fail(f"{key!r} is missing", "")
    return own


def _value(branch: Branch) -> Value:
    """A scalar as JSON has it: true, false, a number, else the words."""
    text = branch.text()
    try:
        found: bool | int | float = json.loads(text)
        return found if math.isfinite(found) else text
    except (ValueError, TypeError, OverflowError, RecursionError):  # no number, or one that no JSON reader can hold
        return text


def _kind(value: Value) -> type:
    """What an application asks a flag for; 1 and 0.5 are both numbers."""
    return type(value) if isinstance(value, bool | str) else float


def _rule(branch: Branch, variants: tuple[str, ...]) -> Rule:
    own = _whole(branch, RULE, ("use", "when"))
    hold = slo_file.length_of(own["hold"]) if "hold" in own else 0
    without = own["without_data"].one_of(tuple(WithoutData)) if "without_data" in own else WithoutData.STAY
    return Rule(own["use"].one_of(variants), _condition(own), hold, WithoutData(without), branch.place)


def _condition(rule: dict[str, Branch]) -> Condition:
    own = rule["when"].fields(WHEN)
    kpi = _kpi(rule["when"], own)
    bound, limit = _limit(rule["when"], own, kpi, BOUNDS)
    where = slo_file.where_of(own, kpi, {})
    where |= slo_file.currency_of(own, kpi, where)
    return Condition(
        kpi=kpi,
        bound=bound,
        limit=limit,
        release=_release(rule, kpi, bound, limit, where),
        window=slo_file.window_of(own["window"]) if "window" in own else DEFAULT_WINDOW,
        where=where,
        minimum_sample=slo_file.whole_of(own["minimum_sample"]) if "minimum_sample" in own else kpi.minimum_sample,
    )


def _kpi(branch: Branch, own: dict[str, Branch]) -> Kpi:
    if "kpi" not in own:
        branch.fail(f"names no KPI; write {_EXAMPLE}", "")
    kpi = KPIS[own["kpi"].one_of(KPIS)]
    if is_mean_time(kpi):
        own["kpi"].fail("is a mean, which looks well while one call in twenty is not; name a percentile or a share")
    if not is_windowed(kpi):
        own["kpi"].fail("is of all time, so nothing that a flag does would ever change it")
    return kpi


def _limit(branch: Branch, own: dict[str, Branch], kpi: Kpi, bounds: tuple[str, ...]) -> tuple[Bound, float]:
    given = [bound for bound in bounds if bound in own]
    if len(given) != 1:
        branch.fail(f"give it one of: {', '.join(bounds)}", ", ".join(given))
    return Bound(given[0]), slo_file.number_of(own[given[0]], kpi)


def _release(rule: dict[str, Branch], kpi: Kpi, bound: Bound, limit: float, where: dict[str, str]) -> float:
    """The limit on the way back: on the good side of the one that sets the flag, so that it does not flutter."""
    if "until" not in rule:
        return limit
    own = rule["until"].fields((bound.opposite.value,))
    slo_file.currency_of(own, kpi, where)
    _, release = _limit(rule["until"], own, kpi, (bound.opposite.value,))
    if not bound.opposite.holds(release, limit):
        rule["until"].fail("takes back what 'when' has not set yet; choose a limit on its good side")
    return release

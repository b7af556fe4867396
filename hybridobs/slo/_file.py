"""Read an SLO file: every key is known, every value is checked, and an error points at its line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hybridobs.contract import LABELS
from hybridobs.errors import ConfigError
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.kpi import Direction, Kpi
from hybridobs.kpi.quantity import parsed
from hybridobs.kpi.stats.verdict import Worse
from hybridobs.slo import _tree
from hybridobs.slo._tree import Branch, Place
from hybridobs.slo.objective import (
    Objective,
    SloFile,
    Trigger,
    comparable,
    is_mean_time,
    is_share,
    is_windowed,
    worse_side,
)
from hybridobs.slo.outcome import Severity
from hybridobs.slo.templates import TEMPLATES
from hybridobs.slo.window import Window

TIERS = ("device", "site", "cloud")
TARGETS = {"target": None, "at_most": Worse.HIGHER, "at_least": Worse.LOWER}
SHARED = ("window", "where", "by", "minimum_sample", "severity")
OBJECTIVE = ("name", "kpi", "template", *TARGETS, *SHARED)
TRIGGER = ("name", "kpi", "limit", "severity")
ROOT = ("version", "defaults", "objectives", "tiers", "gates")
DEFAULT_WINDOW = Window("28d")
MEAN_REFUSED = (
    "is a mean, and no SLO is kept on a mean latency: it looks acceptable while one call in twenty is not; "
    "promise a percentile (latency_p95, latency_p99) or a share (within_300ms)"
)
_LIMIT = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(%|pp)")

Fields = Mapping[str, Branch]


def load(path: Path) -> SloFile:
    """The file at ``path``; ConfigError names file, line and key."""
    return loads(_tree.text_of(path), str(path))


def loads(text: str, file: str = "slo.yaml") -> SloFile:
    """The same from a text."""
    return _file(_tree.documents(text, file))


def _file(documents: Sequence[Branch]) -> SloFile:
    """Ours is one document; OpenSLO's are many."""
    from hybridobs.slo import _openslo

    root, *more = documents
    if _openslo.is_openslo(documents):
        objectives = tuple(_openslo.objectives(documents))
        _told_apart(objectives)
        return SloFile(root.place.file, objectives, ())
    if more:
        more[0].fail("is a second document; an SLO file is one, and only OpenSLO files have several", "")
    return _own(root)


def _own(root: Branch) -> SloFile:
    fields = root.fields(ROOT)
    if "version" in fields and fields["version"].text() != "1":
        fields["version"].fail("this hybridobs reads version 1")
    defaults = fields["defaults"].fields(SHARED) if "defaults" in fields else {}
    objectives = list(_objectives(fields, defaults))
    triggers = tuple(map(_trigger, fields["gates"].entries() if "gates" in fields else ()))
    if not objectives and not triggers:
        root.fail("promises nothing; give it 'objectives', 'tiers' or 'gates'", "")
    _told_apart(objectives)
    _told_apart(triggers)
    return SloFile(root.place.file, tuple(objectives), triggers)


def _objectives(fields: Fields, defaults: Fields) -> Iterator[Objective]:
    for branch in fields["objectives"].entries() if "objectives" in fields else ():
        yield _objective(branch, defaults, {})
    tiers = fields["tiers"].fields(TIERS) if "tiers" in fields else {}
    for tier, branches in tiers.items():
        for branch in branches.entries():
            yield _objective(branch, defaults, {"tier": tier})


def _objective(branch: Branch, defaults: Fields, tier: Mapping[str, str]) -> Objective:
    own = branch.fields(OBJECTIVE)
    fields = {**defaults, **own}
    kpi, worse, limit = _promise(branch, own)
    where = {**tier, **where_of(fields, kpi, tier)}
    stem = own["template"].text() if "template" in own else kpi.id
    name = own["name"].text() if "name" in own else "-".join((*where.values(), stem))
    window = window_of(fields["window"]) if "window" in fields else DEFAULT_WINDOW
    return replace(promised(name, kpi, worse, limit, window, fields, branch.place), where=where)


def promised(
    name: str, kpi: Kpi, worse: Worse, limit: float, window: Window, fields: Fields, place: Place
) -> Objective:
    """An objective with what ``fields`` say of where, by, minimum_sample and severity."""
    return Objective(
        name=name,
        kpi=kpi,
        worse=worse,
        limit=limit,
        window=window,
        where=where_of(fields, kpi, {}),
        by=tuple(label_of(word, word.text(), kpi) for word in fields["by"].words()) if "by" in fields else (),
        minimum_sample=whole_of(fields["minimum_sample"]) if "minimum_sample" in fields else kpi.minimum_sample,
        severity=_severity(fields),
        place=place,
    )


def _promise(branch: Branch, own: Fields) -> tuple[Kpi, Worse, float]:
    """KPI, worse side and limit: from a template, or written out."""
    given = [name for name in TARGETS if name in own]
    if "template" in own:
        if "kpi" in own:
            own["kpi"].fail("the template names its KPI; leave one of the two out")
        template = TEMPLATES[own["template"].one_of(TEMPLATES)]
        kpi = KPIS[template.kpi]
        if not given:
            return kpi, worse_side(kpi), parsed(template.target, kpi.unit)
    elif "kpi" in own:
        kpi = KPIS[own["kpi"].one_of(KPIS)]
        if is_mean_time(kpi):
            own["kpi"].fail(MEAN_REFUSED)
    else:
        branch.fail(f"names no KPI; give it 'kpi', or a 'template': {', '.join(TEMPLATES)}", "")
    if len(given) != 1:
        branch.fail(f"give {kpi.id} one of: {', '.join(TARGETS)}", ", ".join(given))
    return kpi, _side(own[given[0]], given[0], kpi), number_of(own[given[0]], kpi)


def _side(branch: Branch, key: str, kpi: Kpi) -> Worse:
    side = TARGETS[key]
    if kpi.direction is Direction.NONE:
        return side or branch.fail(f"neither more nor less of {kpi.id} is better; write at_most or at_least")
    if side not in (None, worse_side(kpi)):
        branch.fail(f"of {kpi.id} {'more' if kpi.direction is Direction.HIGHER else 'less'} is better; write target")
    return worse_side(kpi)


def number_of(branch: Branch, kpi: Kpi) -> float:
    try:
        return parsed(branch.text(), kpi.unit, share=is_share(kpi))
    except ValueError as error:
        branch.fail(str(error))


def window_of(branch: Branch) -> Window:
    try:
        return Window.named(branch.text())
    except ValueError as error:
        branch.fail(str(error))


def where_of(fields: Fields, kpi: Kpi, tier: Mapping[str, str]) -> dict[str, str]:
    pairs = fields["where"].pairs() if "where" in fields else {}
    for label, branch in pairs.items():
        if label in tier:
            branch.fail("the section says the tier already; leave it out here")
        label_of(branch, label, kpi)
    return {label: branch.text() for label, branch in pairs.items()}


def label_of(branch: Branch, label: str, kpi: Kpi) -> str:
    own = tuple(dict.fromkeys((*LABELS, *(extra for name in kpi.measures for extra in MEASURES[name].extra))))
    if label not in own:
        branch.fail(f"{kpi.id} has no such label{_tree.nearest(label, own)}", label)
    return label


def whole_of(branch: Branch) -> int:
    text = branch.text()
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        branch.fail("give a whole number of observations, 1 or more")
    return int(text)


def _severity(fields: Fields) -> Severity:
    return Severity(fields["severity"].one_of(tuple(Severity))) if "severity" in fields else Severity.TICKET


def _trigger(branch: Branch) -> Trigger:
    own = branch.fields(TRIGGER)
    if "kpi" not in own or "limit" not in own:
        branch.fail("give 'kpi' and 'limit', for example limit: {rel: 30%}", "")
    kpi = KPIS[own["kpi"].one_of(KPIS)]
    if is_mean_time(kpi):
        own["kpi"].fail(MEAN_REFUSED)
    if not comparable(kpi):
        own["kpi"].fail("has no interval, so a gate would compare luck; choose a percentile or a share")
    if not is_windowed(kpi):
        own["kpi"].fail("is of all time, so no two sides can be compared over the same hours")
    if kpi.direction is Direction.NONE:
        own["kpi"].fail("neither more nor less of it is better, so nothing can be a breach")
    relative, limit = _limit(own["limit"], kpi)
    name = own["name"].text() if "name" in own else kpi.id
    return Trigger(name, kpi, limit, relative, _severity(own), branch.place)


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
    if found is None or (found[2] == "%") != relative:
        amount.fail("write rel: 5%" if relative else "write abs: 5pp")
    if not relative and not is_share(kpi):
        amount.fail(f"{kpi.id} is no share, so it has no points; write rel: 30%")
    if relative and kpi.direction is Direction.HIGHER and float(found[1]) >= 100:
        amount.fail("more than all of it cannot be lost")
    return relative, float(found[1]) / 100


def _told_apart(named: Iterable[Objective | Trigger]) -> None:
    """Each has a name of its own, because reports and budgets go by it."""
    seen: dict[str, Objective | Trigger] = {}
    for one in named:
        if one.name in seen:
            first = seen[one.name].place
            way_out = f"is also on line {first.line if first else 0}; give each a 'name' of its own"
            raise ConfigError(f"{one.place}:name", one.name, way_out)
        seen[one.name] = one

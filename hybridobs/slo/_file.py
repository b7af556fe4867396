"""Read an SLO file: every key is known, every value is checked, and an error points at its line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hybridobs.errors import ConfigError
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Kpi
from hybridobs.kpi.quantity import parsed
from hybridobs.kpi.stats.verdict import Worse
from hybridobs.slo import _gates, _tree
from hybridobs.slo._fields import (
    MEAN_REFUSED,
    TARGETS,
    Fields,
    currency_of,
    label_of,
    root_of,
    severity_of,
    target_of,
    where_of,
    whole_of,
    window_of,
)
from hybridobs.slo._tree import Branch, Place
from hybridobs.slo.objective import Objective, SloFile, Trigger, is_mean_time, worse_side
from hybridobs.slo.templates import TEMPLATES
from hybridobs.slo.window import Window

TIERS = ("device", "site", "cloud")
SHARED = ("window", "where", "by", "minimum_sample", "severity")
OBJECTIVE = ("name", "kpi", "template", *TARGETS, *SHARED)
ROOT = ("version", "defaults", "objectives", "tiers", "gates", "paired", "score")
DEFAULT_WINDOW = Window("28d")


def load(path: Path) -> SloFile:
    """The file at ``path``; ConfigError names file, line and key."""
    return loads(_tree.text_of(path), str(path))


def loads(text: str, file: str = "slo.yaml") -> SloFile:
    """The same from a text."""
    return replace(_file(_tree.documents(text, file)), digest=hashlib.sha256(text.encode()).hexdigest())


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
    fields = root_of(root, ROOT)
    defaults = fields["defaults"].fields(SHARED) if "defaults" in fields else {}
    objectives = tuple(_objectives(fields, defaults))
    triggers = tuple(map(_gates.trigger, fields["gates"].entries() if "gates" in fields else ()))
    paired = tuple(map(_gates.paired, fields["paired"].entries() if "paired" in fields else ()))
    score = _gates.score(fields["score"]) if "score" in fields else None
    if not objectives and not triggers and not paired and score is None:
        root.fail("promises nothing; give it 'objectives', 'tiers', 'gates', 'paired' or 'score'", "")
    _told_apart(objectives)
    _told_apart((*triggers, *paired, *(score.triggers if score else ())))
    return SloFile(root.place.file, objectives, triggers, paired, score)


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
    where |= currency_of(own, kpi, where)
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
        severity=severity_of(fields),
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
    return kpi, *target_of(branch, own, kpi)


def _told_apart(named: Iterable[Objective | Trigger]) -> None:
    """Each has a name of its own, because reports and budgets go by it."""
    seen: dict[str, Objective | Trigger] = {}
    for one in named:
        if one.name in seen:
            first = seen[one.name].place
            way_out = f"is also on line {first.line if first else 0}; give each a 'name' of its own"
            raise ConfigError(f"{one.place}:name", one.name, way_out)
        seen[one.name] = one

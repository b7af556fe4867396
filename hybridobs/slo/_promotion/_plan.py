"""Read a promotion plan: stages with a share of the devices, who is compared, for how long and on how much."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hybridobs.contract import LABELS
from hybridobs.errors import ConfigError
from hybridobs.slo import _file, _tree
from hybridobs.slo._fields import Fields, length_of, root_of, whole_of
from hybridobs.slo._gate import TRIGGERS
from hybridobs.slo._tree import Branch, Place, nearest
from hybridobs.slo.objective import THE_SCORE, Score, SloFile, Trigger

ROOT = ("version", "slo", "where", "stages")
STAGE = ("name", "share", "candidate", "against", "minimum_time", "minimum_sample", "gates")
SAMPLE = 1000  # with far fewer calls a p95 has no interval that decides
_SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?%")


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a release: ``candidate`` and ``against`` are labels beside the version of each side.

    ``minimum_time`` in s and ``minimum_sample`` in calls of the candidate must be over before it is promoted.
    """

    name: str
    share: float
    candidate: Mapping[str, str]
    against: Mapping[str, str]
    minimum_time: int
    minimum_sample: int
    triggers: tuple[Trigger, ...]
    score: Score | None
    place: Place

    @property
    def judged(self) -> tuple[Trigger, ...]:
        """Every trigger, those of the score included."""
        return (*self.triggers, *(self.score.triggers if self.score else ()))


@dataclass(frozen=True, slots=True)
class Plan:
    """A release from its first devices to all of them.

    ``digest`` is the SHA-256 of the plan and of the SLO file at ``slo``, if it names one.
    """

    path: str
    where: Mapping[str, str]
    stages: tuple[Stage, ...]
    digest: str
    slo: str | None = None


def load_plan(path: Path) -> Plan:
    """The plan at ``path``; ConfigError names file, line and key."""
    text = _tree.text_of(path)
    root = _tree.parsed(text, str(path), "stages")
    fields = root_of(root, ROOT)
    if "stages" not in fields:
        root.fail("give 'stages', for example beta 1%, canary 10% and stable 100%", "")
    slo = _slo(fields["slo"], path.parent) if "slo" in fields else None
    stages = tuple(_stage(branch, slo) for branch in fields["stages"].entries())
    if not stages:
        fields["stages"].fail("give at least one stage", "")
    _rising(stages, fields["stages"].entries())
    digest = hashlib.sha256((text + (slo.digest if slo else "")).encode()).hexdigest()
    return Plan(str(path), _labels(fields, "where"), stages, digest, slo.path if slo else None)


def _slo(branch: Branch, folder: Path) -> SloFile:
    """The SLO file that a plan names; one that cannot be read is a mistake in the plan."""
    path = folder / branch.text()
    try:
        text = _tree.text_of(path)
    except ConfigError as error:
        branch.fail(error.way_out)
    return _file.loads(text, str(path))


def _stage(branch: Branch, slo: SloFile | None) -> Stage:
    own = branch.fields(STAGE)
    for key in ("name", "share"):
        if key not in own:
            branch.fail(f"the stage has no {key!r}; write name: beta, share: 1%", "")
    triggers, score = _triggers(branch, own, slo)
    return Stage(
        own["name"].text(),
        _share(own["share"]),
        _labels(own, "candidate"),
        _labels(own, "against"),
        length_of(own["minimum_time"]) if "minimum_time" in own else 0,
        whole_of(own["minimum_sample"], "calls") if "minimum_sample" in own else SAMPLE,
        triggers,
        score,
        branch.place,
    )


def _triggers(branch: Branch, own: Fields, slo: SloFile | None) -> tuple[tuple[Trigger, ...], Score | None]:
    """What the stage looks at: all there is, or what it names."""
    known = {trigger.name: trigger for trigger in ((*slo.triggers, *slo.paired) if slo else TRIGGERS)}
    score = slo.score if slo else None
    if "gates" not in own:
        if not known and score is None:
            branch.fail("the SLO file of this plan has no gates; give it some, or write gates: [] for none", "")
        return tuple(known.values()), score
    names = [one.one_of((*known, *([THE_SCORE] if score else []))) for one in own["gates"].words()]
    return tuple(known[name] for name in names if name != THE_SCORE), score if THE_SCORE in names else None


def _rising(stages: tuple[Stage, ...], branches: list[Branch]) -> None:
    for before, stage, branch in zip(stages, stages[1:], branches[1:], strict=False):
        if stage.share <= before.share:
            branch.fields(STAGE)["share"].fail(f"is not above the share of {before.name}; stages go from few to all")
        if stage.name in [other.name for other in stages if other is not stage]:
            branch.fields(STAGE)["name"].fail("is the name of another stage too; give each its own")


def _share(branch: Branch) -> float:
    found = _SHARE.fullmatch(branch.text())
    share = float(found[1]) if found else 0.0
    return share if 0 < share <= 100 else branch.fail("give a share of the devices, for example 10%")


def _labels(own: Fields, key: str) -> dict[str, str]:
    found = own[key].pairs() if key in own else {}
    for label, branch in found.items():
        if label == "version":
            branch.fail("the versions are given to the command (--version, --baseline); leave it out here")
        if label not in LABELS:
            branch.fail(f"there is no such label{nearest(label, LABELS)}")
    return {label: branch.text() for label, branch in found.items()}

"""What is remembered of a release: which stage it is in, since when, and what was said on the way."""

from __future__ import annotations

import json
from typing import NamedTuple

from hybridobs.errors import ConfigError
from hybridobs.slo._promotion._decide import Action, Step
from hybridobs.slo._promotion._plan import Plan

KIND = "promotion"
VERSION = 1


class Taken(NamedTuple):
    """One answer that changed something: when (Unix s), at which stage, what and why."""

    at: int
    stage: str
    action: str
    reason: str


class PromotionMemory(NamedTuple):
    """The release of ``version`` against ``baseline``: stage ``number`` since ``since`` (Unix s).

    ``gate`` is what the gate of this stage remembers (see ``GateMemory``), empty before its first look.
    """

    version: str
    baseline: str
    digest: str
    number: int
    since: int
    gate: str = ""
    taken: tuple[Taken, ...] = ()

    @property
    def ended(self) -> Taken | None:
        """The answer that ended it: done, or rolled back."""
        last = self.taken[-1] if self.taken else None
        return last if last and last.action in (Action.DONE, Action.ROLLBACK) else None

    def text(self) -> str:
        """For the store."""
        return json.dumps({"memory": VERSION, **self._asdict(), "taken": [one._asdict() for one in self.taken]})

    @classmethod
    def read(cls, name: str, text: str) -> PromotionMemory:
        """The inverse; ConfigError for a text that is none, or of a newer version."""
        try:
            found = json.loads(text)
            own = {VERSION: found}[found.pop("memory")]
            return cls(**{**own, "taken": tuple(Taken(**one) for one in own["taken"])})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            way_out = f"what the store remembers of it cannot be read; hybridobs slo promotions forget {name}"
            raise ConfigError("id", name, way_out) from error


def same_release(name: str, memory: PromotionMemory, plan: Plan, version: str, baseline: str) -> None:
    """ConfigError where the question is about another release than the one that is remembered."""
    way_out = f"give another --id, or drop the old one: hybridobs slo promotions forget {name}"
    for key, now, was in (("version", version, memory.version), ("baseline", baseline, memory.baseline)):
        if now != was:
            raise ConfigError(f"{name}:{key}", now, f"this release began with {was}; {way_out}")
    if plan.digest != memory.digest:
        raise ConfigError(f"{name}:plan", plan.path, f"the plan or its SLO file has changed on the way; {way_out}")


def stepped(memory: PromotionMemory, plan: Plan, step: Step, gate: str, now: int) -> PromotionMemory:
    """The memory after an answer; a promotion begins the next stage, with a gate of its own."""
    if step.action is Action.HOLD:
        return memory._replace(gate=gate)
    taken = Taken(now, plan.stages[memory.number].name, step.action.value, step.reason)
    if step.action is not Action.PROMOTE:
        return memory._replace(gate=gate, taken=(*memory.taken, taken))
    return memory._replace(number=memory.number + 1, since=now, gate="", taken=(*memory.taken, taken))

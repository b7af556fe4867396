"""What an update comes to, from all that was told about it and all that was seen running: one answer in any order.

An attempt is a set of what was said about it (its agent, the device's own ``resume``, a bridge), each state once, and
what was taken back. What it comes to is a function of that set, of the :class:`~hybridobs.kpi.sightings.Sightings` of
its device and, for a stall, of the time. Whoever keeps measures adds what it comes to now and takes back what it came
to before: late, repeated and reordered telemetry then ends in the same counts, and what device and collector both know
counts once. The rules are those of edge updates: a success is a claim until the wanted version runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hybridobs import contract as c
from hybridobs.contract import EventKind, Labels
from hybridobs.errors import ConfigError
from hybridobs.kpi.event import Event
from hybridobs.kpi.ota import NOT_FINAL, POLLS, STUCK, UNREACHABLE, WINDOW, fell_back
from hybridobs.kpi.sightings import Life, Sightings

_NS = 1_000_000_000
_FOR_EVER = float("inf")
# Of two ends said at the same time, which one corrects the other.
_RANK = ("succeeded", "confirmed", "failed", "timed_out", "rolled_back", "rollback_failed")
_COMPONENT = {"model": "model", "app": "software", "container": "software", "firmware": "firmware", "os": "os"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How long things may take, in seconds; ConfigError when one is not positive.

    ``window``: after a success was said or confirmed, an older version still takes it back. ``overlap``: so long the
    old version may be seen beside the new one. ``patience``: without progress for longer, an attempt is stuck if its
    device was in contact within the same time, and unreachable if not.
    """

    window: float = WINDOW
    overlap: float = 300.0
    patience: float = 300.0 * POLLS

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not getattr(self, name) > 0:
                raise ConfigError(f"rules.{name}", getattr(self, name), "give seconds above 0")


class Told(NamedTuple):
    """One thing said about an attempt, as its event has it; JSON can hold it."""

    time_ns: int
    labels: tuple[str, ...]
    texts: dict[str, str]
    numbers: dict[str, float]

    @classmethod
    def of(cls, event: Event) -> Told:
        """The same; how late it came and that it takes back are not part of it."""
        numbers = {key: one for key, one in event.numbers.items() if key not in (c.LATENESS, c.CORRECTION)}
        return cls(event.time_ns, tuple(event.labels), dict(event.texts), numbers)

    def event(self) -> Event:
        """What it adds to the measures as."""
        error = self.texts.get(c.ERROR_TYPE, "")
        labels = Labels(*self.labels)
        return Event(EventKind.OTA_UPDATE, self.time_ns, labels, 0, False, error, self.numbers, self.texts)

    @property
    def outcome(self) -> str:
        return self.texts.get(c.OTA_OUTCOME, "")

    @property
    def confirmed(self) -> bool:
        return self.outcome == "succeeded" and self.numbers.get(c.OTA_CONFIRMED, 0) > 0

    @property
    def final(self) -> bool:
        return bool(self.outcome) and self.outcome not in NOT_FINAL

    @property
    def second(self) -> float:
        return self.time_ns / _NS

    @property
    def state(self) -> str:
        """What may be said once of an attempt and taken back: how it ended, or that it stalls."""
        stalled = self.texts.get(c.OTA_STALLED, "")
        return stalled or ("confirmed" if self.confirmed else self.outcome)


@dataclass(slots=True)
class Attempt:
    """All that was said about one attempt; ``name`` is the model, or the service, that it is of.

    ``until`` is when the next attempt at the same thing began (Unix s; infinite if none did): what runs from then on is
    its business. ``counted`` is what of all this is in the measures.
    """

    said: dict[str, Told] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    progress: Told | None = None
    began_ns: int = 0
    kind: str = ""
    name: str = ""
    wanted: str = ""
    previous: str = ""
    until: float = _FOR_EVER
    counted: list[Told] = field(default_factory=list)

    def hear(self, event: Event, name: str = "") -> None:
        """Take in one event about this attempt; whoever calls sees to it that each is taken in once."""
        told = Told.of(event)
        self.began_ns = min(self.began_ns or told.time_ns, told.time_ns)
        for field_name, value in (
            ("kind", told.texts.get(c.OTA_KIND, "")),
            ("name", name),
            ("wanted", told.texts.get(c.OTA_TO, "")),
            ("previous", told.texts.get(c.OTA_FROM, "")),
        ):
            setattr(self, field_name, max(getattr(self, field_name), value))
        if event.numbers.get(c.CORRECTION, 1) < 0:
            self.taken.add(told.state)
        elif told.final or c.OTA_STALLED in told.texts:
            self.said[told.state] = told
        elif self.progress is None or _later(told, self.progress):
            self.progress = told

    @property
    def end(self) -> Told | None:
        """How it ended as far as was told: the last word that was not taken back."""
        standing = [told for state, told in self.said.items() if state not in self.taken and told.final]
        return max(standing, key=lambda told: (told.time_ns, _rank(told)), default=None)

    def dump(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "said": self.said,
            "taken": sorted(self.taken),
            "progress": self.progress,
            "began_ns": self.began_ns,
            "until": None if self.until == _FOR_EVER else self.until,
            **{name: getattr(self, name) for name in ("kind", "name", "wanted", "previous", "counted")},
        }

    @classmethod
    def load(cls, found: Mapping[str, Any]) -> Attempt:
        """What ``dump`` gave."""
        progress, until = found["progress"], found["until"]
        return cls(
            said={state: _told(told) for state, told in found["said"].items()},
            taken=set(found["taken"]),
            progress=None if progress is None else _told(progress),
            until=_FOR_EVER if until is None else until,
            counted=[_told(told) for told in found["counted"]],
            **{name: found[name] for name in ("began_ns", "kind", "name", "wanted", "previous")},
        )


class Outcome(NamedTuple):
    """What an attempt comes to.

    ``due`` is when to look again though nothing was heard, if ever; what is seen running from ``settled`` on changes
    nothing (both Unix s).
    """

    told: list[Told]
    due: float | None
    settled: float


def comes_to(
    attempt: Attempt, seen: Sightings, rules: Rules, now: float, contact: float, *, gone: bool = False
) -> Outcome:
    """What ``attempt`` comes to.

    ``contact`` is when the device was last heard of, by the clock of ``now`` (Unix s); ``gone`` says that it was taken
    out of service, so that nothing is waited for.
    """
    ended = _ended(attempt, seen, rules)
    if ended is not None:
        return Outcome([ended], None, _settled(attempt, ended, rules))
    if attempt.progress is None or attempt.until < _FOR_EVER or gone:
        return Outcome([], None, attempt.until)
    told, due = _waiting(attempt, attempt.progress, rules, now, contact)
    return Outcome(told, due, attempt.until)


def next_begins(attempt: Attempt, others: Iterable[Attempt]) -> float:
    """When the next attempt at the same thing began, Unix seconds; infinite if none did."""
    same = (one for one in others if (one.kind, one.name) == (attempt.kind, attempt.name))
    return min((one.began_ns / _NS for one in same if one.began_ns > attempt.began_ns), default=_FOR_EVER)


def _ended(attempt: Attempt, seen: Sightings, rules: Rules) -> Told | None:
    """How it ended: as told, and for a success as seen. What runs as wanted has succeeded, whatever was told last."""
    end = attempt.end
    if end is not None and end.outcome != "succeeded":
        return end
    base = end or attempt.progress
    if base is None or not attempt.wanted or attempt.wanted == attempt.previous:
        return end
    component = _component(attempt, seen)
    lives = _within(seen, component, attempt.wanted, base.second, attempt.until)
    first = min((life.first for life in lives), default=None)
    if _unhealthy(attempt, base):
        first = None
    if end is None:
        if first is None:
            return None
        end = _confirmed(base._replace(time_ns=first * _NS), 0.0)
    if first is None and end.confirmed:
        first = int(end.second + end.numbers.get(c.OTA_TIME_TO_CONFIRM, 0))
    if _taken_back(attempt, seen, component, end.second, first, rules):
        return _rolled_back(end)
    if first is None or end.confirmed:
        return end
    return _confirmed(end, max(first - end.second, 0.0))


def _taken_back(
    attempt: Attempt, seen: Sightings, component: str, since: float, first: int | None, rules: Rules
) -> bool:
    """Whether an older version was seen after the wanted one, or in a life that began after the success was said."""
    limit = min(attempt.until, (since if first is None else max(first, since)) + rules.window)
    running = _within(seen, component, attempt.wanted, since, limit)
    last = max((life.last for life in running), default=first)
    for version in seen.versions(component):
        if version == attempt.wanted or not fell_back(version, wanted=attempt.wanted, previous=attempt.previous):
            continue
        for life in seen.lives(component, version):
            part = life.within(since, limit)
            if part and (life.first > since if last is None else part.last > last + rules.overlap):
                return True
    return False


def _unhealthy(attempt: Attempt, base: Told) -> bool:
    """Whether the device said last that the new version runs, but not yet well enough to be confirmed."""
    progress = attempt.progress
    return progress is not None and progress.time_ns >= base.time_ns and progress.texts.get(c.OTA_PHASE) == "confirm"


def _settled(attempt: Attempt, ended: Told, rules: Rules) -> float:
    """From when on sightings change nothing: a failure is not changed by any."""
    end = attempt.end
    if end is not None and end.outcome != "succeeded":
        return 0.0
    if not ended.confirmed:
        return attempt.until
    return min(attempt.until, ended.second + ended.numbers.get(c.OTA_TIME_TO_CONFIRM, 0) + rules.window)


def _component(attempt: Attempt, seen: Sightings) -> str:
    """Which component it is of: the one so called; else the one that ran the wanted version; else the only one."""
    kind = _COMPONENT.get(attempt.kind, "")
    named = f"{kind}:{attempt.name}"
    alike = [name for name in seen.components() if kind and name.partition(":")[0] == kind]
    if named in alike:
        return named
    wanted = [name for name in alike if attempt.wanted in seen.versions(name)]
    return wanted[0] if wanted else alike[0] if len(alike) == 1 else ""


def _within(seen: Sightings, component: str, version: str, since: float, until: float) -> Sequence[Life]:
    parts = (life.within(since, until) for life in seen.lives(component, version))
    return [part for part in parts if part is not None]


def _confirmed(end: Told, waited: float) -> Told:
    texts = {key: text for key, text in end.texts.items() if key not in (c.OTA_PHASE, c.OTA_STALLED)}
    texts[c.OTA_OUTCOME] = "succeeded"
    return end._replace(texts=texts, numbers={**end.numbers, c.OTA_CONFIRMED: 1.0, c.OTA_TIME_TO_CONFIRM: waited})


def _rolled_back(end: Told) -> Told:
    """As the device itself corrects a success: at its time, under its labels."""
    left = (c.OTA_CONFIRMED, c.OTA_TIME_TO_CONFIRM)
    numbers = {key: number for key, number in end.numbers.items() if key not in left}
    texts = {**end.texts, c.OTA_OUTCOME: "rolled_back", c.OTA_TRIGGER: "device"}
    return end._replace(texts=texts, numbers=numbers)


def _waiting(
    attempt: Attempt, progress: Told, rules: Rules, now: float, contact: float
) -> tuple[list[Told], float | None]:
    """Whether it stalls: by the clock of the collector, which alone knows of silence; else as somebody told."""
    out_of = progress.second + rules.patience
    if now <= out_of:
        told = [one for state, one in attempt.said.items() if _stalls(one, state, attempt) and _later(one, progress)]
        return told[:1], out_of + 1
    silent = now - contact > rules.patience
    stalled = UNREACHABLE if silent else STUCK
    texts = {key: text for key, text in progress.texts.items() if key != c.OTA_PHASE}
    told = [Told(int(out_of * _NS), progress.labels, {**texts, c.OTA_STALLED: stalled}, {})]
    return told, None if silent else contact + rules.patience + 1


def _stalls(told: Told, state: str, attempt: Attempt) -> bool:
    return state in (STUCK, UNREACHABLE) and not told.final and state not in attempt.taken


def _later(told: Told, other: Told) -> bool:
    return (told.time_ns, sorted(told.texts.items())) > (other.time_ns, sorted(other.texts.items()))


def _rank(told: Told) -> int:
    return _RANK.index(told.state) if told.state in _RANK else -1


def _told(found: Sequence[Any]) -> Told:
    return Told(found[0], tuple(found[1]), found[2], found[3])

"""Events written by hand, in as few words as an example needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hybridobs import contract as c
from hybridobs.contract import EventKind as Kind
from hybridobs.kpi.event import Event

NOON = 1_760_011_200
DAY = 86_400
LABELS = c.Labels(tier="device", model="digits", version="1.3.0")
Value = float | str
Case = tuple[Iterable[Event], float]


def event(
    kind: str, said: Mapping[str, Value], *, time: int = NOON, seconds: float = 0.1, tier: str = "device"
) -> Event:
    """An event; numbers and texts apart, the class of failure and whether a person waits out of them."""
    said = dict(said)
    root, error = bool(said.pop("root", 0)), str(said.pop("error", ""))
    numbers = {key: value for key, value in said.items() if not isinstance(value, str)}
    texts = {key: value for key, value in said.items() if isinstance(value, str)}
    duration = round(seconds * 1e9)
    return Event(kind, time * 10**9, LABELS._replace(tier=tier), duration, root, error, numbers, texts)


def calls(*seconds: float, **said: Value) -> list[Event]:
    """One call for each duration; ``said`` by the lower-case name of its key in the contract."""
    return [event(Kind.INFERENCE, _keys(said), seconds=one) for one in seconds]


def waits(*seconds: float, **said: Value) -> list[Event]:
    """The same, while a person waits."""
    return calls(*seconds, root=1, **said)


def each(name: str, *values: Value, **said: Value) -> list[Event]:
    """One call for each value of one attribute."""
    return [one for value in values for one in calls(0.1, **{name: value}, **said)]


def did(kind: Kind, *happened: Mapping[str, Value], time: int = NOON) -> list[Event]:
    """One event for each set of attributes."""
    return [event(kind, _keys(said), time=time) for said in happened]


def _keys(said: Mapping[str, Value]) -> dict[str, Value]:
    own = ("root", "error")
    return {name if name in own or "." in name else getattr(c, name.upper()): value for name, value in said.items()}


def labelled(**outcomes: int) -> list[Event]:
    """So many labels of each outcome."""
    return [one for name, n in outcomes.items() for one in did(Kind.FEEDBACK, {"feedback_outcome": name}) * n]


def came(*who: str, later: int = 0) -> list[Event]:
    """Installations that begin a session, days later."""
    return [one for name in who for one in did(Kind.SESSION_START, {"installation_id": name}, time=NOON + later * DAY)]


def scored(*values: float) -> list[Event]:
    return [
        one for value in values for one in did(Kind.EVALUATION, {"evaluation_score": value, "evaluation_name": "x"})
    ]


def ota(**outcomes: int) -> list[Event]:
    return [one for name, n in outcomes.items() for one in did(Kind.OTA_UPDATE, {"ota_outcome": name}) * n]


def ended(*attempts: Mapping[str, Value]) -> list[Event]:
    return did(Kind.OTA_UPDATE, *({"ota_outcome": "succeeded", **attempt} for attempt in attempts))


def reports(name: str, *values: float, **said: Value) -> list[Event]:
    return did(Kind.DEVICE_HEALTH, *({name: value, **said} for value in values))


def yes(kind: Kind, name: str, *answers: int) -> list[Event]:
    return did(kind, *({name: answer} for answer in answers))

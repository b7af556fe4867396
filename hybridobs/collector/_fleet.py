"""The fleet as telemetry shows it: which devices there are, what runs on them, and what became of their updates.

What a group of requests shows is gathered before its transaction, from duplicates too, because seeing twice is seeing.
Inside the transaction the rows of the devices concerned are locked and brought up to date, and each of their attempts
adds to the measures the difference between what it comes to now and what it came to before. What is news is found in
memory: a device that runs on as before costs one write a minute.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from hybridobs import contract
from hybridobs.collector._records import Decoded, Part, Piece
from hybridobs.collector._senders import Sender
from hybridobs.collector._wire import Span, SpanItem
from hybridobs.collector.fleet import Fleet
from hybridobs.contract import UNKNOWN, EventKind
from hybridobs.kpi.event import Alike, Event
from hybridobs.kpi.fold import Fold
from hybridobs.kpi.inventory import HEALTH, LABELS
from hybridobs.kpi.rollout import Attempt, Told, comes_to, next_begins
from hybridobs.kpi.sightings import whole_minute
from hybridobs.store import AttemptRow, DeviceRow, Transaction

_OPEN = 2**62
_MOST_KNOWN = 200_000  # lives remembered, so that they are not written again
_NS = 1_000_000_000
_AT_ONCE = 200  # attempts looked at in one transaction because their time has come
_SHADOW = "shadow"
# Said about now by the process that runs; the others may be about an earlier time, or another process.
_LIVE = frozenset(
    {
        EventKind.INFERENCE,
        EventKind.DEVICE_HEALTH,
        EventKind.DEVICE_POSTURE,
        EventKind.DEVICE_LIFECYCLE,
        EventKind.SESSION_START,
    }
)
_FACTS = {key: name for name, key in HEALTH.items()} | {
    f"{contract.POSTURE_PREFIX}{control}": f"posture.{control}" for control in contract.POSTURE_CONTROLS
}

LifeKey = tuple[str, str, str, str]
"""Installation, component, version, start."""


class Heard(NamedTuple):
    """Something new about an attempt: which one, and of what."""

    installation: str
    attempt: str
    name: str
    event: Event


@dataclass(slots=True)
class Touch:
    """What one group shows of one device: who speaks, lives by component, version and start, and facts by second."""

    sender: Sender
    lives: dict[tuple[str, str, str], tuple[int, int]] = field(default_factory=dict)
    facts: list[tuple[str, str | float, int]] = field(default_factory=list)


class Watch:
    """What this replica knows to be written; used by the thread that commits."""

    def __init__(self, fleet: Fleet | None = None) -> None:
        self._fleet = fleet or Fleet()
        self._known: dict[LifeKey, tuple[int, int]] = {}
        self._contact: dict[str, int] = {}

    def gather(self, group: Sequence[Decoded], now_s: int) -> dict[str, Touch]:
        """What is news about devices in ``group``, by installation."""
        found: dict[str, Touch] = {}
        for request in group:
            for piece in request.pieces:
                if (sender := piece.source.sender) is not None:
                    self._look(sender, piece, found, now_s)
        return found

    def _look(self, sender: Sender, piece: Piece, found: dict[str, Touch], now_s: int) -> None:
        if self._contact.get(sender.installation, -1) < whole_minute(now_s):
            found.setdefault(sender.installation, Touch(sender))
        for part in (*piece.numbered, *piece.by_id):
            span = _when(part)
            if span is None:
                continue
            for component, version in _running(sender, part.alike):
                key = (sender.installation, component, version, sender.life(component))
                if self._is_news(key, span):
                    lives = found.setdefault(sender.installation, Touch(sender)).lives
                    old = lives.get(key[1:], span)
                    lives[key[1:]] = (min(old[0], span[0]), max(old[1], span[1]))
            if part.alike is not None and part.alike.kind != EventKind.INFERENCE:
                touch = found.setdefault(sender.installation, Touch(sender))
                touch.facts += _facts(part.alike, span[1])
            if (touch := found.get(sender.installation)) is not None:  # type: ignore[assignment]
                touch.facts += _labels(sender, part.alike, span[1])

    def _is_news(self, key: LifeKey, span: tuple[int, int]) -> bool:
        known = self._known.get(key)
        return known is None or span[0] < known[0] or whole_minute(span[1]) > known[1]

    def settle(self, tx: Transaction, touches: dict[str, Touch], heard: Iterable[Heard], fold: Fold) -> None:
        """Bring devices and their attempts up to date, and ``fold`` what that changes."""
        said: dict[str, list[Heard]] = defaultdict(list)
        for one in heard:
            said[one.installation].append(one)
        ids = touches.keys() | said.keys()
        if not ids:
            return
        rows = tx.devices.lock(ids)
        since = min((first for touch in touches.values() for first, _ in touch.lives.values()), default=0)
        attempts = tx.devices.attempts(touches.keys() - said.keys(), since=since)
        attempts |= tx.devices.attempts(said)
        for installation in sorted(ids):
            row = rows[installation]
            if (touch := touches.get(installation)) is not None:
                row = rows[installation] = _touched(row, touch, tx.devices.now_s)
            own = attempts.get(installation, {})
            for one in said.get(installation, ()):
                own.setdefault(one.attempt, AttemptRow(Attempt(), _OPEN, None)).attempt.hear(one.event, one.name)
            if said.get(installation):
                _put_in_line([found.attempt for found in own.values()])
            self._count(tx, row, own, fold, every=bool(said.get(installation)))
        tx.devices.put(rows.values())

    def sweep(self, tx: Transaction, fold: Fold) -> bool:
        """Look at attempts whose time has come, and forget what is too old; whether there may be more of either."""
        due = tx.devices.due(_AT_ONCE)
        rows = tx.devices.lock(due) if due else {}
        for installation, own in tx.devices.attempts(due, since=0).items() if due else ():
            self._count(tx, rows[installation], own, fold, every=True)
        now, fleet = tx.devices.now_s, self._fleet
        forgotten = tx.devices.forget(
            devices_before=now - int(fleet.device_days * 86_400),
            attempts_before=now - int(fleet.attempt_days * 86_400),
            most_devices=fleet.devices,
        )
        if forgotten:
            self._known.clear()
            self._contact.clear()
        return len(due) >= _AT_ONCE or bool(forgotten)

    def _count(self, tx: Transaction, row: DeviceRow, own: dict[str, AttemptRow], fold: Fold, *, every: bool) -> None:
        """Add what attempts come to now, and take back what they came to before."""
        changed = {}
        for key, (attempt, settled, due) in own.items():
            come = comes_to(
                attempt,
                row.seen,
                self._fleet.rules,
                tx.devices.now_s,
                row.last_seen,
                gone=row.facts.service()[1] is not None,
            )
            until = _OPEN if come.settled >= _OPEN else int(come.settled)
            next_look = None if come.due is None else int(come.due)
            for told in attempt.counted:
                if told not in come.told:
                    fold.add(_taken(told))
            for told in come.told:
                if told not in attempt.counted:
                    fold.add(told.event())
            if every or come.told != attempt.counted or (until, next_look) != (settled, due):
                attempt.counted = come.told
                changed[key] = AttemptRow(attempt, until, next_look)
        tx.devices.put_attempts(row.installation, changed)

    def committed(self, touches: dict[str, Touch], now_s: int) -> None:
        """The transaction was committed: its lives are known."""
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
            self._contact.clear()
        for installation, touch in touches.items():
            self._contact[installation] = whole_minute(now_s)
            for life, (first, last) in touch.lives.items():
                key = (installation, *life)
                old = self._known.get(key, (first, last))
                self._known[key] = (min(old[0], first), max(old[1], whole_minute(last)))


def heard(sender: Sender | None, alike: Alike) -> list[Heard]:
    """What events of updates say about attempts that can be told from others: of a known device, and with a name.

    The device is the one that a bridge names, else the one that speaks.
    """
    if alike.kind != EventKind.OTA_UPDATE:
        return []
    speaks = "" if sender is None else sender.installation
    found = []
    for event in alike.events():
        system, deployment, attempt = (
            event.texts.get(key, "") for key in (contract.OTA_SYSTEM, contract.OTA_DEPLOYMENT, contract.OTA_ATTEMPT)
        )
        whose = event.texts.get(contract.INSTALLATION_ID) or speaks
        if not whose or (not deployment and not attempt):
            continue
        kind = event.texts.get(contract.OTA_KIND, "")
        model = "" if event.labels.model == UNKNOWN else event.labels.model
        service = sender.service if sender is not None and whose == speaks else ""
        name = model if kind == "model" else service if kind in ("app", "container") else ""
        found.append(Heard(whose, f"{system}\n{deployment}\n{attempt}", name, event))
    return found


def is_end(event: Event) -> bool:
    """Whether a word about an attempt is counted as part of what the attempt comes to; a phase counts by itself."""
    return Told.of(event).final or contract.OTA_STALLED in event.texts


def lateness_of(event: Event) -> Event:
    """What is left to count of such a word when it comes: how late it came."""
    late = {key: number for key, number in event.numbers.items() if key in (contract.LATENESS, contract.CORRECTION)}
    return event._replace(texts={}, numbers=late, error="")


def _touched(row: DeviceRow, touch: Touch, now_s: int) -> DeviceRow:
    for (component, version, start), (first, last) in touch.lives.items():
        row.seen.see(component, version, start, first, last)
    for name, value, second in touch.facts:
        row.facts.put(name, value, second)
    named: dict[str, Any] = {name: row.facts.get(name) or UNKNOWN for name in (*LABELS, "service")}
    return row._replace(last_seen=max(row.last_seen, now_s), **named)


def _put_in_line(attempts: Sequence[Attempt]) -> None:
    for attempt in attempts:
        attempt.until = next_begins(attempt, attempts)


def _taken(told: Told) -> Event:
    event = told.event()
    return event._replace(numbers={**event.numbers, contract.CORRECTION: -1.0})


def _when(part: Part) -> tuple[int, int] | None:
    """From when to when a part shows what runs, Unix seconds; None if it says nothing about that."""
    if part.alike is not None:
        times = part.alike.times_ns
        return (min(times) // _NS, max(times) // _NS) if part.alike.kind in _LIVE and times else None
    starts = sorted(_start(part, raw) for raw in {part.raws[0], part.raws[-1]}) if part.raws else [0]
    return (starts[0] // _NS, starts[-1] // _NS) if starts[0] > 0 else None


def _start(part: Part, raw: bytes) -> int:
    """When a span of no model began; 0 if nobody knows."""
    span: Span = SpanItem.FromString(raw)
    placed = None if part.placing is None else part.placing.place(span.start, None, synchronized=False)
    return int(span.start) if placed is None else 0 if placed.doubt is not None else placed.time_ns


def _running(sender: Sender, alike: Alike | None) -> Iterator[tuple[str, str]]:
    """Components and versions that a part shows running; a shadow is on trial and says nothing about the device."""
    yield from sender.running.items()
    if alike is None or alike.kind != EventKind.INFERENCE or alike.texts.get(contract.ROLE) == _SHADOW:
        return
    if UNKNOWN not in (alike.labels.model, alike.labels.version):
        yield f"model:{alike.labels.model}", alike.labels.version


def _labels(sender: Sender, alike: Alike | None, second: int) -> Iterator[tuple[str, str, int]]:
    said = dict(sender.labels)
    if alike is not None:
        own = alike.labels._asdict()
        said |= {label: own[label] for label in LABELS if own[label] != UNKNOWN}
    said["service"] = sender.service
    return ((name, value, second) for name, value in said.items() if value)


def _facts(alike: Alike, second: int) -> Iterator[tuple[str, str | float, int]]:
    """Figures of health, controls of posture, and whether the device was put into service or taken out of it."""
    for key, values in alike.numbers.items():
        if (name := _FACTS.get(key)) is not None:
            yield name, float(values[-1]), second
    if state := alike.texts.get(contract.LIFECYCLE_STATE):
        yield state, "", second

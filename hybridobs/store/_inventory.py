"""The inventory of devices as it is asked for: matched, compared with the rest of the fleet, put in order, cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from hybridobs.contract import OTA_DEPLOYMENT, OTA_SYSTEM, POSTURE_CONTROLS
from hybridobs.errors import ConfigError
from hybridobs.kpi.inventory import HEALTH, LABELS
from hybridobs.kpi.ota import newer
from hybridobs.kpi.rollout import Attempt
from hybridobs.kpi.sightings import Sightings
from hybridobs.store._devices import all_devices, latest_attempts
from hybridobs.store._rows import Device, DeviceRow, Update
from hybridobs.store._schema import CLOCKS, QUARANTINE, STREAMS

if TYPE_CHECKING:
    from sqlalchemy import Connection

_OF_DEVICE = ("installation", *LABELS, "service")
MATCHED = (*_OF_DEVICE, "update", "version", "model")
_ORDERS: dict[str, Callable[[Device], Any]] = {
    "last_seen": lambda device: -device.last_seen,
    "silent": lambda device: device.last_seen,
    "first_seen": lambda device: device.first_seen,
    "newest": lambda device: -device.first_seen,
    "installation": lambda device: device.installation,
    "behind": lambda device: -len(device.behind),
    "quarantined": lambda device: -device.quarantined,
    "battery": lambda device: device.health.get("battery", (2.0, 0))[0],
    "temperature": lambda device: -device.health.get("temperature", (-1e9, 0))[0],
    "backlog": lambda device: -device.health.get("backlog", (-1.0, 0))[0],
    "clock_offset": lambda device: -abs(device.clock_offset or 0.0),
}
ORDERS = tuple(_ORDERS)


def devices(connection: Connection, where: Mapping[str, str], order: str, limit: int | None) -> list[Device]:
    """Devices that match, in order; see ``Store.devices``."""
    for key in where:
        if key not in MATCHED:
            raise ConfigError("where", key, f"no device is chosen by it; choose of: {', '.join(MATCHED)}")
    if order not in _ORDERS:
        raise ConfigError("order", order, f"choose of: {', '.join(ORDERS)}")
    if limit is not None and limit < 1:
        raise ConfigError("limit", limit, "give a number above 0")
    rows = all_devices(connection)
    newest = _newest(row.seen for row in rows)
    attempts, offsets, held = latest_attempts(connection), _offsets(connection), _quarantined(connection)
    found = [
        _device(row, newest, attempts.get(row.installation, []), offsets.get(row.installation), held[row.installation])
        for row in rows
    ]
    matching = [device for device in found if all(_matches(device, key, value) for key, value in where.items())]
    return sorted(matching, key=lambda device: (_ORDERS[order](device), device.installation))[:limit]


def _device(
    row: DeviceRow, newest: Mapping[str, str], attempts: list[Attempt], offset: float | None, quarantined: int
) -> Device:
    versions = {name: row.seen.running(name) for name in row.seen.components()}
    named = {name: getattr(row, name) for name in (*_OF_DEVICE, "first_seen", "last_seen")}
    facts = row.facts
    put_in, taken_out = facts.service()
    posture = {name: bool(facts.get(f"posture.{name}")) for name in POSTURE_CONTROLS if facts.when(f"posture.{name}")}
    health = {name: (float(facts.get(name)), when) for name in HEALTH if (when := facts.when(name)) is not None}
    return Device(
        **named,
        versions=versions,
        behind={name: newest[name] for name, version in versions.items() if newer(newest.get(name, ""), version)},
        posture=posture,
        health=health,
        provisioned=put_in,
        decommissioned=taken_out,
        update=_update(attempts[0]) if attempts else None,
        clock_offset=offset,
        quarantined=quarantined,
    )


def _update(attempt: Attempt) -> Update | None:
    """What the latest attempt has come to, else where it was last."""
    told = attempt.counted[0] if attempt.counted else attempt.progress
    if told is None:
        return None
    system, deployment = (told.texts.get(key, "") for key in (OTA_SYSTEM, OTA_DEPLOYMENT))
    versions = (attempt.previous, attempt.wanted)
    return Update(system, attempt.kind, deployment, *versions, state=told.state, since=int(told.second))


def _newest(fleet: Iterable[Sightings]) -> dict[str, str]:
    """The newest version that runs of each component, by dotted numbers."""
    found: dict[str, str] = {}
    for seen in fleet:
        for name in seen.components():
            version = seen.running(name)
            if name not in found or newer(version, found[name]):
                found[name] = version
    return found


def _matches(device: Device, key: str, value: str) -> bool:
    if key == "update":
        return (device.update.state if device.update else "") == value
    if key == "version":
        return value in device.versions.values()
    if key == "model":
        return f"model:{value}" in device.versions
    return bool(getattr(device, key) == value)


def _offsets(connection: Connection) -> dict[str, float]:
    """How far the clock of each device was off when it last spoke, seconds."""
    latest: dict[str, tuple[int, float]] = {}
    columns = (CLOCKS.c.installation, CLOCKS.c.seen_ns, CLOCKS.c.offset_ns)
    for installation, seen, offset in connection.execute(select(*columns)):
        latest[installation] = max(latest.get(installation, (0, 0.0)), (seen, offset * 1e-9))
    return {installation: offset for installation, (_, offset) in latest.items()}


def _quarantined(connection: Connection) -> Counter[str]:
    joined = QUARANTINE.join(STREAMS, STREAMS.c.id == QUARANTINE.c.stream_id)
    held = select(STREAMS.c.installation, func.sum(QUARANTINE.c.records)).select_from(joined)
    rows = connection.execute(held.group_by(STREAMS.c.installation))
    return Counter({installation: int(records) for installation, records in rows})

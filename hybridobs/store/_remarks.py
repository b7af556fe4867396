"""What of the inventory needs a person, in words."""

from __future__ import annotations

from hybridobs.kpi.quantity import age
from hybridobs.store._rows import Device

SILENT_S = 86_400
BAD_UPDATES = ("failed", "rolled_back", "rollback_failed", "timed_out", "stuck", "unreachable")


def remarks(device: Device, now: float) -> list[str]:
    """What somebody who looks after the fleet should know about a device, in words."""
    found = []
    if device.decommissioned is not None:
        found.append("out of service")
    elif now - device.last_seen > SILENT_S:
        found.append(f"silent for {age(now - device.last_seen)}")
    if device.update is not None and device.update.state in BAD_UPDATES:
        found.append(f"update to {device.update.to_version or '?'} {device.update.state.replace('_', ' ')}")
    elif device.update is not None and device.update.state == "succeeded":
        found.append(f"update to {device.update.to_version or '?'} not confirmed")
    found += [f"{name} {device.versions[name]} behind {newest}" for name, newest in device.behind.items()]
    if device.quarantined:
        found.append(f"{device.quarantined:,} records quarantined: nobody knows their time")
    found += [f"{name.replace('_', ' ')} not verified" for name, fine in device.posture.items() if not fine]
    return found

"""``hybridobs devices``: the inventory that telemetry makes: who is there, what runs there, what is wrong."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from hybridobs.cli._options import no_color_option, store_option, where_option
from hybridobs.errors import ConfigError
from hybridobs.kpi.quantity import age
from hybridobs.store import BAD_UPDATES, remarks

if TYPE_CHECKING:
    from hybridobs.cli._table import Cell
    from hybridobs.store import Device

_MATCHED = (
    "installation",
    "tier",
    "device_class",
    "cohort",
    "channel",
    "site",
    "service",
    "update",
    "version",
    "model",
)
_ORDERS = (
    *("last_seen", "silent", "first_seen", "newest", "installation", "behind", "quarantined"),
    *("battery", "temperature", "backlog", "clock_offset"),
)
_UNITS = {"temperature": "Cel", "disk_free": "By", "backlog": "By", "backlog_age": "s"}

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")


@click.group(
    epilog="""\b
Examples:
  hybridobs devices list --order silent --limit 20
  hybridobs devices list --where cohort=canary --where update=rolled_back
  hybridobs devices show 5e0a41
  hybridobs devices retire 5e0a41
"""
)
def devices() -> None:
    """Look at the fleet: every device that sent telemetry, by the keyed hash that it calls itself.

    Nothing is installed for this: first and last contact, versions seen running, updates and health come from what
    devices send anyway.
    """


@devices.command(
    "list",
    epilog="""\b
Examples:
  hybridobs devices list --where site=store-7
  hybridobs devices list --order battery --limit 10
  hybridobs devices list --json
""",
)
@where_option(_MATCHED, f"Only devices with this value; may be repeated. Keys: {', '.join(_MATCHED)}.", name="KEY")
@click.option(
    "--order",
    type=click.Choice(_ORDERS),
    default="last_seen",
    show_default=True,
    help="What comes first.",
    metavar="NAME",
)
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many at most.")
@store_option
@_as_json
@no_color_option
def list_(where: Sequence[tuple[str, str]], order: str, limit: int, store: str, as_json: bool) -> None:
    """List devices: the latest contact first, or by --order (silent, behind, battery, temperature, backlog …)."""
    from hybridobs.cli._stores import opened

    with opened(store) as source:
        found = source.devices(dict(where), order=order, limit=limit)
    if as_json:
        click.echo(json.dumps([_described(device) for device in found], indent=2))
    elif not found:
        click.echo(
            "NO DATA: no device matches" if where else "NO DATA: no device that can be told from others has sent"
        )
    else:
        click.echo("\n".join(_listed(found, time.time())))


@devices.command(epilog="\b\nExamples:\n  hybridobs devices show 5e0a41\n  hybridobs devices show 5e0a41 --json")
@click.argument("installation", metavar="ID")
@store_option
@_as_json
@no_color_option
def show(installation: str, store: str, as_json: bool) -> None:
    """Show one device. ID is its installation id or the beginning of it."""
    from hybridobs.cli._stores import opened

    with opened(store) as source:
        device = _one(source.devices(), installation)
    click.echo(json.dumps(_described(device), indent=2) if as_json else "\n".join(_shown(device, time.time())))


@devices.command(epilog="\b\nExamples:\n  hybridobs devices retire 5e0a41")
@click.argument("installation", metavar="ID")
@store_option
@no_color_option
def retire(installation: str, store: str) -> None:
    """Note that a device was taken out of service: no update waits for it any more.

    Its telemetry stays. A device that can still speak says it itself: events.device_lifecycle("decommissioned").
    """
    from hybridobs.cli._stores import opened

    with opened(store) as source:
        device = _one(source.devices(), installation)
        source.retire(device.installation)
    click.echo(f"{device.installation} is out of service")


def _one(found: Sequence[Device], beginning: str) -> Device:
    exact = [device for device in found if device.installation == beginning]
    matching = exact or [device for device in found if beginning and device.installation.startswith(beginning)]
    if len(matching) == 1:
        return matching[0]
    way_out = "list them with: hybridobs devices list" if not matching else f"{len(matching)} begin so; give more of it"
    raise ConfigError("device", beginning, way_out)


def _listed(found: Sequence[Device], now: float) -> Iterator[str]:
    from hybridobs.cli._table import Column, table, terminal_width

    titles = ("device", "seen", "class", "cohort", "site", "model", "update", "battery", "remarks")
    columns = [Column(title, right=title in ("seen", "battery")) for title in titles]
    yield from table(columns, [_row(device, now) for device in found], width=terminal_width(), keep=1)
    trouble = sum(bool(remarks(device, now)) for device in found)
    yield ""
    yield f"{len(found):,} devices, {trouble:,} with remarks"


def _row(device: Device, now: float) -> list[Cell]:
    from hybridobs.cli._table import Cell

    notes = remarks(device, now)
    models = [f"{name[6:]} {version}" for name, version in device.versions.items() if name.startswith("model:")]
    state = device.update.state.replace("_", " ") if device.update else "-"
    battery = device.health.get("battery")
    return [
        Cell(device.installation[:12]),
        Cell(f"{age(now - device.last_seen)} ago"),
        Cell(device.device_class),
        Cell(device.cohort),
        Cell(device.site),
        Cell(", ".join(models) or "-"),
        Cell(state, colour="red" if device.update and device.update.state in BAD_UPDATES else None),
        Cell("-" if battery is None else f"{battery[0]:.0%}"),
        Cell("; ".join(notes) or "-", colour="yellow" if notes else None),
    ]


def _shown(device: Device, now: float) -> Iterator[str]:
    from hybridobs.kpi.quantity import quantity

    yield click.style(device.installation, bold=True)
    labels = ("tier", "device_class", "cohort", "channel", "site", "service")
    yield "  ".join(f"{name} {getattr(device, name)}" for name in labels)
    silent = age(now - device.last_seen)
    yield f"first seen {_when(device.first_seen)}, last seen {_when(device.last_seen)} ({silent} ago)"
    for name, moment in (("provisioned", device.provisioned), ("decommissioned", device.decommissioned)):
        if moment is not None:
            yield f"{name} {_when(moment)}"
    for name, version in device.versions.items():
        newest = device.behind.get(name)
        yield f"runs {name} {version}" + (f" (the fleet has {newest})" if newest else "")
    if (update := device.update) is not None:
        versions = f"{update.from_version or '?'} to {update.to_version or '?'}"
        yield f"update {update.kind} {versions}: {update.state.replace('_', ' ')} since {_when(update.since)}"
    for name, (value, when) in device.health.items():
        figure = f"{value:.0%}" if name == "battery" else quantity(value, _UNITS[name])
        yield f"{name.replace('_', ' ')} {figure} at {_when(when)}"
    if device.clock_offset is not None:
        yield f"clock {abs(device.clock_offset):.1f} s {'behind' if device.clock_offset >= 0 else 'ahead of'} true time"
    for name, fine in device.posture.items():
        yield f"{name.replace('_', ' ')}: {'verified' if fine else 'NOT VERIFIED'}"
    for note in remarks(device, now):
        yield click.style(f"! {note}", fg="yellow")


def _described(device: Device) -> dict[str, Any]:
    """The same facts for a program."""
    update = None if device.update is None else device.update._asdict()
    health = {name: {"value": value, "at": when} for name, (value, when) in device.health.items()}
    return {**device._asdict(), "update": update, "health": health, "remarks": remarks(device, time.time())}


def _when(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%d %H:%M} UTC"

"""Which commands there are, a line about each, and the file that is loaded when one of them is typed."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any

import click

ABOUT = {
    "collector": "Receive OpenTelemetry, count every event once, store KPIs.",
    "completion": "Complete commands, options and values in a shell.",
    "dashboards": "Build, check and push the boards for Grafana.",
    "demo": "Watch devices and a cloud answer together, and count.",
    "devices": "Look at the fleet: who is there, what runs, what is wrong.",
    "doctor": "Check the way from device to store, and say how to mend it.",
    "down": "Stop what `hybridobs up` runs; all data stays.",
    "drift": "Compare what models see now with what they were made for.",
    "kpi": "Show KPIs by tier, model, version, cohort or any label.",
    "policy": "Set feature flags by KPIs: placement as policy, not code.",
    "report": "Write one HTML file with everything, to look at or to send.",
    "simulate": "Play a scenario: a fleet that acts in simulated time.",
    "slo": "Judge KPIs: objectives, canary gates, alert rules.",
    "spool": "Look after the telemetry that a device keeps on disk.",
    "status": "Show what `hybridobs up` runs and whether it is well.",
    "store": "Look after a store: what is in it, its schema, its age.",
    "top": "Watch lights, KPIs and the worst groups live.",
    "trace": "Look at single traces over device and cloud.",
    "up": "Run the stack without containers.",
}
_HOMES = {"down": "up", "status": "up"}


class _Commands(MutableMapping[str, click.Command]):
    """Every command by its name; one is loaded when it is looked up."""

    def __init__(self) -> None:
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name in ABOUT and name not in self._loaded:
            self[name] = getattr(import_module(f"hybridobs.cli.{_HOMES.get(name, name)}"), name)
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(ABOUT)

    def __len__(self) -> int:
        return len(ABOUT)


class Overview(click.Group):
    """A group that loads a command when it is typed: a page of help costs no more than click."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.commands = _Commands()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([*ABOUT.items()])

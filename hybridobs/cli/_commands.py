"""Which commands there are, a line about each, and the file that is loaded when one of them is typed."""

from __future__ import annotations

from importlib import import_module

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


def loaded(name: str) -> click.Command | None:
    """The command of that name."""
    if name not in ABOUT:
        return None
    command: click.Command = getattr(import_module(f"hybridobs.cli.{_HOMES.get(name, name)}"), name)
    return command


class Overview(click.Group):
    """A group that loads a command when it is typed: a page of help costs no more than click."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*ABOUT]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return loaded(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([*ABOUT.items()])

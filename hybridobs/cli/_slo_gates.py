"""``hybridobs slo gates``: the gates that remember their looks."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import click

from hybridobs.cli._options import DEFAULT_STORE, store_option, text_or_json_option
from hybridobs.errors import HybridobsError


def names_of(kind: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """``shell_complete`` of a name that the store remembers; nothing where it cannot be asked."""

    def complete(context: click.Context, _: click.Parameter, typed: str) -> list[str]:
        from hybridobs.cli._stores import opened

        with suppress(HybridobsError), opened(context.params.get("store") or DEFAULT_STORE) as store:
            return [one.name for one in store.memories(kind) if one.name.startswith(typed)]
        return []

    return complete


@click.group()
def gates() -> None:
    """Gates with a name (slo gate --id NAME): their plans, their looks, and how to forget one."""


@gates.command(
    "list",
    epilog="""\b
Examples:
  hybridobs slo gates list
  hybridobs slo gates list --format json
""",
)
@text_or_json_option
@store_option
def listing(form: str, store: str) -> None:
    """Show every gate with a name: how far its plan is, and every look."""
    from hybridobs.cli._slo_memory import remembered, shown
    from hybridobs.slo import gate_facts

    found = remembered(store)
    if form == "json":
        click.echo(json.dumps([gate_facts(name, memory) for name, memory in found.items()], indent=2))
        return
    if not found:
        click.echo("no gate has a name; give one with: hybridobs slo gate ... --id NAME --looks planned:N")
    for place, (name, memory) in enumerate(found.items()):
        click.echo("\n" * bool(place) + "\n".join(shown(name, memory)))


@gates.command(
    epilog="""\b
Examples:
  hybridobs slo gates forget nightly
"""
)
@click.argument("name", shell_complete=names_of("gate"))
@store_option
def forget(name: str, store: str) -> None:
    """Forget a gate, its plan and its looks; the next one of that NAME starts anew."""
    from hybridobs.cli._slo_memory import forgotten

    forgotten(store, "gate", name)
    click.echo(f"forgotten: {name}")

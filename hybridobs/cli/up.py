"""``hybridobs up``, ``down`` and ``status``: the stack of one machine without containers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hybridobs.cli import _exits
from hybridobs.cli._options import no_color_option

if TYPE_CHECKING:
    from hybridobs.local import Alerting

_Command = TypeVar("_Command", bound=Callable[..., Any])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _directory(_: click.Context, __: click.Parameter, value: Path | None) -> Path:
    from hybridobs.local import default_directory

    return default_directory() if value is None else value.expanduser().absolute()


def _data_option(command: _Command) -> _Command:
    return click.option(
        "--data",
        type=click.Path(file_okay=False, path_type=Path),
        callback=_directory,
        metavar="DIR",
        help="Where everything lies: store, logs, configuration.  [default: ~/.local/state/hybridobs-up]",
    )(command)


def _address_option(name: str, default: str, help: str) -> Callable[[_Command], _Command]:
    return click.option(f"--{name}", metavar="HOST:PORT", default=default, show_default=True, help=help)


@click.command(
    epilog="""\b
Examples:
  hybridobs up
  hybridobs up --detach --data /srv/hybridobs
  hybridobs up --slo slo.yaml --webhook http://127.0.0.1:9095/alerts
"""
)
@_data_option
@click.option("--detach", is_flag=True, help="Come back once everything is well, and leave it running.")
@_address_option("http", "127.0.0.1:4318", "OTLP over HTTP, and /metrics.")
@_address_option("grpc", "127.0.0.1:4317", "OTLP over gRPC.")
@_address_option("prometheus", "127.0.0.1:9090", "Prometheus, if it is installed.")
@_address_option("alertmanager", "127.0.0.1:9093", "Alertmanager, if it is installed.")
@click.option("--collector", metavar="FILE.py", type=_FILE, help="A collector as code, in place of the default one.")
@click.option("--slo", metavar="FILE", type=_FILE, help="Objectives to alert on, beside the collector's own troubles.")
@click.option(
    "--webhook",
    "webhooks",
    multiple=True,
    metavar="[SITE=]URL",
    help="Who is told of alerts; again with SITE= for those of one site.  [default: Alertmanager's own page]",
)
@no_color_option
@click.pass_context
def up(ctx: click.Context, /, data: Path, detach: bool, **options: Any) -> None:
    """Run a collector, and a Prometheus and an Alertmanager if they are installed, as plain processes on loopback.

    Everything lies in one private directory; the store is a SQLite file there. A part that dies is started again.
    Ctrl-C, or `hybridobs down` from elsewhere, stops all of them in order, and nothing that was acknowledged is lost.
    """
    from hybridobs.cli._up_run import detached, foreground
    from hybridobs.local import Addresses, Place, plan

    place = Place.made(data)
    if detach:
        detached(place, _words(ctx, data))
        return
    alerting = _alerting(options["slo"], options["webhooks"])
    addresses = Addresses(*(options[name] for name in Addresses._fields))
    with place.claimed():
        foreground(place, plan(place, addresses, alerting, options["collector"]))


def _alerting(slo: Path | None, webhooks: tuple[str, ...]) -> Alerting:
    from hybridobs.cli._slo_rules import hooks
    from hybridobs.local import Alerting
    from hybridobs.slo import RULES, SloFile, alertmanager, load, rules

    made = rules(load(slo) if slo else SloFile("", (), ()))
    for name, reason in made.left_out.items():
        click.echo(f"no alert for {name}: it {reason}", err=True)
    return Alerting({RULES: made.files[RULES]}, alertmanager(*hooks(webhooks)))


def _words(ctx: click.Context, data: Path) -> list[str]:
    """The same command for the process that stays."""
    words = ["up", "--data", str(data)]
    for option in ctx.command.params:
        value = ctx.params.get(option.name or "")
        if option.name in ("data", "detach", "no_color") or value is None:
            continue
        for one in value if isinstance(value, tuple) else (value,):
            words += [option.opts[0], str(one.absolute()) if isinstance(one, Path) else str(one)]
    return words


@click.command(
    epilog="""\b
Examples:
  hybridobs down
  hybridobs down --data /srv/hybridobs
"""
)
@_data_option
def down(data: Path) -> None:
    """Stop what `hybridobs up` runs, in order; all data stays."""
    from hybridobs.cli._up_run import stop
    from hybridobs.local import Place

    stop(Place(data))


@click.command(
    epilog="""\b
Examples:
  hybridobs status
  hybridobs status --data /srv/hybridobs && echo all well
"""
)
@_data_option
@no_color_option
def status(data: Path) -> None:
    """Show what `hybridobs up` runs and whether it is well; exit code 1 unless all of it is."""
    from hybridobs.cli._up_run import show
    from hybridobs.local import Place

    if not show(Place(data)):
        raise click.exceptions.Exit(_exits.DIFFERS)

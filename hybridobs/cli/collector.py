"""``hybridobs collector``: run what receives, counts and stores telemetry."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybridobs.cli._logs import logged_to_stderr
from hybridobs.cli._options import DEFAULT_STORE, no_color_option
from hybridobs.cli._own_code import own_code
from hybridobs.contract import ENV_PREFIX
from hybridobs.errors import ConfigError

if TYPE_CHECKING:
    from hybridobs.collector import Collector, Relay, Tls

VARIABLE = "collector"

_EPILOG = """\b
Examples:
  hybridobs collector run
  hybridobs collector run --store sqlite:////var/lib/hybridobs/fleet.db --http 0.0.0.0:4318
  hybridobs collector run collectors/cloud.py --store postgresql+psycopg://hybridobs@db/fleet
  hybridobs collector run collectors/edge.py --http 0.0.0.0:4318
  hybridobs collector run --http 0.0.0.0:4318 --access access.txt --tls-cert cert.pem --tls-key key.pem
"""
_PATH = click.Path(dir_okay=False, path_type=Path)


@click.group(
    epilog="""\b
Examples:
  hybridobs collector run --store sqlite:///hybridobs.db
"""
)
def collector() -> None:
    """Receive OpenTelemetry, count every event once, and store KPIs."""


@collector.command(epilog=_EPILOG)
@click.argument(
    "file", metavar="[FILE.py]", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--store",
    metavar="URL",
    envvar=f"{ENV_PREFIX}STORE",
    show_envvar=True,
    help=f"SQLAlchemy URL of the store.  [default: what FILE says, else {DEFAULT_STORE}]",
)
@click.option(
    "--http", metavar="HOST:PORT", help="OTLP over HTTP, and /metrics.  [default: what FILE says, else 127.0.0.1:4318]"
)
@click.option("--grpc", metavar="HOST:PORT", help="OTLP over gRPC.  [default: what FILE says, else 127.0.0.1:4317]")
@click.option(
    "--prices",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Price table (TOML or JSON) for calls that say tokens but no cost.  [default: what FILE.py says]",
)
@click.option(
    "--access",
    metavar="FILE",
    type=_PATH,
    envvar=f"{ENV_PREFIX}ACCESS",
    show_envvar=True,
    help="Who may come in: tokens and certificate names (see 'hybridobs collector token').  [default: everybody]",
)
@click.option(
    "--tls-cert", metavar="FILE", type=_PATH, envvar=f"{ENV_PREFIX}TLS_CERT", show_envvar=True, help="Certificate, PEM."
)
@click.option("--tls-key", metavar="FILE", type=_PATH, envvar=f"{ENV_PREFIX}TLS_KEY", show_envvar=True, help="Its key.")
@click.option(
    "--client-ca",
    metavar="FILE",
    type=_PATH,
    envvar=f"{ENV_PREFIX}CLIENT_CA",
    show_envvar=True,
    help="Whoever comes in needs a certificate signed by these, PEM.",
)
@click.option(
    "--no-migrate",
    "migrate",
    flag_value=False,
    default=None,
    help="Refuse a store of an older schema instead of bringing it up (see 'hybridobs store migrate').",
)
@click.option(
    "--writer",
    metavar="NAME",
    envvar=f"{ENV_PREFIX}WRITER",
    show_envvar=True,
    help="Name of this replica in the store; each needs its own to commit beside the others.  [default: the host's]",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    envvar=f"{ENV_PREFIX}LOG_FORMAT",
    show_envvar=True,
    show_default=True,
    help="Lines for people, or one JSON object a line.",
)
@no_color_option
def run(
    file: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    client_ca: Path | None,
    log_format: str,
    **changes: Any,
) -> None:
    """Run a collector until SIGTERM or Ctrl-C; nothing that was acknowledged is lost.

    FILE.py is a collector or relay as code: a Python file with a variable named 'collector'. Without one a default
    collector runs. Options win over the file.
    """
    changes["tls"] = _tls(tls_cert, tls_key, client_ca)
    chosen = loaded(file, {key: value for key, value in changes.items() if value is not None})
    with logged_to_stderr(log_format):
        chosen.run()


@collector.command(
    epilog="""\b
Examples:
  hybridobs collector token acme --to access.txt
  hybridobs collector token acme --may read --to access.txt > prometheus.token
"""
)
@click.argument("tenant")
@click.option(
    "--may",
    type=click.Choice(["send", "read", "send,read"]),
    default="send",
    show_default=True,
    help="Send telemetry, or read /metrics and pages.",
)
@click.option(
    "--to", "file", metavar="FILE", type=_PATH, help="Access file that gets the line.  [default: it is printed]"
)
def token(tenant: str, may: str, file: Path | None) -> None:
    """Make a token for TENANT and print it; the access file keeps only its hash.

    A device sends it as HYBRIDOBS_TOKEN or from HYBRIDOBS_TOKEN_FILE, any OpenTelemetry sender as the header
    'Authorization: Bearer TOKEN'. A collector that runs sees the new line within a second.
    """
    from secrets import token_urlsafe

    from hybridobs.collector import token_line

    made = token_urlsafe(32)
    line = token_line(tenant, may, made)
    if file is None:
        click.echo(f"line for the access file: {line}", err=True)
    else:
        _append(file, line)
        click.echo(f"added to {file}: {tenant} {may}", err=True)
    click.echo(made)


def _append(file: Path, line: str) -> None:
    """Add a line to a file that is ours alone when it is made here."""
    try:
        number = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(number, "a+", encoding="utf-8") as opened:
            opened.write(f"{line}\n")
    except OSError as error:
        raise ConfigError("to", str(file), f"cannot be written: {error}") from error


def _tls(certificate: Path | None, key: Path | None, client_ca: Path | None) -> Tls | None:
    if certificate is None and key is None and client_ca is None:
        return None
    from hybridobs.collector import Tls

    if certificate is None or key is None:
        raise ConfigError("tls-cert", str(certificate or ""), "TLS needs --tls-cert and --tls-key, both")
    return Tls(certificate, key, client_ca=client_ca)


def loaded(file: Path | None, changes: dict[str, Any]) -> Collector | Relay:
    """The collector or relay of ``file`` with ``changes``, or a default one that shows all it has to Prometheus."""
    from hybridobs.collector import Collector, Relay

    if file is None:
        from hybridobs.serve import LiveKpis, LiveMeasures, RemoteRead, Summaries

        pages = (RemoteRead(), Summaries())
        return Collector(DEFAULT_STORE, views=(LiveMeasures, LiveKpis), pages=pages).on(**changes)
    found = _variable(file)
    if isinstance(found, Relay):
        # A relay has no store and no prices; the environment may name some for the collector beside it.
        return found.on(**{key: changes.get(key) for key in ("http", "grpc", "access", "tls")})
    if not isinstance(found, Collector):
        raise ConfigError("file", str(file), f"its variable {VARIABLE!r} is no hybridobs.collector.Collector or Relay")
    return found.on(**changes)


def _variable(file: Path) -> object:
    import runpy

    with own_code():
        names = runpy.run_path(str(file))
    if VARIABLE not in names:
        raise ConfigError("file", str(file), f"it has no variable {VARIABLE!r}, for example: collector = Collector()")
    return names[VARIABLE]

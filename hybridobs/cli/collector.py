"""``hybridobs collector``: run what receives, counts and stores telemetry."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybridobs.cli._options import DEFAULT_STORE, no_color_option
from hybridobs.contract import ENV_PREFIX
from hybridobs.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hybridobs.collector import Collector, Relay

VARIABLE = "collector"

_EPILOG = """\b
Examples:
  hybridobs collector run
  hybridobs collector run --store sqlite:////var/lib/hybridobs/fleet.db --http 0.0.0.0:4318
  hybridobs collector run collectors/cloud.py --store postgresql+psycopg://hybridobs@db/fleet
  hybridobs collector run collectors/edge.py --http 0.0.0.0:4318
"""


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
@no_color_option
def run(file: Path | None, store: str | None, http: str | None, grpc: str | None, prices: Path | None) -> None:
    """Run a collector until SIGTERM or Ctrl-C; nothing that was acknowledged is lost.

    FILE.py is a collector or relay as code: a Python file with a variable named 'collector'. Without one a default
    collector runs. Options win over the file.
    """
    changes = {"store": store, "http": http, "grpc": grpc, "prices": prices}
    chosen = loaded(file, {key: value for key, value in changes.items() if value is not None})
    with _logged_to_stderr():
        chosen.run()


def loaded(file: Path | None, changes: dict[str, Any]) -> Collector | Relay:
    """The collector or relay of ``file`` with ``changes``, or a default one that shows all it has to Prometheus."""
    from hybridobs.collector import Collector, Relay

    if file is None:
        from hybridobs.serve import LiveKpis, LiveMeasures, RemoteRead, Summaries

        shown, asked = [LiveMeasures(), LiveKpis()], [RemoteRead(), Summaries()]
        return Collector(DEFAULT_STORE, views=shown, pages=asked).on(**changes)
    found = _variable(file)
    if isinstance(found, Relay):
        # A relay has no store and no prices; the environment may name some for the collector beside it.
        return found.on(http=changes.get("http"), grpc=changes.get("grpc"))
    if not isinstance(found, Collector):
        raise ConfigError("file", str(file), f"its variable {VARIABLE!r} is no hybridobs.collector.Collector or Relay")
    return found.on(**changes)


def _variable(file: Path) -> object:
    import runpy

    names = runpy.run_path(str(file))
    if VARIABLE not in names:
        raise ConfigError("file", str(file), f"it has no variable {VARIABLE!r}, for example: collector = Collector()")
    return names[VARIABLE]


@contextmanager
def _logged_to_stderr() -> Iterator[None]:
    """Our own lines only: where it listens, what it could not do, that it stopped."""
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("hybridobs")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)

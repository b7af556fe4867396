"""``hybridobs demo``: a real hybrid product in half a minute, with what it measured."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import click

from hybridobs.cli._options import no_color_option
from hybridobs.demo.fleet import RATE

_SECONDS = 20.0
_EPILOG = """\b
Examples:
  hybridobs demo
  hybridobs demo --seconds 60 --devices 6
  hybridobs demo --endpoint http://127.0.0.1:4318 --rate 10
  hybridobs demo --json | python -m json.tool
"""


@click.command(epilog=_EPILOG)
@click.option(
    "--seconds", type=float, help="How long the devices work.  [default: 20; with --endpoint until it is stopped]"
)
@click.option(
    "--devices", type=int, default=3, show_default=True, help="How many devices, beside the one with a faulty version."
)
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".demo"),
    show_default=True,
    help="Where models, logs and the store go; every run has a store of its own there.",
)
@click.option("--rate", type=float, default=RATE, show_default=True, help="Pictures a second that each device sees.")
@click.option(
    "--endpoint",
    metavar="URL",
    help="Send to the collector or gateway that runs there, and start none: a fleet for a stack to show.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, and progress on stderr.")
@no_color_option
def demo(
    seconds: float | None, devices: int, directory: Path, rate: float, endpoint: str | None, as_json: bool
) -> None:
    """Watch devices and a cloud answer together, and see every KPI of it.

    Trains three models on scikit-learn's digits, puts an INT8 one on each device and a larger one behind HTTP. A device
    answers by itself when it is sure and asks the cloud when it is not, on the same trace. One device loses its
    connection for a while, goes on working, and its telemetry arrives late. At the end every inference made is compared
    with every event counted: exit code 1 if they differ. One more device runs a version that is slow on purpose: the
    objectives are kept all the same, and the gate stops it. Ctrl-C ends it early and shows what there is.
    """
    from hybridobs.cli._demo_output import Screen, finish
    from hybridobs.demo import Demo, Guest

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it: no process stays behind
    if endpoint:
        guest = Guest(directory, endpoint=endpoint, devices=devices, rate=rate, seconds=seconds)
        with Screen(quiet=as_json) as screen:
            sent = guest.run(screen)
        click.echo(json.dumps(sent) if as_json else f"{sum(sent.values()):,} inferences by {len(sent)} processes")
        return
    planned = Demo(directory, seconds=_SECONDS if seconds is None else seconds, devices=devices, rate=rate)
    with Screen(quiet=as_json) as screen:
        result = planned.run(screen)
    raise SystemExit(finish(result, as_json=as_json))

"""``hybridobs simulate``: a fleet in simulated time, for data in an empty stack and for a check of every KPI."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybridobs.cli._logs import unheard
from hybridobs.cli._options import nearest, no_color_option, store_option

if TYPE_CHECKING:
    from hybridobs.simulate import Fault, Line, Played, Run
    from hybridobs.store import Store

_DAY = 86_400 * 10**9
_LEAST_DAYS, _MOST_DAYS = 0.001, 3650
_MOST_SPEEDUP = 1_000_000_000
_ROUNDS, _MOST_ROUNDS = 24, 10_000
_EPILOG = """\b
Examples:
  hybridobs simulate --list
  hybridobs simulate retail --store sqlite:///retail.db --check
  hybridobs simulate voice --devices 200 --days 7 --endpoint http://127.0.0.1:4318
  hybridobs simulate manufacturing --fault offline,duplicate,clock --truth truth.json
  hybridobs simulate load-hybrid --devices 10 --speedup 1440

\b
Exit codes:
  0  done
  1  with --check: a KPI differs from what was generated, or from the number of the scenario
  2  wrong usage or setting; the endpoint takes nothing
"""


def _faults(_: click.Context, __: click.Parameter, value: str) -> tuple[Fault, ...]:
    from hybridobs.simulate import Fault

    found = []
    for name in filter(None, (part.strip() for part in value.split(","))):
        if name not in list(Fault):
            raise click.BadParameter(f"{name!r} is no fault; there are: {', '.join(Fault)}")
        found.append(Fault(name))
    return tuple(found)


class _Number(click.FloatRange):
    """A number within its bounds: NaN is beyond all of them, which no comparison notices."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value!r} is no number in the range {self._describe_range()}.", param, ctx)
        return found


@click.command(epilog=_EPILOG)
@click.argument("scenario", required=False)
@click.option("--list", "listing", is_flag=True, help="Say which scenarios there are, and play none.")
@click.option("--devices", type=click.IntRange(1), help="How many devices.  [default: the scenario's]")
@click.option(
    "--days",
    type=_Number(_LEAST_DAYS, _MOST_DAYS),
    help="How many days pass, the last one now.  [default: the scenario's]",
)
@click.option(
    "--speedup",
    type=_Number(1, _MOST_SPEEDUP),
    help="How much faster than time they pass: 1440 is a day a minute.  [default: as fast as it goes]",
)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same numbers.")
@click.option(
    "--fault",
    "faults",
    default="",
    callback=_faults,
    metavar="NAMES",
    help="What goes wrong: any of offline, duplicate, reorder, clock, loss, with commas between.",
)
@click.option("--endpoint", metavar="URL", help="A collector that runs; without it one is run for the store.")
@store_option
@click.option(
    "--truth",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write every KPI, computed from what was generated, to this JSON file.",
)
@click.option("--check", is_flag=True, help="Compare every KPI in the store with it; the store must be fresh.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout, and progress on stderr.")
@no_color_option
def simulate(
    scenario: str | None,
    listing: bool,
    devices: int | None,
    days: float | None,
    speedup: float | None,
    seed: int,
    faults: tuple[Fault, ...],
    endpoint: str | None,
    store: str,
    truth: Path | None,
    check: bool,
    as_json: bool,
) -> None:
    """Play a scenario: a fleet that acts in simulated time, through the real SDK and a real collector.

    Devices observe calls, get feedback, report, deliver late, and may suffer faults. What they generate is known, so
    that every KPI can be held against it. With --endpoint the store is read for --check only.
    """
    from hybridobs.cli import _outputs as outputs
    from hybridobs.cli import _simulate_output as output
    from hybridobs.simulate import SCENARIOS, Run

    if listing:
        output.listing(as_json=as_json)
        return
    if scenario is None or scenario not in SCENARIOS:
        known = nearest(scenario, tuple(SCENARIOS)) if scenario else "."
        raise click.BadParameter(f"{scenario!r} is none{known} Known: {', '.join(SCENARIOS)}", param_hint="SCENARIO")
    chosen = SCENARIOS[scenario]
    passed = days or chosen.days
    rounds = _ROUNDS if speedup is None else min(max(_ROUNDS, round(passed * 86_400 / speedup)), _MOST_ROUNDS)
    run = Run(
        scenario=chosen,
        devices=devices or chosen.devices,
        days=passed,
        begin_ns=_begin(passed, speedup),
        seed=seed,
        faults=faults,
        rounds=rounds,
    )
    if truth is not None:
        outputs.ready("truth", truth, outputs.store_files(store))
    played, lines = _play(run, endpoint, store, speedup, check=check, quiet=as_json)
    if truth is not None:
        outputs.write("truth", truth, json.dumps(output.document(run, played), indent=2) + "\n")
    raise SystemExit(output.finish(run, played, lines, store=store, as_json=as_json))


def _begin(days: float, speedup: float | None) -> int:
    """When simulated time begins, so that it has caught up with true time at the end."""
    span = round(days * _DAY)
    return time.time_ns() - span + (0 if speedup is None else round(span / speedup))


def _play(
    run: Run, endpoint: str | None, url: str, speedup: float | None, *, check: bool, quiet: bool
) -> tuple[Played, list[Line]]:
    from hybridobs.cli._simulate_output import Screen
    from hybridobs.simulate import Fleet, compare, fresh

    began = time.time_ns()

    def pace(until_ns: int) -> int:
        if speedup is not None:
            time.sleep(max(0.0, (began + (until_ns - run.begin_ns) / speedup - time.time_ns()) * 1e-9))
        return time.time_ns()

    with ExitStack() as stack:
        stack.enter_context(unheard())
        store = stack.enter_context(_store(url)) if check or endpoint is None else None
        if check and store is not None:
            fresh(store, run.scenario)
        run.endpoint = endpoint or stack.enter_context(_collecting(store))
        watch = stack.enter_context(Screen(run.scenario.title, quiet=quiet))
        played = Fleet(run).play(pace, watch)
        return played, list(compare(store, run.scenario, played)) if check and store is not None else []


@contextmanager
def _store(url: str) -> Iterator[Store]:
    from hybridobs.store import Store

    with Store.open(url) as store:
        yield store


@contextmanager
def _collecting(store: Store | None) -> Iterator[str]:
    """A collector of our own on a free port, for as long as the block runs."""
    from hybridobs.collector import Collector

    assert store is not None
    with Collector(store, http="127.0.0.1:0", grpc=None).running() as collector:
        yield collector.http_url

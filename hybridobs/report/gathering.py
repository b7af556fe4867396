"""Everything a report says, read from a store once; how it looks is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridobs.kpi.drift import Drift, Verdict, ask
from hybridobs.kpi.drift import Question as DriftQuestion
from hybridobs.report.board import Board, read_board
from hybridobs.report.compare import DIMENSIONS, Compared, compare
from hybridobs.report.devices import Devices, read_devices
from hybridobs.report.handoffs import Handoff, read_handoffs
from hybridobs.report.lights import Shown, read_lights
from hybridobs.report.shapes import Distribution, distributions
from hybridobs.report.state import Asked, Judge, Promise
from hybridobs.report.traces import Trace, slowest
from hybridobs.report.updates import Updates, read_updates
from hybridobs.report.worst import Worst, read_worst

if TYPE_CHECKING:
    from hybridobs.store import Store, StoreInfo

Say = Callable[[str], None]
STEPS = ("KPIs", "lights", "cohorts and versions", "distributions", "drift", "updates", "devices", "traces")


@dataclass(frozen=True, slots=True)
class Report:
    """All of it; ``compared`` goes by the title of the dimension."""

    asked: Asked
    info: StoreInfo
    board: Board
    lights: tuple[Shown, ...]
    promises: tuple[Promise, ...]
    worst: tuple[Worst, ...]
    more_worst: int
    compared: dict[str, tuple[Compared, ...]]
    shapes: tuple[Distribution, ...]
    drift: Drift
    updates: Updates | None
    devices: Devices | None
    handoffs: tuple[Handoff, ...]
    traces: tuple[Trace, ...]


def gather(
    store: Store, asked: Asked, judge: Judge, promises: Sequence[Promise] = (), say: Say = lambda step: None
) -> Report:
    """Read a report; ``say`` is told each of ``STEPS`` before it is done."""
    say("KPIs")
    info, board = store.info(), read_board(store, asked, judge)
    say("lights")
    lights = read_lights(store, asked, board, promises)
    say("cohorts and versions")
    compared = {one.title: tuple(compare(store, asked, board, judge, one)) for one in DIMENSIONS}
    worst, more = read_worst(store, asked, judge, [line.kpi for line in board.lines])
    say("distributions")
    shapes = distributions(board)
    say("drift")
    drift = read_drift(store, asked)
    say("updates")
    updates, handoffs = read_updates(store, asked), read_handoffs(store, asked)
    say("devices")
    devices = read_devices(store, asked)
    say("traces")
    return Report(
        asked,
        info,
        board,
        tuple(lights),
        tuple(promises),
        tuple(worst),
        more,
        compared,
        tuple(shapes),
        drift,
        updates,
        devices,
        tuple(handoffs),
        tuple(slowest(store, asked)),
    )


def read_drift(store: Store, asked: Asked) -> Drift:
    """Every feature against its reference, alarms first."""
    references = [one.reference for one in store.references()]
    drift = ask(store, references, DriftQuestion(asked.since, asked.until, asked.where), {})
    order = (Verdict.ALARM, Verdict.OK, Verdict.TOO_LITTLE)
    found = sorted(
        drift.found,
        key=lambda one: (order.index(one.comparison.judgement.verdict), -one.comparison.scores.psi.value),
    )
    return drift._replace(found=tuple(found))

"""However telemetry travels, the KPIs are the same: to the minute, to the last bit of every summary."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hybridobs.simulate import SCENARIOS, Fault
from hybridobs.simulate.check import compare
from tests.simulate.conftest import DAY, Make, Windows, World

PLAYED = {"retail": (4, 0.25), "manufacturing": (3, 1.0), "healthcare": (3, 0.3), "voice": (4, 0.25)}
HOW: dict[str, tuple[dict[str, int], tuple[Fault, ...]]] = {
    "shuffled": ({}, (Fault.REORDER,)),
    "duplicated": ({}, (Fault.DUPLICATE,)),
    "two replicas": ({"replicas": 2}, ()),
    "a day late": ({"late_ns": DAY}, ()),
    "offline": ({}, (Fault.OFFLINE,)),
    "wrong clocks": ({}, (Fault.CLOCK,)),
    "all of it": (
        {"replicas": 2, "late_ns": DAY},
        (Fault.OFFLINE, Fault.DUPLICATE, Fault.REORDER, Fault.CLOCK),
    ),
}


@pytest.fixture(scope="module", params=PLAYED)
def name(request: pytest.FixtureRequest) -> str:
    """Every scenario that is no mere load."""
    return str(request.param)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, name: str) -> Iterator[Windows]:
    """What a fleet says whose telemetry arrives once, in order, at once."""
    here = World(f"sqlite:///{tmp_path_factory.mktemp('expected')}/store.db")
    here.play(name, *PLAYED[name])
    yield here.windows()
    here.close()


@pytest.mark.parametrize("how", HOW)
def test_a_replay_has_the_same_summaries(world: Make, name: str, expected: Windows, how: str) -> None:
    """Every measure of every minute is equal: counts, sums, extremes and every bucket."""
    where, faults = HOW[how]
    here = world(**where)
    here.play(name, *PLAYED[name], faults=faults)
    assert here.windows() == expected
    assert len(expected) > 60


def test_what_is_given_up_is_known(world: Make) -> None:
    """Lost records are in no KPI, are counted as lost, and nothing is left outstanding."""
    here = world(replicas=2)
    played = here.play("retail", 4, 0.5, faults=(Fault.LOSS, Fault.DUPLICATE, Fault.REORDER))
    assert played.lost > 10
    assert sum(stream.lost for stream in here.store.streams()) == played.lost
    assert all(stream.outstanding == 0 for stream in here.store.streams())
    truth = [line for line in compare(here.store, SCENARIOS["retail"], played) if line.kind == "truth"]
    assert [line for line in truth if not line.ok] == []


def test_another_seed_is_another_fleet(world: Make) -> None:
    """The same seed gives the same facts, another one others."""
    first, again, other = (
        world().play("voice", 2, 0.1, seed=seed).facts["cars"].values["duration"] for seed in (1, 1, 2)
    )
    assert first == again != other

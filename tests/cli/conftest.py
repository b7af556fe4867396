"""A small store with known numbers, and a runner for the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hybridobs import contract
from hybridobs.cli import main
from hybridobs.contract import Labels
from hybridobs.kpi.event import Event
from hybridobs.kpi.fold import Fold
from hybridobs.store import KeptSpan, Store

BEGAN_NS = 1_790_000_040 * 10**9
TRACE = "0af7651916cd43dd8448eb211c80319c"
MS = 1_000_000
DEVICE = Labels("device", "store-1", "till", "digits", "1.2.0", "control", "stable", "classify")
CLOUD = Labels("cloud", "region-1", "server", "digits-large", "2.0.0")

Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Call ``hybridobs`` with these words; stdout and stderr are apart."""
    return lambda *words: CliRunner().invoke(main, list(words), prog_name="hybridobs")


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A store with 300 device calls of 1 to 300 ms, 40 cloud calls that cost money, and one kept trace."""
    where = f"sqlite:///{tmp_path / 'kpis.db'}"
    fold = Fold()
    for i in range(300):
        fold.add(
            Event(
                contract.EventKind.INFERENCE,
                BEGAN_NS,
                DEVICE,
                (i + 1) * MS,
                error="TimeoutError" if i % 30 == 0 else "",
            )
        )
    for _ in range(40):
        numbers = {contract.COST: 0.25}
        fold.add(
            Event(
                contract.EventKind.INFERENCE, BEGAN_NS, CLOUD, 5 * MS, numbers=numbers, texts={contract.CURRENCY: "USD"}
            )
        )
    with Store.open(where) as store, store.begin() as tx:
        tx.add(fold.cells)
        tx.keep(_kept())
    return where


def _kept() -> list[KeptSpan]:
    device = KeptSpan(
        TRACE,
        "a" * 16,
        "",
        "classify digits",
        "INTERNAL",
        BEGAN_NS,
        BEGAN_NS + 10 * MS,
        DEVICE,
        "TimeoutError",
        {},
        "error",
    )
    cloud = KeptSpan(
        TRACE, "b" * 16, "a" * 16, "classify digits-large", "INTERNAL", BEGAN_NS + 2 * MS, BEGAN_NS + 9 * MS, CLOUD
    )
    return [device, cloud]

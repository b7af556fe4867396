"""A store with model inputs of known devices at a known time, training data, and the real command."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hybridobs import contract
from hybridobs.cli import main
from hybridobs.contract import EventKind, Labels
from hybridobs.kpi.event import Alike
from hybridobs.kpi.fold_alike import ColumnFold
from hybridobs.kpi.shards import ShardFold
from hybridobs.store import Store

NOW = 1_790_003_640  # 2026-09-21T15:14:00Z, a Monday
UNTIL = ("--since", "2026-09-20T15:14:00", "--until", "2026-09-21T15:14:00")

Run = Callable[..., Result]
Fill = Callable[..., None]


def light(count: int, *, seed: int, factor: float = 1.0) -> list[float]:
    """A lognormal feature; ``factor`` is the drift."""
    rng = random.Random(seed)
    return [factor * rng.lognormvariate(0, 0.6) for _ in range(count)]


@pytest.fixture
def run() -> Run:
    """Call ``hybridobs`` with these words; stdout and stderr are apart."""
    return lambda *words: CliRunner().invoke(main, list(words), prog_name="hybridobs", catch_exceptions=False)


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty store, which commands use unless they are told another."""
    where = f"sqlite:///{tmp_path / 'drift.db'}"
    Store.open(where).close()
    monkeypatch.setenv("HYBRIDOBS_STORE", where)
    return where


@pytest.fixture
def fill(url: str) -> Fill:
    """Put calls of one device into the store."""

    def put(
        values: Sequence[float] = (),
        *,
        names: Sequence[str] = (),
        device: int | None = 0,
        ago: int = 600,
        version: str = "1",
        site: str = "s1",
    ) -> None:
        fold, shards = ColumnFold(), ShardFold()
        labels = Labels("device", site, "till", "digits", version)
        said: list[tuple[dict[str, str], dict[str, Sequence[float]]]]
        said = [({}, {f"{contract.FEATURE_PREFIX}light": values})] if values else []
        said += [({f"{contract.FEATURE_PREFIX}country": name}, {}) for name in names]
        for texts, numbers in said:
            size = max(map(len, numbers.values()), default=1)
            times = [(NOW - ago) * 10**9] * size
            alike = Alike(EventKind.INFERENCE, labels, True, "", texts, times, [10**6] * size, numbers)
            fold.add_alike(alike)
            if device is not None:
                shards.add(device, alike)
        with Store.open(url) as store, store.begin() as tx:
            tx.add(fold.cells, None, shards.cells)

    return put


@pytest.fixture
def fleet(fill: Fill) -> Fill:
    """Twelve devices with 150 values each."""

    def put(*, factor: float = 1.0, **fields: object) -> None:
        for device in range(12):
            fill(light(150, seed=device, factor=factor), device=device, **fields)

    return put


@pytest.fixture
def training(tmp_path: Path) -> str:
    """Training data: 2,000 numbers, two countries, every fiftieth number absent."""
    rows = [f"{value},{'DE' if place % 4 else 'FR'}" for place, value in enumerate(light(2000, seed=99))]
    rows[::50] = [f",{row.partition(',')[2]}" for row in rows[::50]]
    path = tmp_path / "training.csv"
    path.write_text("\n".join(["light,country", *rows]), encoding="utf-8")
    return str(path)


@pytest.fixture
def registered(run: Run, url: str, training: str) -> None:
    """References of light and country of version 1."""
    assert run("drift", "reference", "add", training, "--model", "digits", "--version", "1").exit_code == 0

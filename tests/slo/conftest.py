"""A store with known numbers at a known time, and the real command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hybridobs import contract
from hybridobs.cli import main
from hybridobs.contract import Labels
from hybridobs.kpi.event import Event
from hybridobs.kpi.fold import Fold
from hybridobs.store import Store

NOW = 1_790_003_640  # 2026-09-21T15:14:00Z
NOW_TEXT = "2026-09-21T15:14:00"
MS = 1_000_000

Run = Callable[..., Result]
Write = Callable[[str], str]
Fill = Callable[..., str]


def calls(
    fold: Fold,
    times_ms: Sequence[float],
    *,
    ago: int = 600,
    failed: int = 0,
    version: str = "1.2.0",
    site: str = "store-1",
) -> None:
    """Root calls of the device, so many seconds ago; the first ``failed`` of them failed."""
    labels = Labels("device", site, "till", "digits", version, "control", "stable", "classify")
    for place, time_ms in enumerate(times_ms):
        error = "TimeoutError" if place < failed else ""
        time_ns = (NOW - ago) * 10**9
        fold.add(Event(contract.EventKind.INFERENCE, time_ns, labels, int(time_ms * MS), True, error=error))


@pytest.fixture
def run() -> Run:
    """Call ``hybridobs slo`` with these words as of the known time; stdout and stderr are apart."""

    def call(command: str, *words: str) -> Result:
        now = [] if command in ("schema", "gates", "recompute") or "--" in words else ["--now", NOW_TEXT]
        return CliRunner().invoke(main, ["slo", command, *now, *words], prog_name="hybridobs")

    return call


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write an SLO file; the name it has in errors is ``slo.yaml``."""
    monkeypatch.chdir(tmp_path)

    def to_file(text: str) -> str:
        (tmp_path / "slo.yaml").write_text(text)
        return "slo.yaml"

    return to_file


@pytest.fixture
def fill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fill:
    """Fill the store that commands read by default."""

    def with_events(*adds: Callable[[Fold], None]) -> str:
        url = f"sqlite:///{tmp_path / 'fleet.db'}"
        fold = Fold()
        for add in adds:
            add(fold)
        with Store.open(url) as store, store.begin() as tx:
            tx.add(fold.cells)
        monkeypatch.setenv("HYBRIDOBS_STORE", url)
        return url

    return with_events

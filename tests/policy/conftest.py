"""A store whose KPIs are what a test says, and the real command."""

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
from hybridobs.store import Store

NOW = 1_790_003_640  # 2026-09-21T15:14:00Z
COST_CAP = """
policies:
  - id: cost-cap
    flag: cloud_offload
    variants: {cloud: true, local: false}
    default: cloud
    rules:
      - use: local
        when: {kpi: cost_total, at_least: 100 USD, window: 1h, where: {currency: USD}}
        until: {at_most: 90 USD}
        hold: 15m
"""
BY_SITE = """
policies:
  - id: slow-site
    flag: tier
    variants: {cloud: cloud, device: device, site: site}
    default: cloud
    by: [site]
    rules:
      - use: device
        when: {kpi: error_rate, at_least: 50%, window: 1h, minimum_sample: 10}
        until: {at_most: 10%}
      - use: site
        when: {kpi: latency_p95, at_least: 300ms, window: 1h, minimum_sample: 10}
"""

Fill = Callable[..., None]
Evaluate = Callable[..., Result]


@pytest.fixture
def fill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fill:
    """Add calls of one site at a time (Unix s): how many, how long (s), how many failed, what all of them cost."""
    url = f"sqlite:///{tmp_path / 'fleet.db'}"
    monkeypatch.setenv("HYBRIDOBS_STORE", url)
    monkeypatch.chdir(tmp_path)
    Store.open(url).close()

    def calls(
        at: int,
        count: int = 20,
        seconds: float = 0.1,
        failed: int = 0,
        cost: float = 0.0,
        site: str = "berlin",
        tier: str = "cloud",
    ) -> None:
        fold = Fold()
        for number in range(count):
            error = "TimeoutError" if number < failed else ""
            numbers = {contract.COST: cost / count} if cost else {}
            labels = Labels(tier, site, model="digits")
            event = Event(contract.EventKind.INFERENCE, at * 10**9, labels, int(seconds * 1e9), True, error=error)
            fold.add(event._replace(numbers=numbers, texts={contract.CURRENCY: "USD"}))
        with Store.open(url) as store, store.begin() as tx:
            tx.add(fold.cells)

    return calls


@pytest.fixture
def evaluate(tmp_path: Path) -> Evaluate:
    """Call ``hybridobs policy evaluate`` for a policy text at a time (Unix s)."""

    def call(text: str, now: int, *words: str) -> Result:
        from datetime import UTC, datetime

        (tmp_path / "policy.yaml").write_text(text)
        when = datetime.fromtimestamp(now, UTC).isoformat()
        own = ["policy.yaml", "--flags", "flags.json", "--now", when, *words]
        return CliRunner().invoke(main, ["policy", "evaluate", *own], prog_name="hybridobs")

    return call

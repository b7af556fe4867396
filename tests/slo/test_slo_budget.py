"""Which objectives have an error budget, and what is asked for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hybridobs.slo import check, load
from hybridobs.slo.budget import allowed_share
from tests.slo.conftest import NOW, Write


@pytest.mark.parametrize(
    ("objective", "reads"),
    [
        ("kpi: error_rate, target: 1%", 3),
        ("kpi: latency_p95, target: 300ms", 3),
        ("kpi: latency_p95, target: 301ms", 1),
        ("kpi: cost_total, target: 1 USD", 1),
    ],
)
def test_reads(write: Write, objective: str, reads: int) -> None:
    """The fast windows are read for an objective that has a budget, and for no other."""
    asked: list[int | None] = []

    class Empty:
        def read(self, measures: Any, *, since: int | None = None, **rest: Any) -> dict[Any, Any]:
            asked.append(since)
            return {}

    check(Empty(), load(Path(write(f"objectives: [{{{objective}}}]"))).objectives, NOW)
    assert len(asked) == reads


@pytest.mark.parametrize(
    ("objective", "allowed"),
    [
        ("kpi: within_300ms, target: 99.9%", 0.001),
        ("kpi: error_rate, target: 0%", 0.0),
        ("kpi: latency_p95, target: 300ms", 0.05),
        ("kpi: latency_p95, target: 301ms", None),
        ("kpi: cost_total, target: 1 USD", None),
    ],
)
def test_what_may_go_wrong(write: Write, objective: str, allowed: float | None) -> None:
    """The share that an objective leaves, without the digits that nobody promised; none where nothing is counted."""
    (found,) = load(Path(write(f"objectives: [{{{objective}}}]"))).objectives
    assert allowed_share(found) == allowed

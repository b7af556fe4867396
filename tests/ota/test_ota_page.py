"""The page about updates says what the code says."""

from __future__ import annotations

from pathlib import Path

from hybridobs.kpi import ota

PAGE = (Path(__file__).parents[2] / "docs" / "ota.md").read_text("utf-8")


def test_the_page_has_every_system_and_outcome() -> None:
    """One column for each system, one row for each outcome."""
    assert all(f"| `{system}` " in PAGE for system in ota.SYSTEMS)
    assert all(f"\n| {outcome.replace('in_progress', 'in progress: download')} |" in PAGE for outcome in ota.OUTCOMES)

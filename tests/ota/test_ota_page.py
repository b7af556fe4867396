"""The page about updates says what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridobs.kpi import ota
from hybridobs.kpi.ota import CONFIRMED, State
from tests.ota.test_ota_words import ROWS

PAGE = (Path(__file__).parents[2] / "docs" / "ota.md").read_text("utf-8")
TABLE = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.split("| outcome | hawkBit")[1].split("\n\n")[0].splitlines()[2:]
]
SYSTEMS = [name.strip("`") for name in TABLE[0][1:]]
CELLS = [
    (row[0], system)
    for row in TABLE[1:]
    for system, cell in zip(SYSTEMS, row[1:], strict=True)
    if cell not in ("", "timer")
]


def row_of(state: State) -> tuple[str, ...]:
    """What the page calls the row of a state."""
    if state == CONFIRMED:
        return ("succeeded, confirmed",)
    phases = {"download": "download", "install": "install", "reboot": "reboot, test", "test": "reboot, test"}
    return (f"in progress: {phases[state.phase]}",) if state.outcome == "in_progress" else (state.outcome,)


def test_the_page_has_every_system_and_outcome() -> None:
    """One column for each system, one row for each outcome."""
    assert set(SYSTEMS) == set(ota.SYSTEMS)
    assert all(f"\n| {outcome.replace('in_progress', 'in progress: download')} |" in PAGE for outcome in ota.OUTCOMES)


@pytest.mark.parametrize(("row", "system"), CELLS, ids=[f"{system}-{row}" for row, system in CELLS])
def test_a_cell_of_the_page_is_tested(row: str, system: str) -> None:
    """Every cell that names words has a row of the test that reads them."""
    assert [said for state, name, said in ROWS if name == system and row in row_of(state)]


def test_what_is_tested_is_on_the_page() -> None:
    """And the other way round."""
    assert {(row, system) for state, system, _ in ROWS for row in row_of(state)} - {*CELLS} == set()

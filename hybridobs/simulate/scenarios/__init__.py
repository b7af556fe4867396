"""Every scenario by name: one file each, a table and nothing else."""

from __future__ import annotations

from hybridobs.simulate.scenario import Scenario
from hybridobs.simulate.scenarios import healthcare, load, manufacturing, retail, voice

__all__ = ["SCENARIOS"]

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        retail.SCENARIO,
        manufacturing.SCENARIO,
        healthcare.SCENARIO,
        voice.SCENARIO,
        *load.SCENARIOS,
    )
}

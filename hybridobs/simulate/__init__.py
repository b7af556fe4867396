"""Golden scenarios: a fleet in simulated time, through the real SDK, with every number known beforehand.

``Fleet(Run(scenario=SCENARIOS["retail"], …)).play(pace)`` returns what was generated; ``compare`` holds a store
against it. Which collector takes it is the caller's.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridobs.simulate.check import Line, compare, fresh
    from hybridobs.simulate.fleet import Fleet, Played, Progress, Run
    from hybridobs.simulate.network import Fault
    from hybridobs.simulate.scenario import Scenario
    from hybridobs.simulate.scenarios import SCENARIOS

_HOME = {
    "Fault": "network",
    "Fleet": "fleet",
    "Line": "check",
    "Played": "fleet",
    "Progress": "fleet",
    "Run": "fleet",
    "SCENARIOS": "scenarios",
    "Scenario": "scenario",
    "compare": "check",
    "fresh": "check",
}

__all__ = ["SCENARIOS", "Fault", "Fleet", "Line", "Played", "Progress", "Run", "Scenario", "compare", "fresh"]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value

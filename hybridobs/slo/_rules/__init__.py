"""Objectives as Prometheus rules: what tells, while it happens, that an error budget will not last.

:func:`rules` makes the text of two files: the rules, and unit tests for ``promtool test rules``. The rules read the
live exposition of a collector, so an objective that only the store can judge is left out, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from hybridobs.slo._rules import _burn, _faults, _trials
from hybridobs.slo._rules._alertmanager import ALERTMANAGER, alertmanager
from hybridobs.slo._rules._counting import Unsuitable
from hybridobs.slo.objective import SloFile

__all__ = ["ALERTMANAGER", "RULES", "TESTS", "Rules", "alertmanager", "rules"]

RULES = "hybridobs.rules.yml"
TESTS = "hybridobs.rules.test.yml"
_HEAD = "# Made by `hybridobs slo rules`; change the SLO file and make it again.\n"


class Rules(NamedTuple):
    """``files`` is text by file name; ``left_out`` is the reason by the name of each objective without a rule."""

    files: Mapping[str, str]
    left_out: Mapping[str, str]


def rules(slo: SloFile, runbooks: str = "docs/runbooks") -> Rules:
    """The rules of every objective and of the collector's own faults; links go to pages below ``runbooks``."""
    groups: list[dict[str, Any]] = []
    trials = [trial for fault in _faults.FAULTS for trial in _trials.of_fault(fault)]
    left_out: dict[str, str] = {}
    for objective in slo.objectives:
        try:
            burning = _burn.burning(objective)
        except Unsuitable as reason:
            left_out[objective.name] = str(reason)
            continue
        groups.append({"name": f"hybridobs-slo-{objective.name}", "rules": [*_burn.rules(burning, runbooks)]})
        trials += _trials.of_objective(burning)
    groups.append({"name": "hybridobs-faults", "rules": [_faults.rule(fault, runbooks) for fault in _faults.FAULTS]})
    groups.append({"name": "hybridobs-alive", "rules": [_faults.alive(runbooks)]})
    trials.append(_trials.of_alive())
    tests = {"rule_files": [RULES], "evaluation_interval": "1m", "tests": trials}
    return Rules({RULES: _yaml({"groups": groups}), TESTS: _yaml(tests)}, left_out)


def _yaml(content: Mapping[str, Any]) -> str:
    import yaml

    return _HEAD + yaml.safe_dump(content, sort_keys=False, width=200, allow_unicode=True)

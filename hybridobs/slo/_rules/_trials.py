"""Unit tests of the rules, for ``promtool test rules``: each alert must come, and must not come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any

from hybridobs.slo._rules._burn import ZERO_WINDOW, Burning
from hybridobs.slo._rules._counting import SHOWN, selector
from hybridobs.slo._rules._faults import ALIVE, Fault

_MINUTES = 65  # more than the shortest of the long windows
_ANY = "any"  # the value of a label of which only the presence matters
Trial = dict[str, Any]


def of_objective(burning: Burning) -> Iterator[Trial]:
    """Everything bad sets off every alert, nothing bad none, and neither does a little that is all bad."""
    name, rate = burning.objective.name, ceil(max(map(burning.needed, burning.pairs), default=60) / 60) + 1
    slo = {"slo": name}
    alerts = [(pair.long, burning.severity(pair)) for pair in burning.pairs] or [(ZERO_WINDOW, burning.severity())]
    every = [
        {"labels": selector("", {**slo, "window": window, "severity": severity.value}), "value": 1}
        for window, severity in alerts
    ]
    asked = _firing({"alertname": burning.alert, **slo}, "slo, window, severity")
    steady = f"0+{rate}x{_MINUTES}"
    yield _trial(f"{name}: everything goes wrong", _events(burning, steady, bad=True), asked, every, _MINUTES)
    yield _trial(f"{name}: nothing goes wrong", _events(burning, steady, bad=False), asked, [], _MINUTES)
    if burning.pairs:
        few = min(map(burning.needed, burning.pairs)) // 2
        once = f"0 {few}x{_MINUTES}"
        yield _trial(f"{name}: too few to judge by", _events(burning, once, bad=True), asked, [], 30)


def of_fault(fault: Fault) -> Iterator[Trial]:
    """The alert comes with its cause and does not come without."""
    asked = _firing({"alertname": fault.alert}, "alertname")
    one = [{"labels": selector("", {"alertname": fault.alert}), "value": 1}]
    yield _trial(f"{fault.alert}: its cause", fault.trial, asked, one, 12)
    yield _trial(f"{fault.alert}: without", fault.well, asked, [], 12)
    for counter in fault.trial if fault.counted else ():
        yield from _remembered(fault.alert, counter, asked, one)


def _remembered(name: str, counter: str, asked: str, answer: list[dict[str, Any]]) -> Iterator[Trial]:
    """Scrapes that failed are no fault; a counter that begins again while the collector is seen is one."""
    gap = {SHOWN: "1x2 stale _x5 1x60", counter: "5x2 stale _x5 5x60"}
    yield _trial(f"{name}: an old fault, and scrapes that failed", gap, asked, [], 20)
    again = {SHOWN: "1x60", counter: "1x2 stale _x5 1x60"}
    yield _trial(f"{name}: as many again after a restart", again, asked, answer, 20)


def of_alive() -> Trial:
    """The alert that always fires does so without any cause."""
    asked, one = _firing({"alertname": ALIVE}, "alertname"), {"labels": selector("", {"alertname": ALIVE}), "value": 1}
    return _trial(f"{ALIVE}: always", {}, asked, [one], 1)


def _events(burning: Burning, values: str, *, bad: bool) -> dict[str, str]:
    """The counters of so many events, all of them bad or none."""
    counting = burning.counting
    own = dict.fromkeys(counting.by, _ANY)
    events = {selector(counting.whole, {**counting.labels, **own}): values}
    part = selector(counting.part, {**counting.part_labels, **own})
    if counting.good != bad:
        events[part] = values if counting.good or burning.pairs else values.replace("0+", "_x5 1+", 1)
    elif not counting.appears:
        events[part] = f"0x{_MINUTES}"
    return events


def _firing(labels: Mapping[str, str], by: str) -> str:
    return f"max by ({by}) ({selector('ALERTS', {'alertstate': 'firing', **labels})})"


def _trial(name: str, series: Mapping[str, str], asked: str, answer: list[dict[str, Any]], minute: int) -> Trial:
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": key, "values": values} for key, values in series.items()],
        "promql_expr_test": [{"expr": asked, "eval_time": f"{minute}m", "exp_samples": answer}],
    }

"""Make a verdict again from its file alone, and say in what the two differ.

A verdict file is what ``--report json=FILE`` writes: every input of every verdict is in it, so a deployer, an auditor
or a later version of this program that reads these KPIs in the same way can check what was decided, without the store
it was decided on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from hybridobs.errors import ConfigError, LayoutError
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.stats import AnyTime, Looks, OneLook, Pairs, PlannedLooks, Rate, RememberedLooks, Worse
from hybridobs.slo import _check
from hybridobs.slo._gate import Comparison, Counted, Decision, Past, Side, concluded, decided, key_of, scored
from hybridobs.slo._inputs import all_unpacked, asked_about, judgement
from hybridobs.slo._promotion import Action, Plan, Seen, Stage, Step, decide_stage
from hybridobs.slo._told import told
from hybridobs.slo._told_gate import told_gate
from hybridobs.slo._told_promotion import stage_answer, told_promotion
from hybridobs.slo._tree import Place
from hybridobs.slo.objective import THE_SCORE, Objective, Part, Score, Trigger
from hybridobs.slo.outcome import Outcome, Severity
from hybridobs.slo.report import ENDED_WITH, FORMAT_VERSION, Report, as_json, command_ended
from hybridobs.slo.window import Span, Window

Facts = Mapping[str, Any]
_LOOKS = {rule.__name__: rule for rule in (OneLook, PlannedLooks, RememberedLooks, AnyTime)}
_CLOSE = 1e-9
# What is computed from the inputs; everything else in the file is an input, or where it came from.
_COMPUTED = (
    *("action", "outcome", "counts_as", "reason", "value", "low", "high"),
    *("n", "needed", "budget", "points", "parts", "judgement", "look"),
)
_OF_A_SIDE = ("value", "effect", "degrees")


def recomputed(text: str, file: str = "verdict.json") -> tuple[Report, list[str]]:
    """The verdict made again, and every difference from what the file says.

    ConfigError for a file that is damaged, no verdict, or kept in a layout that this version does not read.
    """
    found = _document(text, file)
    try:
        _same_definitions(found, file)
        report = _report(found)
        again = json.loads(as_json(report))
        return report, list(_differences(found, again))
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError, LayoutError) as error:
        way_out = f"is damaged, or of another version of the catalogue ({type(error).__name__}: {error})"
        raise ConfigError("file", file, way_out) from error


def _document(text: str, file: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ConfigError("file", file, f"is no JSON ({error}); write one with --report json=FILE") from error
    except RecursionError as error:
        raise ConfigError("file", file, "is damaged: it is nested too deep to be read") from error
    if not isinstance(found, dict) or found.get("kind") not in ("check", "gate", "promotion") or "entries" not in found:
        raise ConfigError("file", file, "is no verdict; write one with --report json=FILE")
    if found.get("format") != FORMAT_VERSION:
        raise ConfigError("file", file, f"has format {found.get('format')}; this hybridobs reads {FORMAT_VERSION}")
    return found


def _same_definitions(found: Facts, file: str) -> None:
    """What is read in another way now is left to the version that made the file."""
    for entry in found["entries"]:
        if "kpi" in entry and entry["definition"] != (ours := _definition(entry["kpi"])):
            here = f"hybridobs {version('hybridobs')} {f'as {ours!r}' if ours else 'knows no such KPI'}"
            what = f"reads {entry['kpi']} as {entry['definition']!r}, and {here}"
            raise ConfigError("file", file, f"{what}; {_way_out(found['hybridobs'])}")


def _definition(kpi: str) -> str | None:
    return asked_about(KPIS[kpi])["definition"] if kpi in KPIS else None


def _way_out(maker: str) -> str:
    if maker == version("hybridobs"):
        return "so it is damaged, or of another build of it"
    return f"recompute it with hybridobs {maker}, which made it"


def _report(found: Facts) -> Report:
    given: dict[str, Any] = {
        "subject": found["subject"],
        "store": found["store"],
        "now": found["now"],
        "allow": tuple(Outcome(word) for word in found["allowed"]),
        "digest": found["file_sha256"] or "",
    }
    if found["kind"] == "check":
        return _checked(found, given)
    if found["kind"] == "promotion":
        return _promotion(found, given)
    return _gate(found, given)


def _gate(found: Facts, given: Mapping[str, Any]) -> Report:
    comparison = _comparison(found)
    decisions = [_decision(entry, comparison) for entry in found["entries"] if entry["name"] != THE_SCORE]
    score = next((_score(entry, decisions) for entry in found["entries"] if entry["name"] == THE_SCORE), None)
    whole = scored(score, decisions) if score else None
    return told_gate(decisions, comparison, score=whole, memory=found["memory"], **given)


def _place(entry: Facts) -> Place:
    return Place(entry["file"] or "", entry["line"] or 0)


# --- objectives -----------------------------------------------------------------------------------------------
def _checked(found: Facts, given: Mapping[str, Any]) -> Report:
    """The command first, where one failed, and then every objective."""
    ended = [command_ended(entry[ENDED_WITH]) for entry in found["entries"] if ENDED_WITH in entry]
    report = told([_result(entry) for entry in found["entries"] if ENDED_WITH not in entry], **given)
    return replace(report, entries=(*ended, *report.entries))


def _result(entry: Facts) -> _check.Result:
    objective = Objective(
        entry["name"],
        KPIS[entry["kpi"]],
        Worse(entry["worse"]),
        entry["limit"],
        Window.named(entry["window"]),
        entry["where"],
        tuple(entry["group"]),
        entry["minimum_sample"],
        Severity(entry["severity"]),
        _place(entry),
    )
    span, inputs = Span(entry["since"], entry["until"]), entry["inputs"][0]
    fast = {name: all_unpacked(one) for name, one in inputs["fast"].items()}
    return _check.concluded(objective, all_unpacked(inputs["summaries"]), span, fast)._replace(group=entry["group"])


# --- gates ----------------------------------------------------------------------------------------------------
def _comparison(found: Facts) -> Comparison:
    entries = [entry for entry in found["entries"] if entry["name"] != THE_SCORE]
    return Comparison(
        found["candidate"],
        found["baseline"],
        found["where"],
        Span(found["since"], found["until"]),
        found["clusters"],
        found["independent_assumed"],
        _rule(found["looks"]),
        {key_of(_trigger(entry), entry["group"]): _past(entry["past"]) for entry in entries if entry["past"]},
    )


def _rule(found: Facts) -> Looks:
    given: dict[str, Any] = {name: math.inf if n is None else n for name, n in found.items() if name != "rule"}
    looks: Looks = _LOOKS[found["rule"]](**given)
    return looks


def _past(found: Facts) -> Past:
    return Past(tuple(found["shares"]), Outcome(found["outcome"]), found["reason"], judgement(found["judgement"]))


def _trigger(entry: Facts) -> Trigger:
    return Trigger(
        entry["name"],
        KPIS[entry["kpi"]],
        entry["limit"],
        entry["relative"],
        Severity(entry["severity"]),
        _place(entry),
        hard=entry["hard"],
        paired=Worse(entry["paired"]) if entry["paired"] else None,
    )


def _side(found: Facts) -> Side:
    return Side(all_unpacked(found["summaries"]), {})


def _decision(entry: Facts, comparison: Comparison) -> Decision:
    trigger = _trigger(entry)
    candidate, baseline = map(_side, entry["inputs"])
    decision = decided(trigger, entry["group"], comparison, candidate, baseline)
    if decision.judgement is not None:
        spread = tuple(_counted(one["clusters"].values()) for one in entry["inputs"])
        ours, theirs = ([], []) if entry["clustering_unknown"] or comparison.independent else spread
        decision = concluded(decision, comparison, (ours, theirs), unknown=entry["clustering_unknown"])
    reason = decision.reason or entry["reason"]  # why there is no data is no part of the inputs
    return decision._replace(reason=reason, hours=entry["hours"], left_out=entry["left_out"])


def _counted(clusters: Iterable[list[float]]) -> Counted:
    """Pairs where there are three numbers, events and trials where there are two."""
    found = list(clusters)
    return [Pairs(*three) for three in found] if found and len(found[0]) == 3 else [Rate(*pair) for pair in found]


def _score(entry: Facts, decisions: list[Decision]) -> Score:
    by_name = {decision.trigger.name: decision.trigger for decision in decisions}
    parts = [
        Part(part["name"], part["weight"], tuple(by_name[name] for name in part["triggers"])) for part in entry["parts"]
    ]
    return Score(tuple(parts), entry["enough"], entry["least"], Severity(entry["severity"]), _place(entry))


# --- promotions -----------------------------------------------------------------------------------------------
def _promotion(found: Facts, given: Mapping[str, Any]) -> Report:
    """The gates first, as they counted when the stage was decided, and then the step."""
    release, *entries = found["entries"]
    allow = tuple(Outcome(word) for word in release["allowed"])
    judged = _gate({**found, "entries": entries}, {**given, "allow": allow})
    severities = [Severity(word) for word in release["severities"]]
    counted = tuple(replace(e, severity=severity) for e, severity in zip(judged.entries, severities, strict=True))
    judged = replace(judged, entries=counted)
    plan = Plan(found["subject"], found["where"], tuple(_stage(one, release) for one in release["stages"]), "")
    seen = Seen(release["seconds"], release["calls"], release["compared"])
    number, gated = release["number"], release["gated"]
    if release["ended"]:
        step = Step(Action(release["action"]), Outcome(release["outcome"]), release["reason"])
    else:
        step = decide_stage(plan, number, *stage_answer(judged, gated=gated), seen)
    since, ended = release["stage_since"], release["ended"]
    return told_promotion(judged, plan, number, step, seen, since, gated=gated, ended=ended)


def _stage(one: Facts, release: Facts) -> Stage:
    labels = one["candidate"], one["against"]
    return Stage(
        one["name"], one["share"], *labels, one["minimum_time"], one["minimum_sample"], (), None, _place(release)
    )


# --- what differs ---------------------------------------------------------------------------------------------
def _differences(found: Facts, again: Facts) -> Iterator[str]:
    """Leaf by leaf; where there is one, another version of this program is one too, as it may judge otherwise."""
    leaves = list(_leaves(found, again))
    if leaves:
        yield from _differ("hybridobs", found["hybridobs"], again["hybridobs"])
    yield from leaves


def _leaves(found: Facts, again: Facts) -> Iterator[str]:
    for key in ("outcome", "exit_code", "headline", "warnings"):
        yield from _differ(key, found[key], again[key])
    for one, other in zip(found["entries"], again["entries"], strict=True):
        said, now = _computed(one), _computed(other)
        for key in dict.fromkeys((*said, *now)):
            yield from _differ(f"{one['name']}: {key}", said.get(key), now.get(key))


def _computed(entry: Facts) -> dict[str, Any]:
    return {**_some(entry, _COMPUTED), "inputs": [_some(side, _OF_A_SIDE) for side in entry.get("inputs", ())]}


def _some(found: Facts, keys: Iterable[str]) -> dict[str, Any]:
    return {key: found[key] for key in keys if key in found}


def _differ(where: str, said: Any, now: Any) -> Iterator[str]:
    """Every leaf in which the two differ; numbers may differ in the last bits."""
    if isinstance(said, dict) and isinstance(now, dict):
        for key in sorted({*said, *now}):
            yield from _differ(f"{where}.{key}", said.get(key), now.get(key))
    elif isinstance(said, list) and isinstance(now, list) and len(said) == len(now):
        for place, (one, other) in enumerate(zip(said, now, strict=True)):
            yield from _differ(f"{where}[{place}]", one, other)
    elif not _same(said, now):
        yield f"{where} is {said!r} in the file, and {now!r} from its inputs"


def _same(said: Any, now: Any) -> bool:
    if isinstance(said, float) or isinstance(now, float):
        numbers = isinstance(said, int | float) and isinstance(now, int | float)
        return numbers and math.isclose(said, now, rel_tol=_CLOSE, abs_tol=_CLOSE)
    return bool(said == now)

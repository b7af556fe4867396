"""``hybridobs slo recompute``: a verdict made again from its file alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest

from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.formula import Quantile
from hybridobs.kpi.kpi import Kpi
from hybridobs.slo._inputs import asked_about
from tests.slo.conftest import Fill, Run, Write, calls
from tests.slo.test_slo_gate import ALONE, BY_SITE, LATENCY, SIDES, side, update
from tests.slo.test_slo_paired import ALONE as PAIRED
from tests.slo.test_slo_paired import pairs
from tests.slo.test_slo_promote import BETA, PLAN, beta
from tests.slo.test_slo_score import SCORE, everything

ROOT = Path(__file__).parents[2]
SCHEMA: dict[str, Any] = json.loads((ROOT / "hybridobs" / "slo" / "verdict.schema.json").read_text())
OBJECTIVES = "objectives: [{kpi: latency_p95, target: 300ms}, {kpi: error_rate, target: 1%, by: version}]"
FLEET = (
    *everything("1.2.0"),
    *everything("1.3.0", slower=1.4),
    pairs(),
    update("verified"),
    side("1.2.0", sites=8, ago=4200),
    side("1.3.0", sites=8, ago=4200),
)
ASKED: dict[str, tuple[str, tuple[str, ...]]] = {
    "check": (OBJECTIVES, ("check", "slo.yaml")),
    "gate": (LATENCY, ("gate", "slo.yaml", *ALONE)),
    "usual": (LATENCY, ("gate", *ALONE, "--allow", "no-data")),
    "clusters": (LATENCY, ("gate", "slo.yaml", *BY_SITE)),
    "unknown": (LATENCY, ("gate", "slo.yaml", *SIDES)),
    "anytime": (LATENCY, ("gate", "slo.yaml", *ALONE, "--looks", "anytime:500")),
    "planned": (LATENCY, ("gate", "slo.yaml", *ALONE, "--looks", "planned:9000")),
    "remembered": (LATENCY, ("gate", "slo.yaml", *ALONE, "--looks", "planned:9000", "--id", "n")),
    "paired": (LATENCY, ("gate", *PAIRED)),
    "paired, remembered": (LATENCY, ("gate", *PAIRED, "--looks", "planned:9000", "--id", "p")),
    "score": (SCORE, ("gate", "slo.yaml", *ALONE)),
    "nothing": (LATENCY, ("gate", "slo.yaml", "--candidate", "version=9", "--baseline", "version=8")),
}


@pytest.fixture
def asked(run: Run, write: Write, fill: Fill) -> Callable[[str], Path]:
    """A verdict file by the name of a question; a second look, where looks are remembered."""

    def ask(name: str) -> Path:
        fill(*FLEET, lambda fold: calls(fold, [400] * 50))
        text, words = ASKED[name]
        write(text)
        for _ in range(2):
            run(*words, "--report", "json=verdict.json")
        return Path("verdict.json")

    return ask


@pytest.mark.parametrize("name", ASKED)
def test_the_same(run: Run, asked: Callable[[str], Path], name: str) -> None:
    """Every kind of verdict follows the schema, and its inputs say what it says: code 0."""
    file = asked(name)
    jsonschema.validate(json.loads(file.read_text()), SCHEMA)
    result = run("recompute", str(file))
    assert result.exit_code == 0 and "The same as in verdict.json." in result.stdout, result.stderr


@pytest.mark.parametrize("plan", [PLAN, PLAN.replace("gates: [latency_p95]", "gates: []")])
def test_a_promotion(run: Run, write: Write, fill: Fill, plan: str) -> None:
    """The step follows from the gates, the time and the sample in the file."""
    write(LATENCY)
    Path("plan.yaml").write_text(plan)
    fill(*beta())
    run("promote", "plan.yaml", *BETA, "--report", "json=verdict.json")
    jsonschema.validate(json.loads(Path("verdict.json").read_text()), SCHEMA)
    result = run("recompute", "verdict.json")
    assert result.exit_code == 0, result.stderr


def test_a_release_that_is_over(run: Run, write: Write, fill: Fill) -> None:
    """What ended it is all there is, and it is the same whenever it is asked for."""
    write(LATENCY)
    Path("plan.yaml").write_text(PLAN)
    fill(*beta(slower=9))
    for code in (1, 1):
        assert run("promote", "plan.yaml", *BETA, "--report", "json=verdict.json").exit_code == code
    assert run("recompute", "verdict.json").exit_code == 0


Change = Callable[[dict[str, Any]], object]
CHANGES: dict[str, tuple[Change, str]] = {
    "outcome": (lambda found: found["entries"][0].update(outcome="undecided"), "latency_p95: outcome is 'undecided'"),
    "answer": (lambda found: found.update(exit_code=4), "exit_code is 4 in the file"),
    "input": (lambda found: found["entries"][0].update(limit=0.9), "latency_p95: judgement.limit"),
    "warnings": (lambda found: found["warnings"].clear(), "warnings is []"),
    "effect": (lambda found: _side(found).update(effect=7.5), "latency_p95: inputs[0].effect is 7.5"),
    "value of a side": (lambda found: _side(found).update(value=1.0), "latency_p95: inputs[0].value is 1.0"),
    "bound": (lambda found: found["entries"][0]["judgement"]["bounds"].__setitem__(0, 1.0), "judgement.bounds[0]"),
}


def _side(found: dict[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = found["entries"][0]["inputs"][0]
    return one


@pytest.mark.parametrize(
    ("name", "key", "number"),
    [("check", "budget", "spent"), ("planned", "judgement", "z"), ("remembered", "look", "share")],
)
def test_another_number(run: Run, asked: Callable[[str], Path], name: str, key: str, number: str) -> None:
    """Whatever is computed is compared: here a budget, a critical value and the share of a plan."""
    file = asked(name)
    found = json.loads(file.read_text())
    next(entry[key] for entry in found["entries"] if entry.get(key))[number] = 9.0
    file.write_text(json.dumps(found))
    result = run("recompute", str(file))
    assert result.exit_code == 1 and f": {key}.{number} is 9.0" in result.stderr and "1 difference." in result.stderr


def test_burn_rates_are_made_again(run: Run, write: Write, fill: Fill) -> None:
    """What was seen in the shorter windows is in the file too."""
    fill(lambda fold: calls(fold, [10] * 500, failed=3), lambda fold: calls(fold, [10] * 500, ago=20_000, failed=9))
    run("check", write("objectives: [{kpi: error_rate, target: 1%, window: 7d}]"), "--report", "json=verdict.json")
    found = json.loads(Path("verdict.json").read_text())
    assert found["entries"][0]["budget"]["burn"] == pytest.approx({"1h": 0.6, "6h": 1.2, "7d": 1.2})
    assert run("recompute", "verdict.json").exit_code == 0
    found["entries"][0]["budget"]["burn"]["1h"] = 0.0
    Path("verdict.json").write_text(json.dumps(found))
    assert "budget.burn.1h is 0.0" in run("recompute", "verdict.json").stderr


@pytest.mark.parametrize("name", CHANGES)
def test_not_what_the_file_says(run: Run, asked: Callable[[str], Path], name: str) -> None:
    """A changed verdict, or changed inputs, are told apart leaf by leaf: code 1."""
    file = asked("gate")
    found = json.loads(file.read_text())
    change, says = CHANGES[name]
    change(found)
    file.write_text(json.dumps(found))
    result = run("recompute", str(file))
    assert result.exit_code == 1 and says in result.stderr and "Not what verdict.json says" in result.stderr


def test_another_version_made_it(run: Run, asked: Callable[[str], Path]) -> None:
    """It may have judged otherwise, so it is told where there is a difference, and is none by itself."""
    file = asked("gate")
    found = json.loads(file.read_text())
    _older(found)
    file.write_text(json.dumps(found))
    assert run("recompute", str(file)).exit_code == 0
    _older(found, outcome="undecided")
    file.write_text(json.dumps(found))
    result = run("recompute", str(file))
    assert result.exit_code == 1 and "hybridobs is '0.0.1' in the file" in result.stderr


DAMAGED: dict[str, tuple[Change, str]] = {
    "histogram": (lambda found: _summary(found).update(hist="00"), "is damaged"),
    "no hex": (lambda found: _summary(found).update(hist="xy"), "is damaged"),
    "layout": (lambda found: _summary(found).update(layout=1), "another version of the catalogue"),
    "kpi": (lambda found: found["entries"][0].update(kpi="none"), "knows no such KPI; so it is damaged"),
    "no name": (lambda found: found["entries"][0].update(kpi=[]), "is damaged"),
    "key": (lambda found: found["entries"][0].pop("inputs"), "is damaged"),
    "format": (lambda found: found.update(format=99), "has format 99"),
    "kind": (lambda found: found.update(kind="else"), "is no verdict"),
    "definition": (lambda found: found["entries"][0].update(definition="x"), "reads latency_p95 as 'x', and hybridobs"),
    "no definition": (lambda found: found["entries"][0].pop("definition"), "is damaged"),
    "older": (lambda found: _older(found, definition="x"), "with hybridobs 0.0.1, which made it"),
}


def _older(found: dict[str, Any], **entry: str) -> None:
    found["hybridobs"] = "0.0.1"
    found["entries"][0].update(entry)


def _summary(found: dict[str, Any]) -> dict[str, Any]:
    one: dict[str, Any] = found["entries"][0]["inputs"][0]["summaries"]["inference.duration"]
    return one


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged(run: Run, asked: Callable[[str], Path], name: str) -> None:
    """What cannot be read ends with code 2 and says why."""
    file = asked("gate")
    found = json.loads(file.read_text())
    change, says = DAMAGED[name]
    change(found)
    file.write_text(json.dumps(found))
    result = run("recompute", str(file))
    assert result.exit_code == 2 and says in result.stderr and result.stderr.count("\n") == 1


def test_a_number_out_of_range(run: Run, asked: Callable[[str], Path]) -> None:
    """A limit with which nothing can be computed is one that was never asked for."""
    file = asked("paired")
    found = json.loads(file.read_text())
    found["entries"][0]["limit"] = 1e308
    file.write_text(json.dumps(found))
    result = run("recompute", str(file))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1) and "is damaged" in result.stderr


def test_nested_too_deep(run: Run, write: Write) -> None:
    """A file of brackets alone is damaged too, and no fault of this program."""
    result = run("recompute", write("[" * 100_000))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1) and "is damaged" in result.stderr


@pytest.mark.parametrize(("text", "says"), [("{", "is no JSON"), ("[]", "is no verdict"), ("{}", "is no verdict")])
def test_no_verdict(run: Run, write: Write, text: str, says: str) -> None:
    """Any other file is refused with the way to make one."""
    result = run("recompute", write(text))
    assert result.exit_code == 2 and says in result.stderr and "--report json=FILE" in result.stderr


def test_what_made_it(run: Run, asked: Callable[[str], Path]) -> None:
    """Program, names, how its KPI is read, and the SHA-256 of the SLO file stand in every verdict."""
    found = json.loads(asked("gate").read_text())
    assert len(found["file_sha256"]) == 64 and found["hybridobs"] and found["contract"]
    assert len(found["entries"][0]["definition"]) == 8


def test_no_two_kpis_are_read_alike() -> None:
    """Each has a fingerprint of its own."""
    assert len({asked_about(kpi)["definition"] for kpi in KPIS.values()}) == len(KPIS)


def test_words_are_no_part_of_a_definition() -> None:
    """A KPI is read in the same way after somebody explained it better, and in another way at another rank."""
    kpi = KPIS["latency_p95"]
    formula = cast(Quantile, kpi.formula)
    reworded = replace(kpi, brief="", formula=replace(formula, measure=replace(formula.measure, brief="")))
    assert asked_about(reworded) == asked_about(kpi)
    assert asked_about(replace(kpi, formula=replace(formula, q=0.96))) != asked_about(kpi)


def test_a_catalogue_that_grew(
    run: Run, asked: Callable[[str], Path], catalogue: dict[str, Kpi], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later version with other KPIs and measures makes the same verdict of an older file again."""
    file = asked("gate")
    catalogue["other"] = replace(catalogue.pop("accuracy"), id="other")
    monkeypatch.setitem(MEASURES, "other", replace(MEASURES["inference.duration"], name="other"))
    assert run("recompute", str(file)).exit_code == 0


def test_the_schemas_are_printed(run: Run) -> None:
    """``hybridobs slo schema verdict`` and ``plan`` print what is shipped."""
    assert json.loads(run("schema", "verdict").stdout) == SCHEMA
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    plan = json.loads(run("schema", "plan").stdout)
    assert plan == json.loads((ROOT / "hybridobs" / "slo" / "plan.schema.json").read_text())

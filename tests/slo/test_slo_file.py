"""SLO files: what they may say, and errors that point at file, line and key."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from hybridobs.errors import ConfigError
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Kpi
from hybridobs.slo import SloFile, load, loads
from hybridobs.slo.objective import paired_comparable, pairwise
from tests.slo.conftest import Run, Write

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "slo.yaml"
SCHEMA: dict[str, Any] = json.loads((ROOT / "hybridobs" / "slo" / "schema.json").read_text())

WRONG = {
    "a key that is none": ("objectives:\n  - kip: calls", "slo.yaml:2:kip='calls'", "did you mean 'kpi'"),
    "a KPI that is none": ("objectives:\n  - kpi: latency_p59", "slo.yaml:2:kpi='latency_p59'", "'latency_p95'"),
    "a template that is none": ("objectives:\n  - template: speech", "slo.yaml:2:template='speech'", "voice"),
    "a mean latency": ("objectives:\n  - {kpi: latency_mean, target: 300ms}", "slo.yaml:2:kpi=", "one call in twenty"),
    "no KPI": ("objectives:\n  - target: 5%", "slo.yaml:2:objectives=", "names no KPI"),
    "no target": ("objectives:\n  - kpi: latency_p95", "slo.yaml:2:objectives=", "one of: target, at_most, at_least"),
    "two targets": ("objectives:\n  - {kpi: calls, at_most: 5, at_least: 1}", "slo.yaml:2:", "one of: target"),
    "KPI and template": ("objectives:\n  - {kpi: calls, template: voice}", "slo.yaml:2:kpi='calls'", "leave one"),
    "a target without side": (
        "objectives:\n  - {kpi: calls, target: 5}",
        "slo.yaml:2:target='5'",
        "at_most or at_least",
    ),
    "the wrong side": ("objectives:\n  - {kpi: error_rate, at_least: 5%}", "slo.yaml:2:at_least=", "less is better"),
    "a time without unit": ("objectives:\n  - {kpi: latency_p95, target: 300}", ":target='300'", "for example 300ms"),
    "a unit that is none": (
        "objectives:\n  - {kpi: latency_p95, target: 3km}",
        "slo.yaml:2:target='3km'",
        "ns, us, µs, ms",
    ),
    "no number": ("objectives:\n  - {kpi: latency_p95, target: fast}", ":target='fast'", "is not a number"),
    "a share above one": ("objectives:\n  - {kpi: accuracy, target: 95}", ":target='95'", "from 0% to 100%"),
    "another unit": ("objectives:\n  - {kpi: retrainings, at_most: 3 dogs}", ":at_most='3 dogs'", "but this is in run"),
    "a window that is none": ("objectives:\n  - {kpi: calls, at_least: 1, window: week}", ":window='week'", "24h, 7d"),
    "a label that is none": (
        "objectives:\n  - kpi: calls\n    where: {teir: x}\n    at_least: 1",
        "slo.yaml:3:teir=",
        "'tier'",
    ),
    "a label of others": (
        "objectives:\n  - {kpi: calls, by: phase, at_least: 1}",
        ":by='phase'",
        "calls has no such label",
    ),
    "a tier that is none": ("tiers:\n  edge: []", "slo.yaml:2:edge=", "Choose of: device, site, cloud"),
    "a tier said twice": (
        "tiers:\n  site: [{kpi: calls, where: {tier: x}, at_least: 1}]",
        "slo.yaml:2:tier=",
        "already",
    ),
    "a severity that is none": ("objectives:\n  - {kpi: calls, at_least: 1, severity: red}", ":severity='red'", "page"),
    "below zero": ("objectives:\n  - {kpi: latency_p95, target: -300ms}", ":target='-300ms'", "is below zero"),
    "beyond all numbers": ("objectives:\n  - {kpi: latency_p95, target: 1e999 s}", ":target='1e999 s'", "too large"),
    "another currency": (
        "objectives:\n  - {kpi: cost_per_call, target: 1 EUR, where: {currency: USD}}",
        ":target='1 EUR'",
        "'where' says currency: USD",
    ),
    "per cent of a difference": (
        "paired:\n  - {kpi: shadow_error_difference, target: 1%}",
        ":target='1%'",
        "write points, for example 1pp",
    ),
    "too far apart": ("gates:\n  - {kpi: error_rate, limit: {abs: 500pp}}", ":abs='500pp'", "further apart"),
    "a limit without end": (f"gates:\n  - {{kpi: error_rate, limit: {{rel: {'9' * 400}%}}}}", ":rel=", "write rel: 5%"),
    "a sample without end": (
        f"objectives:\n  - {{kpi: calls, at_least: 1, minimum_sample: {'9' * 5000}}}",
        ":minimum_sample=",
        "1 or more",
    ),
    "a sample of 16 digits": (
        f"objectives:\n  - {{kpi: calls, at_least: 1, minimum_sample: {10**15}}}",
        ":minimum_sample=",
        "15 digits at most",
    ),
    "no sample": ("objectives:\n  - {kpi: calls, at_least: 1, minimum_sample: 0}", ":minimum_sample='0'", "1 or more"),
    "two of a name": (
        "objectives:\n  - {kpi: calls, at_least: 1}\n  - {kpi: calls, at_most: 9}",
        "slo.yaml:3:name='calls'",
        "line 2",
    ),
    "a key twice": ("objectives:\n  - kpi: calls\n    kpi: calls", "slo.yaml:3:kpi='calls'", "also on line 2"),
    "a list that is none": ("objectives: 5", "slo.yaml:1:objectives='5'", "give a list"),
    "a mapping that is none": ("objectives: [5]", "slo.yaml:1:objectives='5'", "give a mapping"),
    "a value that is a list": ("objectives: [{kpi: [calls]}]", "slo.yaml:1:kpi='a sequence'", "give one value"),
    "a version to come": ("version: 2\nobjectives: []", "slo.yaml:1:version='2'", "reads version 1"),
    "no promise": ("version: 1", "slo.yaml:1:", "promises nothing"),
    "nothing": ("", "slo.yaml:1:objectives=", "the file is empty"),
    "no YAML": ("objectives:\n  - {kpi: calls", "slo.yaml:2:yaml=", "mend this line"),
    "a control character": ("a: \x07", "slo.yaml:1:yaml=", "is no YAML"),
    "a limit not spelled out": ("gates:\n  - {kpi: error_rate, limit: 5%}", "slo.yaml:2:limit='5%'", "'abs: 5pp'"),
    "two limits": ("gates:\n  - {kpi: error_rate, limit: {rel: 5%, abs: 5pp}}", "slo.yaml:2:limit=", "'rel: 5%'"),
    "points that are relative": ("gates:\n  - {kpi: error_rate, limit: {rel: 5pp}}", ":rel='5pp'", "write rel: 5%"),
    "per cent that are absolute": ("gates:\n  - {kpi: error_rate, limit: {abs: 5%}}", ":abs='5%'", "write abs: 5pp"),
    "per cent of a time": ("gates:\n  - {kpi: latency_p95, limit: {abs: 5%}}", ":abs='5%'", "write rel: 30%"),
    "points of a time": ("gates:\n  - {kpi: latency_p95, limit: {abs: 5pp}}", ":abs='5pp'", "has no points"),
    "all of it": ("gates:\n  - {kpi: accuracy, limit: {rel: 100%}}", ":rel='100%'", "cannot be lost"),
    "a gate on a sum": ("gates:\n  - {kpi: cost_total, limit: {rel: 5%}}", ":kpi='cost_total'", "compare luck"),
    "a gate on pairs": (
        "gates:\n  - {kpi: shadow_error_difference, limit: {abs: 1pp}}",
        ":kpi='shadow_error_difference'",
        "put it under 'paired'",
    ),
    "a gate on a mean": ("gates:\n  - {kpi: latency_mean, limit: {rel: 5%}}", ":kpi='latency_mean'", "is a mean"),
    "a gate on what is no breach": (
        "gates:\n  - {kpi: edge_share, limit: {rel: 5%}}",
        ":kpi='edge_share'",
        "nothing can be a breach",
    ),
    "a gate on all time": (
        "gates:\n  - {kpi: delivery_completeness, limit: {abs: 1pp}}",
        ":kpi='delivery_completeness'",
        "is of all time",
    ),
    "a gate without limit": ("gates:\n  - {kpi: error_rate}", "slo.yaml:2:gates=", "limit: {rel: 30%}"),
}


@pytest.mark.parametrize(("text", "where", "way_out"), WRONG.values(), ids=WRONG)
def test_errors(run: Run, write: Write, text: str, where: str, way_out: str) -> None:
    """A wrong file ends with code 2 and one line: file, line, key, value and the way out."""
    result = run("check", write(text), "--store", "sqlite:///unused.db")
    assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1
    assert where in result.stderr and way_out in result.stderr


def test_a_file_that_cannot_be_read(run: Run, write: Write) -> None:
    """A file that is no text is an error that names it."""
    Path(write("")).write_bytes(b"\xff\xfe\x00")
    result = run("check", "slo.yaml")
    assert result.exit_code == 2 and "slo.yaml" in result.stderr and "cannot be read" in result.stderr


def test_without_yaml(run: Run, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the YAML library the error is the command that installs it."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    result = run("check", write("version: 1"))
    assert result.exit_code == 2 and "pip install 'hybridobs[collector]'" in result.stderr


def test_a_file_that_turns_in_circles(run: Run, write: Write) -> None:
    """An alias to its own parent is an error, not an endless loop."""
    result = run("check", write("objectives: &all [*all]"))
    assert result.exit_code == 2 and "slo.yaml:1:" in result.stderr


def test_a_target_in_a_currency_is_about_that_currency() -> None:
    """What is paid in USD says nothing about a promise in EUR."""
    euro, any_of_them = loads(
        "objectives: [{kpi: cost_per_call, target: 0.02 EUR}, {kpi: cost_total, target: 9}]"
    ).objectives
    assert (euro.where, euro.target) == ({"currency": "EUR"}, "at most 0.02 EUR")
    assert any_of_them.where == {}


def test_gates_alone_are_not_checked(run: Run, write: Write) -> None:
    """A file with gates only has nothing to check."""
    result = run("check", write("gates: [{kpi: error_rate, limit: {abs: 5pp}}]"))
    assert result.exit_code == 2 and "hybridobs slo gate" in result.stderr


def test_example() -> None:
    """The example is a file of both kinds."""
    example = load(EXAMPLE)
    assert len(example.objectives) == 5 and len(example.triggers) == 3


# --- the schema -----------------------------------------------------------------------------------------------------
def test_schema_is_printed(run: Run) -> None:
    """``hybridobs slo schema`` prints what is shipped, a valid JSON Schema."""
    assert json.loads(run("schema").stdout) == SCHEMA
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("kpi", [kpi for kpi in KPIS.values() if paired_comparable(kpi)], ids=lambda kpi: kpi.id)
def test_schema_accepts_what_pairs_are_judged_by(kpi: Kpi) -> None:
    """Every KPI of pairs that the reader takes."""
    text = f"paired: [{{kpi: {kpi.id}, target: {'50ms' if kpi.unit == 's' else '1pp' if kpi.is_difference else '5%'}}}]"
    assert loads(text).paired
    jsonschema.validate(yaml.safe_load(text), SCHEMA)


def test_schema_accepts_the_example() -> None:
    """An editor finds nothing wrong with the example."""
    jsonschema.validate(yaml.safe_load(EXAMPLE.read_text()), SCHEMA)


# What no schema can see: other places of the file, the labels of one KPI, numbers inside a text, and the text itself.
ONLY_READ = {
    "a label of others",
    "all of it",
    "another currency",
    "beyond all numbers",
    "a tier said twice",
    "too far apart",
    "two of a name",
}
NO_YAML = {"a control character", "no YAML", "nothing", "a sample without end"}


def is_in_schema(text: str) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("name", [name for name in WRONG if name not in NO_YAML])
def test_schema_refuses(name: str) -> None:
    """Whatever can be seen without knowing another place of the file the editor underlines already."""
    assert is_in_schema(WRONG[name][0]) is (name in ONLY_READ)


def is_read(text: str) -> bool:
    try:
        return bool(loads(text))
    except ConfigError:
        return False


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("objectives: [{kpi: calls, at_least: 1, where: {version: true}}]", True),
        ("objectives: [{kpi: calls, at_least: 1, where: {version: 1.20}}]", True),
        ("objectives: [{kpi: calls, at_least: 1, where: {version: ''}}]", False),
        ("objectives: [{kpi: calls, at_least: 1, minimum_sample: '100'}]", True),
        ("objectives: [{kpi: calls, at_least: 1, minimum_sample: '0'}]", False),
        ("{version: '1', objectives: [{kpi: calls, at_least: 1}]}", True),
        ("objectives: [{template: voice}]", True),
        ("objectives: [{template: voice, target: 90ms}]", True),
        ("objectives: [{template: voice, at_least: 90ms}]", False),
        ("objectives: [{template: voice, target: 90ms, at_most: 90ms}]", False),
        ("objectives: [{template: voice, target: 90%}]", False),
        ("gates: [{kpi: ota_verified_share, hard: true}]", True),
        ("gates: [{kpi: ota_verified_share, hard: 'true'}]", True),
        ("gates: [{kpi: ota_verified_share, hard: false}]", False),
        ("gates: [{kpi: ota_verified_share, hard: false, limit: {abs: 1pp}}]", True),
        ("gates: [{kpi: ota_verified_share, hard: true, limit: {abs: 1pp}}]", False),
        ("gates: [{kpi: latency_p95, hard: true}]", False),
        ("gates: [{kpi: latency_p95, limit: {rel: 1234567%}}]", False),
        ("paired: [{kpi: shadow_agreement, at_most: 98%}]", False),
        ("paired: [{kpi: shadow_agreement, target: 98ms}]", False),
        ("score: {parts: {a: {weight: '40', gates: [{kpi: error_rate, limit: {abs: 5pp}}]}}, pass: '60'}", True),
        ("score: {parts: {a: {weight: 0, gates: [{kpi: error_rate, limit: {abs: 5pp}}]}}}", False),
        ("score: {parts: {a: {weight: 40, gates: [{kpi: error_rate, limit: {abs: 5pp}}]}}, fail: 101}", False),
    ],
)
def test_schema_and_reader_say_the_same(text: str, good: bool) -> None:
    """With quotes and without, and of what one key says about another."""
    assert (is_read(text), is_in_schema(text)) == (good, good)


AMOUNTS = (
    *("0", "1", "5", "'5'", "0.5", "'0.5'", "'1.0'", "-1", "5%", "+5 %", "99.95%", "100%", "100.1%", "500%", "1pp"),
    *("-1pp", "300ms", "-300ms", "2 h", "1e3 s", "1_0 s", ".5s", "20mJ", "5MB", "5 MB", "1 USD", "-1 USD", "1 Usd"),
    *("3 dogs", "1 run", "1 mA.h/d", "fast"),
)


@pytest.mark.parametrize("kpi", {(one.unit, one.direction, pairwise(one)): one for one in KPIS.values()}.values())
@pytest.mark.parametrize("key", ["target", "at_most", "at_least"])
def test_schema_and_reader_say_the_same_of_an_amount(kpi: Kpi, key: str) -> None:
    """Of every unit, every better side and every way to write a limit."""
    for amount in AMOUNTS:
        text = f"objectives: [{{kpi: {kpi.id}, {key}: {amount}}}]"
        assert is_read(text) is is_in_schema(text), text


def test_every_template_is_at_an_exact_edge() -> None:
    """A template is never undecided: its limit is counted exactly."""
    slo: SloFile = loads(
        "objectives: ["
        + ", ".join(f"{{template: {name}}}" for name in ("immediate", "interaction", "voice", "vision", "generation"))
        + "]"
    )
    assert [round(o.limit * 1000) for o in slo.objectives] == [150, 300, 100, 50, 2000]
    assert all(o.kpi.formula.measures[0].edge(o.limit) >= 0 for o in slo.objectives)

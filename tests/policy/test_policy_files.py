"""What a policy file and a flag file may say, and what is refused at its line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from hybridobs.cli import main
from hybridobs.slo.policy import loads, schema
from tests.policy.conftest import BY_SITE, COST_CAP, NOW, Evaluate, Fill


@pytest.mark.parametrize("text", [COST_CAP, BY_SITE])
def test_what_is_read_is_in_the_schema(text: str) -> None:
    """The schema that editors complete from takes what the reader takes."""
    jsonschema.validate(yaml.safe_load(text), schema())
    assert loads(text)


def test_the_command_prints_the_schema() -> None:
    """For an editor."""
    printed = CliRunner().invoke(main, ["policy", "schema"])
    assert json.loads(printed.output) == schema()


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("policies:", "polices:", "did you mean 'policies'"),
        ("id: cost-cap", "id: Cost Cap", "small letters"),
        ("    default: cloud\n", "", "'default' is missing"),
        ("default: cloud", "default: cluod", "did you mean 'cloud'"),
        ("local: false", "local: words", "all true or false"),
        ("use: local", "use: locla", "did you mean 'local'"),
        ("kpi: cost_total,", "kpi: cost_tolat,", "did you mean"),
        ("kpi: cost_total,", "kpi: delivery_completeness,", "of all time"),
        ("kpi: cost_total,", "", "names no KPI"),
        ("at_least: 100 USD,", "", "one of: at_least, at_most"),
        ("at_least: 100 USD", "at_least: much", "is not a number"),
        ("window: 1h", "window: 1y", "no window"),
        ("currency: USD}", "colour: red}", "no such label"),
        ("at_most: 90 USD", "at_most: 110 USD", "good side"),
        ("at_most: 90 USD", "at_least: 90 USD", "no such key"),
        ("at_least: 100 USD", "at_least: 100 EUR", "'where' says currency: USD"),
        ("at_most: 90 USD", "at_most: 90 EUR", "'where' says currency: USD"),
        ("hold: 15m", "hold: day", "length of time"),
        ("    rules:", "    by: colour\n    rules:", "no such label"),
        ("policies:", "version: 2\npolicies:", "reads version 1"),
        (COST_CAP, "version: 1", "says nothing"),
        (COST_CAP, "", "policy.yaml:1:policies='': the file is empty; give it a list of policies"),
        (COST_CAP, COST_CAP.split("    rules:")[0] + "    rules: []\n", "without a rule the flag never changes"),
        ("kpi: cost_total,", "kpi: latency_mean,", "is a mean"),
        (COST_CAP, COST_CAP + COST_CAP.split("policies:\n")[1].replace("cost-cap", "other"), "this flag"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_at_its_line(
    fill: Fill, evaluate: Evaluate, old: str, new: str, word: str
) -> None:
    """Code 2, with file, line, key and the way out."""
    assert old in COST_CAP
    said = evaluate(COST_CAP.replace(old, new, 1), NOW)
    assert said.exit_code == 2 and re.match(r"Error: policy\.yaml:\d+:", said.stderr), said.stderr
    assert word in said.stderr


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "no JSON"),
        ("[]", "no file of flagd"),
        ('{"flags": {"cloud_offload": {"variants": {}}}}', "nobody here"),
        ('{"flags": {"cloud_offload": {"metadata": ["hybridobs.policy"]}}}', "nobody here"),
        ('{"flags": {"cloud_offload": {"metadata": {"hybridobs.policy": "cost-cap"}}}}', "damaged"),
        (
            '{"flags": {"cloud_offload": {"metadata": '
            '{"hybridobs.policy": "cost-cap", "hybridobs.state": "[]", "hybridobs.untold": "[1]"}}}}',
            "damaged",
        ),
    ],
)
def test_a_flag_file_that_is_not_ours_is_left_alone(
    fill: Fill, evaluate: Evaluate, tmp_path: Path, text: str, word: str
) -> None:
    """It is named with the way out, and not a byte of it changes."""
    fill(NOW - 600, cost=104)
    (tmp_path / "flags.json").write_text(text)
    said = evaluate(COST_CAP, NOW)
    assert (said.exit_code, word in said.output) == (2, True)
    assert (tmp_path / "flags.json").read_text() == text


def test_another_set_of_labels_begins_anew(fill: Fill, evaluate: Evaluate) -> None:
    """A file that is edited does not keep what its groups were; it keeps working."""
    fill(NOW - 600, seconds=0.5)
    evaluate(BY_SITE, NOW)
    again = evaluate(BY_SITE.replace("[site]", "[site, model]"), NOW)
    assert (again.exit_code, "site=berlin, model=digits" in again.output) == (0, True)


def test_a_folder_that_is_not_there_is_named(fill: Fill, evaluate: Evaluate) -> None:
    """Nothing is decided in secret."""
    fill(NOW - 600, cost=104)
    said = evaluate(COST_CAP, NOW, "--flags", "nowhere/flags.json")
    assert (said.exit_code, "cannot be written" in said.output) == (2, True)

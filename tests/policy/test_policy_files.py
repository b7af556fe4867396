"""What a policy file and a flag file may say, and what is refused at its line."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from hybridobs.cli import main
from hybridobs.errors import ConfigError
from hybridobs.slo.policy import loads, schema
from tests.policy.conftest import BY_SITE, COST_CAP, NOW, Evaluate, Fill

EXAMPLE = (Path(__file__).parents[2] / "examples" / "policy.yaml").read_text()


@pytest.mark.parametrize("text", [COST_CAP, BY_SITE, EXAMPLE])
def test_what_is_read_is_in_the_schema(text: str) -> None:
    """The schema that editors complete from takes what the reader takes."""
    jsonschema.validate(yaml.safe_load(text), schema())
    assert loads(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("at_least: 100 USD, ", ""),
        ("at_least: 100 USD", "at_least: 100 USD, at_most: 9 USD"),
        ("at_least: 100 USD", "at_least: 100 usd"),
        ("hold: 15m", "hold: day"),
        ("hold: 15m", "without_data: maybe"),
    ],
)
def test_what_is_refused_is_not_in_the_schema(old: str, new: str) -> None:
    """An editor underlines it before it is run."""
    text = COST_CAP.replace(old, new)
    assert not jsonschema.Draft202012Validator(schema()).is_valid(yaml.safe_load(text))
    with pytest.raises(ConfigError):
        loads(text)


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
        ("local: false", "local: 0.5", "all true or false"),
        ("cloud: true, local: false", "cloud: 1.5, local: NaN", "all true or false"),
        ("cloud: true, local: false", "cloud: 1.5, local: 1e999", "all true or false"),
        ("cloud: true, local: false", f"cloud: 1, local: {'9' * 400}", "all true or false"),
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
        ("hold: 15m", "hold: day", "give a length of time, for example 15m, 24h or 7d\n"),
        ("hold: 15m", "without_data: maybe", "Choose of: stay, leave"),
        ("hold: 15m", "hold: soon", "give a length of time, for example 15m, 24h or 7d\n"),
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


def test_a_link_stays_one(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """The file that it names is written: flagd reads that one."""
    (tmp_path / "served").mkdir()
    (tmp_path / "flags.json").symlink_to("served/flags.json")
    fill(NOW - 600, cost=104)
    assert evaluate(COST_CAP, NOW).exit_code == 0
    assert (tmp_path / "flags.json").is_symlink()
    assert "cloud_offload" in json.loads((tmp_path / "served" / "flags.json").read_text())["flags"]


def _mounted(_: Path, __: object) -> None:
    raise OSError(errno.EBUSY, "Device or resource busy")


@pytest.mark.parametrize("where", ["mounted", "in a directory of others"])
def test_a_file_that_cannot_be_replaced_is_written_in_place(
    fill: Fill, evaluate: Evaluate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """A single file in a container; the longer text that it held is gone to its end, and nothing lies beside it."""
    file = tmp_path / "flags.json"
    file.write_text('{"flags": {}}' + 5000 * " ")
    before = file.stat().st_ino
    if where == "mounted":
        monkeypatch.setattr(Path, "replace", _mounted)
    else:
        monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path)
    fill(NOW - 600, cost=104)
    assert evaluate(COST_CAP, NOW).exit_code == 0
    assert "cloud_offload" in json.loads(file.read_text())["flags"] and file.stat().st_size < 2000
    assert (file.stat().st_ino, list(tmp_path.glob(".*"))) == (before, [])


def test_what_a_killed_run_left_is_not_in_the_way(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """In a container every run has the same process id."""
    (tmp_path / f".hybridobs-{os.getpid()}.part").write_text("half")
    fill(NOW - 600, cost=104)
    assert evaluate(COST_CAP, NOW).exit_code == 0

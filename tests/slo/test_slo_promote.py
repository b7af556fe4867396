"""``hybridobs slo promote``: a release through its stages, through the real command."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from hybridobs import contract
from hybridobs.cli import main
from hybridobs.contract import Labels
from hybridobs.kpi.event import Event
from hybridobs.kpi.fold import Fold
from hybridobs.slo import plan_schema
from hybridobs.store import Memory, Store
from tests.slo.conftest import NOW, Fill, Write
from tests.slo.test_slo_gate import LATENCY

PLAN = """
version: 1
slo: slo.yaml
where: {model: digits}
stages:
  - name: beta
    share: 1%
    candidate: {channel: beta}
    against: {channel: stable}
    minimum_time: 2h
    minimum_sample: 1000
    gates: [latency_p95]
  - name: canary
    share: 10%
    candidate: {channel: canary}
    minimum_sample: 500
  - {name: stable, share: 100%, gates: []}
"""
BETA = ("--version", "1.3.0", "--baseline", "1.2.0", "--assume-independent")
HOUR = 3600

Ask = Callable[..., Result]


def calls(version: str, channel: str, *, at: int, slower: float = 1.0, n: int = 1000) -> Callable[[Fold], None]:
    draw = random.Random(f"{version} {channel}")
    labels = Labels("device", "store-1", "till", "digits", version, "control", channel)

    def add(fold: Fold) -> None:
        for _ in range(n):
            duration = int(slower * draw.lognormvariate(3, 0.5) * 1e6)
            fold.add(Event(contract.EventKind.INFERENCE, at * 10**9, labels, duration, True))

    return add


def beta(*, slower: float = 1.0, n: int = 1000, at: int = NOW) -> list[Callable[[Fold], None]]:
    return [calls("1.2.0", "stable", at=at, n=n), calls("1.3.0", "beta", at=at, slower=slower, n=n)]


@pytest.fixture
def ask(write: Write) -> Ask:
    """Ask so many s after the first question; the plan and its SLO file are there."""
    write(LATENCY)
    Path("plan.yaml").write_text(PLAN)

    def call(after: int, *words: str) -> Result:
        now = datetime.fromtimestamp(NOW + after, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        given = ["slo", "promote", "plan.yaml", *BETA, "--now", now, *words]
        return CliRunner().invoke(main, given, prog_name="hybridobs")

    return call


def listed() -> str:
    return CliRunner().invoke(main, ["slo", "promotions", "list"]).stdout


def test_a_version_that_becomes_slow_while_its_time_runs(ask: Ask, fill: Fill) -> None:
    """The sample of the stage is complete at the first question, and the stage goes on watching."""
    fill(*beta(n=2000))
    assert ask(0).exit_code == 4
    fill(*beta(slower=9, n=4000, at=NOW + HOUR))
    assert (later := ask(HOUR + 60)).exit_code == 1, later.stdout
    assert later.stdout.startswith("ROLL BACK: at beta (1 %)") and "after the plan was full" in later.stdout


def test_from_beta_to_done(ask: Ask, fill: Fill) -> None:
    """Each stage has its time, its calls and its gates; then the next one begins."""
    fill(*beta())
    assert (first := ask(0)).exit_code == 4 and first.stdout.startswith("HOLD: at beta (1 %): 0 of 2 hours")
    second = ask(2 * HOUR)
    assert second.exit_code == 0
    assert second.stdout.startswith("PROMOTE: from beta to canary (10 %): every gate is passed")
    assert (third := ask(2 * HOUR)).exit_code == 3 and "HOLD: at canary (10 %): 0 of 500 calls" in third.stdout
    at = NOW + 2 * HOUR
    fill(calls("1.2.0", "stable", at=at), calls("1.3.0", "canary", at=at))
    assert ask(3 * HOUR).stdout.startswith("PROMOTE: from canary to stable (100 %)")
    fill(calls("1.3.0", "stable", at=NOW + 3 * HOUR))
    last = ask(4 * HOUR)
    assert last.exit_code == 0 and last.stdout.startswith("DONE: stable (100 %) is kept")
    assert listed().startswith("1.3.0: version 1.3.0 against 1.2.0, done\n") and listed().count("\n") == 4


def test_a_breach_rolls_back_at_once(ask: Ask, fill: Fill) -> None:
    """No time and no sample is needed for that; and it stays so, whatever comes."""
    fill(*beta(slower=3, n=990))
    result = ask(60)
    assert result.exit_code == 1 and result.stdout.startswith("ROLL BACK: at beta (1 %): latency_p95")
    fill(*beta(n=9000))
    again = ask(3 * HOUR)
    assert again.exit_code == 1 and "answered 2026-09-21 15:15, and nothing since" in again.stdout


def test_a_hard_gate_rolls_back(ask: Ask, fill: Fill) -> None:
    """An update without a valid signature, whatever the latency."""

    def signed(fold: Fold) -> None:
        labels = Labels("device", "store-1", "till", "digits", "1.3.0", "control", "beta")
        texts = {contract.OTA_OUTCOME: "succeeded", contract.OTA_SIGNATURE: "failed"}
        fold.add(Event(contract.EventKind.OTA_UPDATE, NOW * 10**9, labels, texts=texts))

    fill(*beta(), signed)
    assert "ota_verified_share" in ask(0).stdout.splitlines()[0]


def test_undecided_holds(ask: Ask, fill: Fill) -> None:
    """At its limit nobody can tell: hold (4), unless that is allowed."""
    fill(*beta(slower=1.2))
    ask(0)
    assert ask(3 * HOUR).exit_code == 4
    assert ask(3 * HOUR, "--allow", "undecided").exit_code == 0


def test_no_baseline_holds(ask: Ask, fill: Fill) -> None:
    """Nothing to compare with is no pass (3)."""
    fill(beta()[1])
    ask(0)
    result = ask(3 * HOUR)
    assert result.exit_code == 3 and "no data of the baseline" in result.stdout


def test_the_answer_is_a_release_action(ask: Ask, fill: Fill) -> None:
    """Promotions and rollbacks by the gate are counted, with the trigger that broke."""
    with Store.open(fill(*beta(slower=3))) as store:
        ask(60)
        found = store.read(["release.actions"], by=["action", "trigger", "reason", "version", "channel"])
    assert list(found) == [("rollback", "gate", "latency_p95", "1.3.0", "beta")]


def test_reports(ask: Ask, fill: Fill) -> None:
    """Every format has the action first; the gates beside it count through it only."""
    fill(*beta())
    ask(0)
    ask(3 * HOUR, "--report", "json=v.json", "--report", "junit=v.xml", "--report", "markdown=v.md")
    found = json.loads(Path("v.json").read_text())
    release, latency = found["entries"]
    assert (found["kind"], found["action"], release["action"]) == ("promotion", "promote", "promote")
    assert (latency["outcome"], latency["severity"]) == ("pass", "info")
    assert "<testcase" in Path("v.xml").read_text() and "PROMOTE" in Path("v.md").read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--baseline", "1.1.0"), "1.3.0:baseline='1.1.0': this release began with 1.2.0"),
        (("--version", "1.2.0"), "are the same"),
        (("--version", " "), "--version is empty"),
        (("--baseline", ""), "--baseline is empty"),
        (("--id", "1.3.0", "--version", "2"), "1.3.0:version='2': this release began with 1.3.0"),
    ],
)
def test_another_release(ask: Ask, fill: Fill, words: tuple[str, ...], says: str) -> None:
    """One name is one release: code 2."""
    fill(*beta())
    ask(0)
    result = ask(0, *words)
    assert result.exit_code == 2 and says in result.stderr


def test_the_plan_may_not_change_on_the_way(ask: Ask, fill: Fill) -> None:
    """Nor its SLO file; forgotten, a release begins anew."""
    fill(*beta())
    ask(0)
    Path("slo.yaml").write_text(LATENCY.replace("30%", "90%"))
    result = ask(0)
    assert result.exit_code == 2 and "has changed on the way" in result.stderr
    forget = CliRunner().invoke(main, ["slo", "promotions", "forget", "1.3.0"])
    assert forget.stdout == "forgotten: 1.3.0\n" and "no release goes by a plan" in listed()
    assert ask(0).exit_code == 4
    missing = CliRunner().invoke(main, ["slo", "promotions", "forget", "none"], prog_name="hybridobs")
    assert missing.exit_code == 2 and "the names are: 1.3.0" in missing.stderr


def test_listed_as_json(ask: Ask, fill: Fill) -> None:
    """For a program."""
    fill(*beta())
    ask(2 * HOUR)
    (found,) = json.loads(CliRunner().invoke(main, ["slo", "promotions", "list", "--format", "json"]).stdout)
    assert (found["id"], found["number"], found["taken"]) == ("1.3.0", 0, [])


WRONG = {
    "no stages": ("version: 1", "give 'stages'"),
    "empty": ("stages: []", "give at least one stage"),
    "version": ("version: 2\nstages: []", "reads version 1"),
    "name": ("stages: [{share: 1%}]", "the stage has no 'name'"),
    "share": ("stages: [{name: a, share: 1}]", "give a share of the devices"),
    "too much": ("stages: [{name: a, share: 101%}]", "give a share of the devices"),
    "falling": ("stages: [{name: a, share: 9%}, {name: b, share: 1%}]", "plan.yaml:1:share='1%': is not above"),
    "twice": ("stages: [{name: a, share: 1%}, {name: a, share: 9%}]", "the name of another stage too"),
    "time": ("stages: [{name: a, share: 1%, minimum_time: month}]", "give a length of time, for example 15m"),
    "no time": ("stages: [{name: a, share: 1%, minimum_time: soon}]", "give a length of time, for example 15m"),
    "sample": ("stages: [{name: a, share: 1%, minimum_sample: 0}]", "a whole number of calls"),
    "sample without end": (
        f"stages: [{{name: a, share: 1%, minimum_sample: {'9' * 5000}}}]",
        "give a whole number of calls, 1 or more and of 15 digits at most",
    ),
    "label": ("stages: [{name: a, share: 1%, candidate: {chanel: beta}}]", "did you mean 'channel'"),
    "its version": ("where: {version: 1}\nstages: [{name: a, share: 1%}]", "given to the command"),
    "gates": ("slo: slo.yaml\nstages: [{name: a, share: 1%, gates: [latency_p59]}]", "Choose of: latency_p95"),
    "key": ("stage: []", "did you mean 'stages'"),
    "slo": ("version: 1\nslo: none.yaml\nstages: []", "plan.yaml:2:slo='none.yaml': cannot be read: No such file"),
    "slo that is none": ('slo: "a\\0"\nstages: []', "cannot be read"),
    "nothing": ("", "plan.yaml:1:stages='': the file is empty; give it a list of stages"),
}


@pytest.mark.parametrize("name", WRONG)
def test_mistakes(ask: Ask, name: str) -> None:
    """Every mistake in a plan ends with code 2, its line, and the way out."""
    text, says = WRONG[name]
    Path("plan.yaml").write_text(text)
    result = ask(0)
    assert result.exit_code == 2 and says in result.stderr


def test_calls_that_nothing_is_compared_with(ask: Ask, fill: Fill) -> None:
    """A sample is what gates compare: calls in an hour in which nobody used the version in use are none of it."""
    fill(*beta(n=400), calls("1.3.0", "beta", at=NOW + HOUR, n=5000))
    ask(0)
    assert ask(2 * HOUR).stdout.startswith("HOLD: at beta (1 %): 400 of 1,000 calls in hours that both sides have")


def test_a_stage_that_compares_nothing(ask: Ask, fill: Fill) -> None:
    """A hard gate looks at the candidate alone, so all its calls are its sample: the old version may be gone."""
    fill(calls("1.3.0", "stable", at=NOW, n=2000))
    Path("slo.yaml").write_text("gates: [{name: none, kpi: error_rate, hard: true}]")
    Path("plan.yaml").write_text("slo: slo.yaml\nstages: [{name: stable, share: 100%}]")
    assert (first := ask(0, "--report", "json=verdict.json")).exit_code == 0, first.stdout
    assert CliRunner().invoke(main, ["slo", "recompute", "verdict.json"]).exit_code == 0


def test_a_plan_whose_file_has_no_gates(ask: Ask, fill: Fill) -> None:
    """Nothing goes on unseen: who wants no gate says so."""
    fill(*beta())
    Path("slo.yaml").write_text("objectives: [{kpi: error_rate, target: 1%}]")
    Path("plan.yaml").write_text("slo: slo.yaml\nstages: [{name: beta, share: 1%}]")
    result = ask(0)
    assert result.exit_code == 2 and "plan.yaml:2:stages='': the SLO file of this plan has no gates" in result.stderr


def test_before_the_stage_began(ask: Ask, fill: Fill) -> None:
    """A time at which nobody knew of this stage is wrong usage."""
    fill(*beta())
    ask(0)
    result = ask(-HOUR)
    assert result.exit_code == 2 and "is before this stage began, 2026-09-21 15:14; give a later one" in result.stderr


def test_a_damaged_memory(ask: Ask, fill: Fill) -> None:
    """What cannot be read is told, with the command that drops it."""
    with Store.open(fill(*beta())) as store, store.begin() as tx:
        tx.remember(Memory("promotion", "1.3.0"), "{}")
    result = ask(0)
    assert result.exit_code == 2 and "promotions forget 1.3.0" in result.stderr


def test_schema() -> None:
    """The published schema accepts the example plan and refuses a stage without a share."""
    example = Path(__file__).parents[2] / "examples" / "release.yaml"
    jsonschema.validate(yaml.safe_load(example.read_text()), plan_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"stages": [{"name": "beta"}]}, plan_schema())


@pytest.mark.parametrize("wrong", [{"minimum_time": "day"}, {"minimum_time": "month"}, {"minimum_sample": 10**15}])
def test_the_schema_refuses_what_the_reader_refuses(ask: Ask, wrong: dict[str, Any]) -> None:
    """A stage lasts for a time of known length, and on a sample that somebody can have."""
    stages = {"stages": [{"name": "beta", "share": "1%", **wrong}]}
    Path("plan.yaml").write_text(json.dumps(stages))
    assert ask(0).exit_code == 2
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(stages, plan_schema())


def test_the_store_must_be_there(ask: Ask) -> None:
    """A database that does not answer ends with code 5."""
    assert ask(0, "--store", "postgresql+psycopg://nobody@127.0.0.1:1/none").exit_code == 5

"""A policy sets its flag by KPIs and takes it back with a distance; flagd's own evaluator reads what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from tests.policy.conftest import BY_SITE, COST_CAP, NOW, Evaluate, Fill

MINUTE, HOUR = 60, 3600


def flag(key: str, folder: Path, **context: str) -> object:
    """What an application that asks flagd is told."""
    core = FlagdCore()
    core.set_flags((folder / "flags.json").read_text())
    asked = EvaluationContext(attributes=dict(context))
    if key == "cloud_offload":
        return core.resolve_boolean_value(key, True, asked).value
    return core.resolve_string_value(key, "none", asked).value


def test_a_cap_that_is_reached_sets_the_flag(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """The text says which KPI decided; the flag says so to everyone who asks."""
    fill(NOW - 600, cost=104)
    said = evaluate(COST_CAP, NOW)
    assert said.exit_code == 0
    assert said.output == ("cost-cap: cloud_offload = local (was cloud): cost_total of 1h at least 100: it is 104\n")
    assert flag("cloud_offload", tmp_path) is False


def test_below_the_cap_nothing_changes(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """The default stands in the file, so that an application finds its flag."""
    fill(NOW - 600, cost=99)
    assert "no rule holds" in evaluate(COST_CAP, NOW).output
    assert flag("cloud_offload", tmp_path) is True


@pytest.mark.parametrize(
    ("spent_later", "minutes", "value", "word"),
    [
        (0, 14, False, "held for 60 s more"),
        (95, 120, False, "not yet past 90"),
        (80, 120, True, "no rule holds"),
    ],
)
def test_a_flag_is_held_and_has_a_way_back(
    fill: Fill, evaluate: Evaluate, tmp_path: Path, spent_later: float, minutes: int, value: bool, word: str
) -> None:
    """For as long as 'hold' says, then until 'until' is reached: never on and off at one limit."""
    fill(NOW - 600, cost=104)
    evaluate(COST_CAP, NOW)
    later = NOW + minutes * MINUTE
    if spent_later:
        fill(later - 600, cost=spent_later)
    assert word in evaluate(COST_CAP, later).output
    assert flag("cloud_offload", tmp_path) is value


def test_nobody_changes_a_flag_for_want_of_data(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """A day later nothing is known: the flag stays, and the exit code says why."""
    fill(NOW - 600, cost=104)
    evaluate(COST_CAP, NOW)
    said = evaluate(COST_CAP, NOW + 86_400)
    assert (said.exit_code, "not known now, so it stays" in said.output) == (3, True)
    assert flag("cloud_offload", tmp_path) is False
    assert evaluate(COST_CAP, NOW + 86_400, "--allow-no-data").exit_code == 0


def test_each_group_has_its_own_state(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """Only the slow site moves; whoever asks says where it is, and one that nobody knows gets the default."""
    fill(NOW - 600, seconds=0.5, site="berlin")
    fill(NOW - 600, seconds=0.1, site="paris")
    assert evaluate(BY_SITE, NOW).exit_code == 0
    assert [flag("tier", tmp_path, site=site) for site in ("berlin", "paris", "rome")] == ["site", "cloud", "cloud"]


def test_the_first_rule_that_holds_decides(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """A rule above takes over at once, and the one below comes back when it is released."""
    fill(NOW - 600, seconds=0.5)
    evaluate(BY_SITE, NOW)
    fill(NOW, failed=20)
    evaluate(BY_SITE, NOW + MINUTE)
    assert flag("tier", tmp_path, site="berlin") == "device"
    fill(NOW + 2 * HOUR, seconds=0.5)
    evaluate(BY_SITE, NOW + 2 * HOUR + MINUTE)
    assert flag("tier", tmp_path, site="berlin") == "site"


def test_too_little_data_decides_nothing(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """Nine failed calls of a site are fewer than the ten that the rule asks for."""
    fill(NOW - 600, count=9, failed=9)
    assert evaluate(BY_SITE, NOW).exit_code == 3
    assert flag("tier", tmp_path, site="berlin") == "cloud"


def test_a_site_with_too_little_data_is_told_beside_others(fill: Fill, evaluate: Evaluate) -> None:
    """Nobody takes its silence for health because another site can be judged."""
    fill(NOW - 600, count=9, failed=9, site="berlin")
    fill(NOW - 600, site="paris")
    said = evaluate(BY_SITE, NOW)
    assert (said.exit_code, "[site=berlin]: tier = cloud: no rule is known to hold" in said.output) == (3, True)


def test_a_site_that_closed_is_forgotten(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """At its default it leaves nothing behind: no line, no exit code, and no place in the file."""
    fill(NOW - 600, site="berlin")
    fill(NOW - 600, site="paris")
    assert evaluate(BY_SITE, NOW).exit_code == 0
    fill(NOW + 2 * HOUR, site="berlin")
    said = evaluate(BY_SITE, NOW + 2 * HOUR + MINUTE)
    assert (said.exit_code, "paris" in said.output) == (0, False)
    assert "paris" not in (tmp_path / "flags.json").read_text()


def test_a_site_that_comes_back_begins_at_the_default(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """To be forgotten is no change and neither is to be back; a rule that holds then is one."""
    for hours, seconds, site in ((0, 0.1, "paris"), (2, 0.1, "berlin"), (4, 0.5, "paris")):
        fill(NOW + hours * HOUR, seconds=seconds, site=site)
        said = json.loads(evaluate(BY_SITE, NOW + hours * HOUR + MINUTE, "--format", "json").output)
        assert [one["group"]["site"] for one in said] == [site]
        assert (said[0]["previous"], said[0]["changed"]) == ("cloud", hours == 4)
    assert flag("tier", tmp_path, site="paris") == "site"


def test_a_site_that_went_silent_away_from_its_default_stays(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """It is told for as long as nobody knows better, and released when it is back."""
    fill(NOW - 600, seconds=0.5, site="paris")
    evaluate(BY_SITE, NOW)
    fill(NOW + 2 * HOUR, site="berlin")
    for _ in range(2):
        silent = evaluate(BY_SITE, NOW + 2 * HOUR + MINUTE)
        assert silent.exit_code == 3
        assert "[site=paris]: tier = site: latency_p95 is not known now, so it stays" in silent.output
        assert flag("tier", tmp_path, site="paris") == "site"
    fill(NOW + 4 * HOUR, site="paris")
    back = evaluate(BY_SITE, NOW + 4 * HOUR + MINUTE)
    assert (back.exit_code, "tier = cloud (was site)" in back.output) == (0, True)


def test_another_default_is_the_default_from_then_on(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """What was decided before holds while a rule is in force, and none was."""
    fill(NOW - 600, cost=1)
    evaluate(COST_CAP, NOW)
    other = COST_CAP.replace("default: cloud", "default: local").replace("use: local", "use: cloud")
    assert "cloud_offload = local (was cloud)" in evaluate(other, NOW).output
    assert flag("cloud_offload", tmp_path) is False


def test_numbers_are_numbers_with_and_without_a_point(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """1 and 0.5 are values of one flag, and an application that asks for a number gets them."""
    shares = COST_CAP.replace("{cloud: true, local: false}", "{cloud: 1, local: 0.5}")
    core = FlagdCore()
    for cost, value in ((1, 1.0), (104, 0.5)):
        fill(NOW - 600, cost=cost)
        assert evaluate(shares, NOW).exit_code == 0
        core.set_flags((tmp_path / "flags.json").read_text())
        assert core.resolve_float_value("cloud_offload", 9.0, EvaluationContext()).value == value


def test_a_site_with_a_hostile_name_is_a_site(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """A label is a value in the targeting rule, whatever it looks like."""
    name = '"}]} {"var": "x'
    fill(NOW - 600, seconds=0.5, site=name)
    evaluate(BY_SITE, NOW)
    assert flag("tier", tmp_path, site=name) == "site"


def test_flags_of_others_stay_as_they_are(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """The file may hold more than ours; what did not change is not written again."""
    other = {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a"}
    (tmp_path / "flags.json").write_text(json.dumps({"flags": {"other": other}}))
    fill(NOW - 600, cost=104)
    evaluate(COST_CAP, NOW)
    first = (tmp_path / "flags.json").stat()
    evaluate(COST_CAP, NOW)
    assert json.loads((tmp_path / "flags.json").read_text())["flags"]["other"] == other
    assert (tmp_path / "flags.json").stat().st_ino == first.st_ino


def test_a_flag_that_is_switched_off_stays_off(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """An operator may disable a flag; it is decided all the same, and says so when it is enabled again."""
    fill(NOW - 600, cost=1)
    evaluate(COST_CAP, NOW)
    file = tmp_path / "flags.json"
    file.write_text(file.read_text().replace("ENABLED", "DISABLED"))
    fill(NOW - 600, cost=104)
    assert "cloud_offload = local (was cloud)" in evaluate(COST_CAP, NOW).output
    found = json.loads(file.read_text())["flags"]["cloud_offload"]
    assert (found["state"], found["defaultVariant"]) == ("DISABLED", "local")


def test_a_dry_run_writes_nothing(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """It says the same and leaves no file."""
    fill(NOW - 600, cost=104)
    said = json.loads(evaluate(COST_CAP, NOW, "--dry-run", "--format", "json").output)
    assert [(one["variant"], one["previous"], one["changed"], one["cause"]) for one in said] == [
        ("local", "cloud", True, "cost_total")
    ]
    assert not (tmp_path / "flags.json").exists()

"""What was decided belongs to a rule, wherever that stands; a rule above breaks in, and a person may forget it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hybridobs.cli import main
from tests.policy.conftest import BY_SITE, COST_CAP, NOW, Evaluate, Fill

MINUTE, HOUR = 60, 3600
ABOVE = """
      - use: local
        when: {kpi: error_rate, at_least: 50%, window: 1h, minimum_sample: 10}
        until: {at_most: 10%}
"""
TWO_RULES = COST_CAP.replace("    rules:\n", f"    rules:{ABOVE}")


def forget(*words: str) -> Result:
    """Call the real command for policy.yaml and flags.json."""
    return CliRunner().invoke(main, ["policy", "forget", "policy.yaml", *words, "--flags", "flags.json"])


def state(folder: Path, flag: str = "cloud_offload") -> list[dict[str, object]]:
    """What the flag file keeps of each group."""
    metadata = json.loads((folder / "flags.json").read_text())["flags"][flag]["metadata"]
    rows: list[dict[str, object]] = json.loads(metadata["hybridobs.state"])
    return rows


def test_a_rule_that_is_put_above_takes_nothing_over(fill: Fill, evaluate: Evaluate) -> None:
    """It never fired; the one that did stays in force by its own KPI and is released by it."""
    fill(NOW - 600, cost=104)
    evaluate(COST_CAP, NOW)
    assert evaluate(TWO_RULES, NOW + MINUTE).output == "cost-cap: cloud_offload = local: held for 840 s more\n"
    fill(NOW + 2 * HOUR, cost=50)
    assert "cloud (was local): no rule holds" in evaluate(TWO_RULES, NOW + 2 * HOUR + MINUTE).output


@pytest.mark.parametrize("old", ["at_least: 100 USD", "use: local", "window: 1h, "])
def test_a_rule_that_is_gone_holds_nothing_and_that_is_said(fill: Fill, evaluate: Evaluate, old: str) -> None:
    """Another rule in its place did not set the flag, even within the hold of the one that did."""
    fill(NOW - 600, cost=104)
    evaluate(COST_CAP, NOW)
    new = {"at_least: 100 USD": "at_least: 200 USD", "use: local": "use: cloud", "window: 1h, ": "window: 2m, "}[old]
    said = evaluate(COST_CAP.replace(old, new), NOW + MINUTE).output
    assert "cloud_offload = cloud (was local): the rule that set it is gone; " in said


def test_the_way_back_may_change_while_a_rule_is_in_force(fill: Fill, evaluate: Evaluate) -> None:
    """A hold that is too long is mended in the file."""
    fill(NOW - 600, cost=104)
    evaluate(COST_CAP, NOW)
    fill(NOW + MINUTE, cost=1)
    other = COST_CAP.replace("hold: 15m", "hold: 2h").replace("at_most: 90 USD", "at_most: 50 USD")
    assert "held for 7140 s more" in evaluate(other, NOW + MINUTE).output


@pytest.mark.parametrize(("place", "word"), [(0, "is gone"), (1, "held for 840 s more"), (7, "is gone")])
def test_a_flag_file_that_names_a_place_is_read(
    fill: Fill, evaluate: Evaluate, tmp_path: Path, place: int, word: str
) -> None:
    """Earlier ones did: the rule is the one that stands there and uses what the flag says."""
    fill(NOW - 600, cost=104)
    text = TWO_RULES.replace("use: local", "use: cloud", 1)
    evaluate(text, NOW)
    (row,) = state(tmp_path)
    file = tmp_path / "flags.json"
    file.write_text(file.read_text().replace(f'\\"{row["rule"]}\\"', str(place)))
    assert word in evaluate(text, NOW + MINUTE).output


def test_a_rule_above_breaks_a_hold(fill: Fill, evaluate: Evaluate) -> None:
    """A hold says how long a rule stays by its own KPI; what stands above it is more important."""
    text = BY_SITE + "        hold: 12h\n"
    fill(NOW - 600, seconds=0.5)
    evaluate(text, NOW)
    assert "tier = site: held" in evaluate(text, NOW + MINUTE).output
    fill(NOW + MINUTE, count=40, failed=40)
    assert "tier = device (was site)" in evaluate(text, NOW + 2 * MINUTE).output


def test_the_help_and_the_schema_say_who_breaks_a_hold() -> None:
    """Whoever writes a policy reads it where they are."""
    said = " ".join(CliRunner().invoke(main, ["policy", "evaluate", "--help"]).output.split())
    assert "its 'hold' is over, or a rule above it holds" in said
    assert "a rule above it that holds breaks in" in CliRunner().invoke(main, ["policy", "schema"]).output


def test_a_site_that_closed_is_forgotten_by_hand(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """It is at the default and says nothing more; another one stays as it is."""
    fill(NOW - 600, seconds=0.5, site="paris")
    fill(NOW - 600, seconds=0.5, site="berlin")
    evaluate(BY_SITE, NOW)
    said = forget("slow-site", "--where", "site=paris")
    assert (said.exit_code, said.output) == (0, "slow-site [site=paris]: tier = cloud (was site): forgotten\n")
    assert [(one["group"], one["variant"]) for one in state(tmp_path, "tier")] == [
        (["berlin"], "site"),
        (["paris"], "cloud"),
    ]
    fill(NOW + 2 * HOUR, seconds=0.5, site="berlin")
    said = evaluate(BY_SITE, NOW + 2 * HOUR + MINUTE)
    assert (said.exit_code, "paris" in said.output) == (0, False)


def test_a_whole_policy_is_forgotten(fill: Fill, evaluate: Evaluate) -> None:
    """Its rule begins anew, with a hold of its own."""
    fill(NOW - 600, cost=104)
    evaluate(COST_CAP, NOW)
    assert forget("cost-cap").output == "cost-cap: cloud_offload = cloud (was local): forgotten\n"
    assert "cloud_offload = local (was cloud)" in evaluate(COST_CAP, NOW + MINUTE).output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("slow",), "id='slow': no policy of policy.yaml has this id; the ids are: slow-site"),
        (("slow-site", "--where", "site=rome"), "where='site=rome': nothing to forget; decided are: site=berlin"),
        (("slow-site", "--where", "tier=cloud"), "where='tier=cloud': nothing to forget; decided are: site=berlin"),
        (("slow-site", "--where", "sitr=rome"), "did you mean 'site'"),
    ],
)
def test_what_is_not_there_is_not_forgotten(fill: Fill, evaluate: Evaluate, words: tuple[str, ...], told: str) -> None:
    """Code 2, and what there is."""
    fill(NOW - 600, seconds=0.5)
    evaluate(BY_SITE, NOW)
    said = forget(*words)
    assert (said.exit_code, told in said.stderr) == (2, True), said.stderr

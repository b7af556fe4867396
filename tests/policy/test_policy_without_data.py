"""A rule whose own switch takes its data away has a way out, and both policies of the example take it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.policy.conftest import BY_SITE, COST_CAP, NOW, Evaluate, Fill

MINUTE, HOUR = 60, 3600
EXAMPLE = (Path(__file__).parents[2] / "examples" / "policy.yaml").read_text()
OCTOBER_ENDS = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())
LEAVING = COST_CAP + "        without_data: leave\n"


def says(evaluate: Evaluate, text: str, now: int, policy: str, **group: str) -> tuple[str, str]:
    """The variant and the reason of one group of one policy."""
    rows = json.loads(evaluate(text, now, "--format", "json").output)
    return next((one["variant"], one["reason"]) for one in rows if (one["policy"], one["group"]) == (policy, group))


def test_a_new_month_without_cost_gives_the_cloud_back(fill: Fill, evaluate: Evaluate) -> None:
    """October's budget is spent; in November nothing costs money, and after its hold the cap leaves by itself."""
    fill(OCTOBER_ENDS - 2 * HOUR, cost=512)
    assert says(evaluate, EXAMPLE, OCTOBER_ENDS - HOUR, "cost-cap")[0] == "stopped"
    assert says(evaluate, EXAMPLE, OCTOBER_ENDS + MINUTE, "cost-cap") == (
        "stopped",
        "cost_total is not known now, so it stays for 3600 s more",
    )
    assert says(evaluate, EXAMPLE, OCTOBER_ENDS + HOUR, "cost-cap")[0] == "stopped"
    variant, reason = says(evaluate, EXAMPLE, OCTOBER_ENDS + HOUR + MINUTE, "cost-cap")
    assert variant == "allowed" and reason.startswith("cost_total is not known any more, so its rule leaves; ")


def test_a_placement_looks_whether_the_cloud_is_back(fill: Fill, evaluate: Evaluate) -> None:
    """While the site answers by itself nobody knows of the cloud; it is tried again, and left again while it fails."""
    found = []
    for minutes, failed in ((0, 200), (16, None), (46, None), (50, 200), (70, None), (100, None), (110, 0)):
        if failed is not None:
            fill(NOW + minutes * MINUTE, count=200, failed=failed)
        fill(NOW + minutes * MINUTE, tier="site")
        found.append(says(evaluate, EXAMPLE, NOW + minutes * MINUTE, "placement", site="berlin")[0])
    assert found == ["site", "site", "auto", "site", "site", "auto", "auto"]


@pytest.mark.parametrize(("text", "value"), [(COST_CAP, "local"), (LEAVING, "cloud")])
def test_a_rule_stays_unless_it_says_that_it_leaves(fill: Fill, evaluate: Evaluate, text: str, value: str) -> None:
    """A week without data is no good news by itself."""
    fill(NOW - 600, cost=104)
    evaluate(text, NOW)
    evaluate(text, NOW + 2 * HOUR)
    assert says(evaluate, text, NOW + 168 * HOUR, "cost-cap")[0] == value


def test_a_pause_that_is_shorter_than_the_hold_changes_nothing(fill: Fill, evaluate: Evaluate, tmp_path: Path) -> None:
    """What is known again begins the count anew; a file that says nothing new is not written."""
    fill(NOW - 600, cost=104)
    evaluate(LEAVING, NOW)
    for minutes in (60, 70):
        assert says(evaluate, LEAVING, NOW + minutes * MINUTE, "cost-cap")[0] == "local"
    fill(NOW + 72 * MINUTE, cost=95)
    evaluate(LEAVING, NOW + 74 * MINUTE)
    before = (tmp_path / "flags.json").stat().st_mtime_ns
    assert "not yet past" in says(evaluate, LEAVING, NOW + 80 * MINUTE, "cost-cap")[1]
    assert (tmp_path / "flags.json").stat().st_mtime_ns == before
    assert "for 900 s more" in says(evaluate, LEAVING, NOW + 140 * MINUTE, "cost-cap")[1]


def test_a_pause_of_the_evaluator_is_no_pause_of_the_data(fill: Fill, evaluate: Evaluate) -> None:
    """The hold counts from the evaluation that first found nothing."""
    fill(NOW - 600, cost=104)
    evaluate(LEAVING, NOW)
    assert "for 900 s more" in says(evaluate, LEAVING, NOW + 24 * HOUR, "cost-cap")[1]


def test_a_site_that_closed_under_a_rule_for_the_default_is_forgotten(fill: Fill, evaluate: Evaluate) -> None:
    """Its flag says the default, so there is nothing to keep, to say and to end with 3 for."""
    text = BY_SITE.replace("use: device", "use: cloud")
    fill(NOW - 600, failed=20, site="paris")
    assert says(evaluate, text, NOW, "slow-site", site="paris")[0] == "cloud"
    fill(NOW + 2 * HOUR, site="berlin")
    said = evaluate(text, NOW + 2 * HOUR + MINUTE)
    assert (said.exit_code, "paris" in said.output) == (0, False)


def test_a_value_at_a_limit_without_distance_does_not_flutter(fill: Fill, evaluate: Evaluate) -> None:
    """All calls fail, which is at the limit and never beyond it."""
    text = BY_SITE.replace("at_least: 50%", "at_least: 100%").replace("        until: {at_most: 10%}\n", "")
    fill(NOW - 600, failed=20)
    found = [says(evaluate, text, NOW + minute * MINUTE, "slow-site", site="berlin")[0] for minute in range(4)]
    assert found == ["device"] * 4

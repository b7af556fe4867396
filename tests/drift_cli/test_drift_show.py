"""``hybridobs drift show``: what is an alarm, what is not, and what nobody can know."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from hybridobs.store import Store
from tests.drift_cli.conftest import UNTIL, Fill, Run, light

pytestmark = pytest.mark.usefixtures("registered")
LIGHT = ("--feature", "light")


def shown(run: Run, *words: str) -> list[dict[str, Any]]:
    """The comparisons of the JSON object."""
    done = run("drift", "show", *UNTIL, "--format", "json", *words)
    assert done.exit_code == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["comparisons"]
    return found


def test_no_drift(run: Run, fleet: Fill) -> None:
    """Values like those of the training data are OK, and the command ends with 0."""
    fleet()
    done = run("drift", "show", *UNTIL, *LIGHT, "--exit-code")
    assert done.exit_code == 0 and done.stdout.startswith("OK  digits 1  light")


def test_alarm(run: Run, fleet: Fill) -> None:
    """Values 40 % higher are an alarm with its reason; the code says so only if asked."""
    fleet(factor=1.4)
    done = run("drift", "show", *UNTIL, *LIGHT, "--exit-code")
    assert done.exit_code == 1
    assert re.match(
        r"ALARM  digits 1  light\n  PSI 0\.\d{3} is above 0\.1\d\d\n  1,800 values now, worth ", done.stdout
    )
    assert run("drift", "show", *UNTIL, *LIGHT).exit_code == 0


def test_every_score_with_what_it_can_be(run: Run, fleet: Fill) -> None:
    """Each score is there; those that log buckets only bound have both bounds, around the value."""
    fleet(factor=1.4)
    [one] = shown(run, *LIGHT)
    scores = one["scores"]
    assert scores["psi"]["low"] == scores["psi"]["high"] > 0.1 and 0 < scores["jensen_shannon"] < 1
    for name in ("kolmogorov_smirnov", "wasserstein"):
        assert scores[name]["low"] <= scores[name]["value"] <= scores[name]["high"]
    assert scores["mean_shift"] == pytest.approx(0.4 * 1.2, rel=0.2)


def test_overlay(run: Run, fleet: Fill) -> None:
    """Every group has two bars on one scale, and the shares add up to all."""
    fleet(factor=1.4)
    text = run("drift", "show", *UNTIL, *LIGHT).stdout
    rows = re.findall(r"^ +(?:<=|>|\S+ to) \S+ .*?([\d.]+) % .*?([\d.]+) %$", text, re.MULTILINE)
    assert len(rows) == 10 and re.search(r"^ +reference +now$", text, re.MULTILINE)
    assert all(abs(sum(float(row[side]) for row in rows) - 100) < 1 for side in (0, 1))


def test_a_name(run: Run, fill: Fill) -> None:
    """Names are compared like numbers; one that the reference has not is another."""
    for device in range(6):
        fill(names=["DE"] * 40 + ["FR"] * 30 + ["IT"] * 30, device=device)
    [one] = shown(run, "--feature", "country")
    assert one["verdict"] == "alarm" and [bar["label"] for bar in one["overlay"]] == ["DE", "FR", "other"]
    assert [round(bar["now"], 2) for bar in one["overlay"]] == [0.4, 0.3, 0.3]


def test_too_little(run: Run, fill: Fill) -> None:
    """With a few values nothing is decided, and it is said how many would do."""
    for device in range(12):
        fill(light(12, seed=device, factor=1.25), device=device)
    done = run("drift", "show", *UNTIL, *LIGHT, "--exit-code")
    assert done.exit_code == 3 and done.stdout.startswith("TOO LITTLE DATA")
    assert re.search(r"about [\d,]+ values would do", done.stdout)


def test_no_data(run: Run) -> None:
    """A feature with a reference that does not arrive is no success."""
    done = run("drift", "show", *UNTIL, "--exit-code")
    assert done.exit_code == 3 and done.stdout.count("  no data\n") == 2


def test_no_reference(run: Run, fleet: Fill) -> None:
    """A new version without a reference is named, with the command that registers one, and is no success."""
    fleet()
    fleet(version="2")
    done = run("drift", "show", *UNTIL, *LIGHT, "--exit-code")
    assert done.exit_code == 3 and "NO REFERENCE  digits 2  light: 1,800 values" in done.stdout
    assert run("drift", "show", *UNTIL, *LIGHT, "--version", "1", "--exit-code").exit_code == 0


def test_one_device_is_no_fleet(run: Run, fill: Fill) -> None:
    """Nobody knows how alike the values of the only device are: undecided, unless one decides anyway."""
    fill(light(1800, seed=1, factor=1.4))
    done = run("drift", "show", *UNTIL, *LIGHT)
    assert done.stdout.startswith("TOO LITTLE DATA") and "--assume-independent decides" in done.stdout
    [one] = shown(run, *LIGHT, "--assume-independent")
    assert one["verdict"] == "alarm" and one["clustered"] is False


def test_one_odd_device_is_no_drift(run: Run, fill: Fill) -> None:
    """One device in four that sees something else is no alarm where devices are told apart, and would be one else."""
    for device in range(4):
        fill(light(300, seed=device, factor=6 if device == 3 else 1), device=device)
    assert [one["verdict"] for one in shown(run, *LIGHT)] == ["too_little"]
    assert [one["verdict"] for one in shown(run, *LIGHT, "--assume-independent")] == ["alarm"]


def test_devices_not_told_apart(run: Run, fill: Fill) -> None:
    """Values of senders without a stream have no shard; the output says what that means."""
    fill(light(1800, seed=1), device=None)
    assert "devices are not told apart" in run("drift", "show", *UNTIL, *LIGHT).stdout


def test_by_label(run: Run, fleet: Fill) -> None:
    """Each site is compared alone, and alpha is shared out between them."""
    fleet()
    fleet(site="s2", factor=1.5)
    done = run("drift", "show", *UNTIL, *LIGHT, "--by", "site", "--format", "json")
    told = json.loads(done.stdout)
    assert [(one["group"], one["verdict"]) for one in told["comparisons"]] == [
        ({"site": "s1"}, "ok"),
        ({"site": "s2"}, "alarm"),
    ]
    assert told["alpha_each"] == told["alpha"] / 2
    assert [one["verdict"] for one in shown(run, *LIGHT, "--where", "site=s1")] == ["ok"]


def test_window(run: Run, fleet: Fill) -> None:
    """What happened before the window does not count."""
    fleet(factor=3, ago=2 * 86_400)
    fleet()
    [one] = shown(run, *LIGHT)
    assert (one["n"], one["verdict"]) == (1800, "ok")


def test_a_text_where_a_number_was(run: Run, fleet: Fill, fill: Fill) -> None:
    """Values that came as names where the reference has numbers are missing ones."""
    fleet()
    fill(names=["DE"] * 300)
    light, country = (shown(run, "--feature", name)[0] for name in ("light", "country"))
    assert light["missing"] == 0 and country["missing"] == 0 and country["n"] == 300


def test_seasons(run: Run, fleet: Fill, training: str, tmp_path: Any) -> None:
    """The window is cut by season; each part is compared with its own reference, else with that of all year."""
    bright = tmp_path / "monday.csv"
    bright.write_text("\n".join(["light", *map(str, light(2000, seed=5, factor=1.5))]))
    words = ("--model", "digits", "--version", "1", "--season", "weekday-1")
    assert run("drift", "reference", "add", str(bright), *words).exit_code == 0
    fleet(factor=1.5)  # on Monday
    fleet(ago=20 * 3600)  # on Sunday
    found = {one["season"]: (one["n"], one["verdict"]) for one in shown(run, *LIGHT)}
    assert found == {"": (1800, "ok"), "weekday-1": (1800, "ok")}
    later = {one["season"]: one["n"] for one in shown(run, *LIGHT, "--utc-offset", "-20:00")}
    assert later == {"": 3600}


def test_two_ways_to_divide_the_year(run: Run, training: str) -> None:
    """References of months and of weekdays of one feature would both be due: refused by name."""
    for season in ("month-09", "weekday-1"):
        run("drift", "reference", "add", training, "--model", "digits", "--version", "1", "--season", season)
    done = run("drift", "show", *UNTIL)
    assert done.exit_code == 2 and "keep one" in done.stderr


def test_the_kpi(run: Run, fleet: Fill) -> None:
    """The drift score of the board is read from the same reference, on every tier."""
    fleet(factor=1.4)
    done = run("kpi", "drift_score", "--format", "json", "--by", "tier,model,version")
    [one] = json.loads(done.stdout)["readings"]
    [exact] = shown(run, *LIGHT)
    assert one["group"]["feature"] == "light" and one["status"] == "ok"
    assert one["value"] == pytest.approx(exact["scores"]["psi"]["value"], rel=0.1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--by", "feature"), "not a label"),
        (("--model", "digits", "--by", "model"), "said twice"),
        (("--alpha", "2"), "between 0 and 1"),
        (("--utc-offset", "1h"), "+01:00"),
        (("--since", "1h", "--until", "2h"), "not after"),
    ],
)
def test_wrong_words(run: Run, words: tuple[str, ...], told: str) -> None:
    """What cannot be meant is refused with a way out."""
    done = run("drift", "show", *words)
    assert done.exit_code == 2 and told in done.stderr


def test_nothing_in_the_window_of_an_empty_store(run: Run, url: str) -> None:
    """A store without references says how to register them."""
    run("drift", "reference", "remove", "--model", "digits", "--version", "1")
    assert "hybridobs drift reference add" in run("drift", "show").stdout
    with Store.open(url) as store:
        assert store.references() == []


@pytest.mark.parametrize("words", [("--model", "nosuch"), ("--version", "9"), ("--feature", "nosuch")])
def test_a_model_without_references_beside_others(run: Run, words: tuple[str, str]) -> None:
    """References are there, only not these: nobody is sent to register what is registered."""
    done = run("drift", "show", *UNTIL, *words, "--exit-code")
    assert done.exit_code == 3 and done.stdout.startswith("no reference matches what was asked for")

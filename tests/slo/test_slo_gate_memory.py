"""Gates with a name: plan and looks are remembered in the store, and jobs that ask at once take turns."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hybridobs.cli._slo_memory import Turn, in_turn
from hybridobs.errors import StoreUnreachable
from hybridobs.kpi.stats import boundary
from hybridobs.store import Memory, Store
from tests.slo.conftest import Fill, Run, Write
from tests.slo.test_slo_gate import ALONE, LATENCY, report, side
from tests.slo.test_slo_paired import judged

PLANNED = (*ALONE, "--id", "nightly", "--looks", "planned:4000")


def latency(run: Run, file: str, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = report(run, file, *words)["entries"][0]
    return found


def test_looks_are_counted_and_share_one_alpha(run: Run, write: Write, fill: Fill) -> None:
    """Looks at 25 % and 50 % of the plan: the second pays for both, less than a look at any time would."""
    file = write(LATENCY)
    for place, share in ((0, 0.25), (1, 0.5)):
        fill(side("1.2.0", n=1000, ago=600 + place), side("1.3.0", n=1000, ago=600 + place))
        entry = latency(run, file, *PLANNED)
        assert (entry["look"]["number"], entry["look"]["share"], entry["look"]["counts"]) == (place + 1, share, True)
    assert entry["judgement"]["z"] == pytest.approx(boundary((0.25, 0.5), 0.05))


def test_asking_again_without_news_is_no_look(run: Run, write: Write, fill: Fill) -> None:
    """The answer of the last look stands, in the same words, and costs nothing."""
    fill(side("1.2.0", n=1000), side("1.3.0", n=1000, slower=2.5))
    file = write(LATENCY)
    first, second = latency(run, file, *PLANNED), latency(run, file, *PLANNED)
    assert (first["outcome"], second["outcome"], second["look"]["counts"]) == ("fail", "fail", False)
    assert second["reason"].startswith(first["reason"]) and "the next one counts from 27 % on" in second["reason"]


def test_the_plan_is_full(run: Run, write: Write, fill: Fill) -> None:
    """Its answer stands, also where another look would not be as sure."""
    fill(side("1.2.0", n=4000), side("1.3.0", n=4000))
    file = write(LATENCY)
    assert latency(run, file, *PLANNED)["outcome"] == "pass"
    fill(side("1.3.0", n=100, slower=9))
    entry = latency(run, file, *PLANNED)
    assert entry["outcome"] == "pass" and "at 100 % of the plan, which is full" in entry["reason"]


def test_a_breach_after_the_plan_is_full(run: Run, write: Write, fill: Fill) -> None:
    """A version that becomes slow later fails, and stays so; the verdict can be made again."""
    fill(side("1.2.0", n=4000), side("1.3.0", n=4000))
    file = write(LATENCY)
    run("gate", file, *PLANNED)
    fill(side("1.3.0", n=4000, slower=9))
    entry = latency(run, file, *PLANNED)
    assert entry["outcome"] == "fail" and "(seen after the plan was full)" in entry["reason"]
    assert (entry["look"]["number"], entry["look"]["counts"]) == (1, True)
    assert re.search(r" 100.0 %  PASS .*\n.* afterwards  FAIL ", run("gates", "list").stdout)
    fill(side("1.3.0", n=400_000))
    assert run("gate", file, *PLANNED, "--report", "json=verdict.json").exit_code == 1
    assert "which is full)" in Path("verdict.json").read_text()
    assert run("recompute", "verdict.json").exit_code == 0


def test_the_score_of_a_full_plan(run: Run, write: Write, fill: Fill) -> None:
    """It is made of what its triggers said at their last look, so it stands as they do, until one of them breaks."""
    fill(side("1.2.0", n=4000), side("1.3.0", n=4000))
    file = write(f"score: {{pass: 50, fail: 20, parts: {{latency: {{weight: 1, {LATENCY}}}}}}}")
    first = report(run, file, *PLANNED)["entries"][0]
    fill(side("1.3.0", n=150, slower=9))
    second = report(run, file, *PLANNED)["entries"][0]
    assert (first["points"], first["outcome"]) == (second["points"], "pass") and second["outcome"] == "pass"
    fill(side("1.3.0", n=4000, slower=9))
    assert run("gate", file, *PLANNED, "--report", "json=verdict.json").exit_code == 1
    assert run("recompute", "verdict.json").exit_code == 0


def test_a_memory_of_the_version_before(run: Run, write: Write, fill: Fill) -> None:
    """It has no interval for the last look, and is read all the same."""
    url = fill(side("1.2.0", n=4000), side("1.3.0", n=4000))
    run("gate", file := write(LATENCY), *PLANNED)
    with Store.open(url) as store, store.begin() as tx:
        memory = store.recall("gate", "nightly")
        older = json.loads(memory.text)
        older["past"] = {key: one[:3] for key, one in older["past"].items()}
        assert tx.remember(memory, json.dumps(older))
    assert latency(run, file, *PLANNED)["outcome"] == "pass"


def test_a_full_plan_that_nobody_remembers(run: Run, write: Write, fill: Fill) -> None:
    """Another look would not be paid for, and the report says so."""
    fill(side("1.2.0", n=4000), side("1.3.0", n=4000))
    warned = [
        any("the plan is full for latency_p95" in line for line in report(run, write(LATENCY), *words)["warnings"])
        for words in ((*ALONE, "--looks", "planned:4000"), (*ALONE, "--looks", "planned:4001"), PLANNED)
    ]
    assert warned == [True, False, False]


def test_the_plan_need_not_be_said_again(run: Run, write: Write, fill: Fill) -> None:
    """The store knows it; a gate that nobody planned says so."""
    fill(side("1.2.0", n=1000), side("1.3.0", n=1000))
    file = write(LATENCY)
    result = run("gate", file, *ALONE, "--id", "new")
    assert result.exit_code == 2 and "needs a plan: give --looks planned:N" in result.stderr
    run("gate", file, *PLANNED)
    assert latency(run, file, *ALONE, "--id", "nightly")["look"]["number"] == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((*ALONE, "--looks", "planned:99"), "nightly:looks='planned:99': this gate was planned with planned:4000"),
        ((*ALONE[:2], "--baseline", "version=1.1.0", "--assume-independent"), "nightly:baseline='version=1.1.0'"),
        (ALONE[:4], "nightly:assume_independent"),
        ((*ALONE, "--where", "tier=device"), "nightly:where='tier=device': this gate was planned with nothing"),
        ((*ALONE, "--looks", "anytime:10"), "--id remembers the looks of a plan"),
    ],
)
def test_another_plan(run: Run, write: Write, fill: Fill, words: tuple[str, ...], says: str) -> None:
    """The difference is named, and the way out: code 2, and the memory stays."""
    fill(side("1.2.0", n=1000), side("1.3.0", n=1000))
    file = write(LATENCY)
    run("gate", file, *PLANNED)
    result = run("gate", file, *words, "--id", "nightly")
    assert result.exit_code == 2 and says in result.stderr
    assert latency(run, file, *PLANNED)["look"]["number"] == 1


def test_other_triggers_are_another_plan(run: Run, write: Write, fill: Fill) -> None:
    """A limit that moves while one looks is no plan."""
    fill(side("1.2.0", n=1000), side("1.3.0", n=1000))
    run("gate", write(LATENCY), *PLANNED)
    result = run("gate", write(LATENCY.replace("30%", "60%")), *PLANNED)
    assert result.exit_code == 2 and "nightly:triggers" in result.stderr


def test_listed_and_forgotten(run: Run, write: Write, fill: Fill) -> None:
    """Every look is shown with its share and verdict; forgotten, a gate starts anew."""
    fill(side("1.2.0", n=1000), side("1.3.0", n=1000))
    run("gate", write(LATENCY), *PLANNED)
    text = run("gates", "list").stdout
    assert "nightly: version=1.3.0 against version=1.2.0, planned:4000, 1 look" in text and "25.0 %" in text
    (found,) = json.loads(run("gates", "list", "--format", "json").stdout)
    assert found["id"] == "nightly" and found["looks"][0]["entries"]["latency_p95"]["share"] == 0.25
    assert run("gates", "forget", "nightly").stdout == "forgotten: nightly\n"
    again = run("gates", "forget", "nightly")
    assert again.exit_code == 2 and "the names are: none" in again.stderr
    assert "no gate has a name" in run("gates", "list").stdout


def test_the_report_tells_the_history(run: Run, write: Write, fill: Fill) -> None:
    """Plan and looks are in the JSON, those of this look included."""
    fill(side("1.2.0", n=1000), side("1.3.0", n=1000))
    memory = report(run, write(LATENCY), *PLANNED)["memory"]
    assert memory["id"] == "nightly" and memory["plan"]["looks"] == "planned:4000" and len(memory["looks"]) == 1


def test_two_at_once_take_turns(run: Run, write: Write, fill: Fill) -> None:
    """Who was second reads what the first one left and looks again; nobody overwrites a look."""
    with Store.open(fill()) as store:
        seen = store.recall("gate", "g")

        def meanwhile(now: Memory) -> Turn[str]:
            if not now.revision:
                with store.begin() as tx:
                    assert tx.remember(seen, "first")
            return Turn(now.text, now.text + "+second")

        assert in_turn(store, "gate", "g", meanwhile) == "first"
        assert store.recall("gate", "g").text == "first+second"


def test_too_many_at_once(run: Run, fill: Fill) -> None:
    """Who never gets a turn is told to ask again (5)."""
    with Store.open(fill()) as store:

        def overtaken(now: Memory) -> Turn[None]:
            with store.begin() as tx:
                tx.remember(now, now.text + "x")
            return Turn(None, "mine")

        with pytest.raises(StoreUnreachable, match="too many at once"):
            in_turn(store, "gate", "g", overtaken)


def test_pairs_fill_a_plan_of_their_own(run: Run, write: Write, fill: Fill) -> None:
    """2,000 pairs of a plan of 2,000 are all of it, for errors as for agreement; the next look does not count."""
    fill(judged(lost=20, won=10, n=2000))
    file = write("paired: [{kpi: shadow_error_difference, target: 1pp}]")
    words = ("--paired", "--candidate", "version=2-rc1", "--assume-independent", "--id", "pairs")
    assert latency(run, file, *words, "--looks", "planned:2000")["look"] == {"number": 1, "share": 1.0, "counts": True}
    assert latency(run, file, *words)["look"] == {"number": 1, "share": 1.0, "counts": False}


def test_a_damaged_memory(run: Run, write: Write, fill: Fill) -> None:
    """What cannot be read is told, with the command that drops it."""
    with Store.open(fill(side("1.2.0"), side("1.3.0"))) as store, store.begin() as tx:
        tx.remember(Memory("gate", "nightly"), "{}")
    result = run("gate", write(LATENCY), *PLANNED)
    assert result.exit_code == 2 and "gates forget nightly" in result.stderr

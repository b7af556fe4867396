"""``hybridobs slo gate``: candidate against baseline, through the real command."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from hybridobs import contract
from hybridobs.contract import Labels
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.event import Alike, Event
from hybridobs.kpi.fold import Fold
from hybridobs.kpi.fold_alike import ColumnFold
from hybridobs.kpi.shards import ShardFold, shard_of
from hybridobs.kpi.stats import judge_quantile_ratio
from hybridobs.kpi.summary import Summary
from hybridobs.store import Store, Transaction
from tests.slo.conftest import NOW, Fill, Run, Write, calls

SIDES = ("--candidate", "version=1.3.0", "--baseline", "version=1.2.0")
ALONE = (*SIDES, "--assume-independent")
BY_SITE = (*SIDES, "--clusters", "site")
LATENCY = "gates: [{kpi: latency_p95, limit: {rel: 30%}}]"
ERRORS = "gates: [{kpi: error_rate, limit: {abs: 5pp}}]"


def side(
    version: str, *, slower: float = 1.0, failed: int = 0, n: int = 2000, ago: int = 600, sites: int = 1
) -> Callable[[Fold], None]:
    """Seeded calls of one version, spread over sites."""
    draw = random.Random(version)
    times = [slower * draw.lognormvariate(3, 0.5) for _ in range(n)]

    def add(fold: Fold) -> None:
        for site in range(sites):
            own = {"version": version, "site": f"store-{site}", "ago": ago}
            calls(fold, times[site::sites], failed=failed // sites, **own)  # type: ignore[arg-type]

    return add


def report(run: Run, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("gate", *words, "--report", "json=-").stdout)
    return found


@pytest.mark.parametrize(("slower", "code", "word"), [(1.0, 0, "PASS"), (1.3, 4, "UNDECIDED"), (2.0, 1, "FAIL")])
def test_latency(run: Run, write: Write, fill: Fill, slower: float, code: int, word: str) -> None:
    """p95 +30 %: unchanged passes, twice as slow fails, and at the limit nobody can tell."""
    fill(side("1.2.0"), side("1.3.0", slower=slower))
    result = run("gate", write(LATENCY), *ALONE)
    assert result.exit_code == code and result.stdout.startswith(word)


def test_undecided_says_what_is_missing(run: Run, write: Write, fill: Fill) -> None:
    """An open verdict names the sample that would decide."""
    fill(side("1.2.0", n=100), side("1.3.0", n=100, slower=1.25))
    result = run("gate", write(LATENCY), *ALONE)
    assert result.exit_code == 4 and "candidate events needed, 100 seen" in result.stdout


@pytest.mark.parametrize(("failed", "code"), [(10, 0), (200, 1)])
def test_errors(run: Run, write: Write, fill: Fill, failed: int, code: int) -> None:
    """Errors +5 points."""
    fill(side("1.2.0", failed=10), side("1.3.0", failed=failed))
    assert run("gate", write(ERRORS), *ALONE).exit_code == code


def test_relative_rate(run: Run, write: Write, fill: Fill) -> None:
    """A relative limit on a rare event is undecided for long, and says for how long."""
    fill(side("1.2.0", failed=20), side("1.3.0", failed=20))
    result = run("gate", write("gates: [{kpi: error_rate, limit: {rel: 15%}}]"), *ALONE)
    assert result.exit_code == 4 and "candidate events needed, 2,000 seen" in result.stdout


def test_the_usual_triggers(run: Run, fill: Fill) -> None:
    """Without a file: p95 +30 %, false accepts +15 %, errors +5 points; what has no data does not pass."""
    fill(side("1.2.0"), side("1.3.0"))
    result = run("gate", *ALONE)
    assert result.exit_code == 3 and "false_accept_rate: no data of the candidate and the baseline" in result.stdout
    assert run("gate", *ALONE, "--allow", "no-data").exit_code == 0


def test_no_candidate(run: Run, write: Write, fill: Fill) -> None:
    """A version that nobody runs yet has no data: code 3."""
    fill(side("1.2.0"))
    result = run("gate", write(LATENCY), *ALONE)
    assert result.exit_code == 3 and "latency_p95: no data of the candidate (" in result.stdout


def test_same_hours(run: Run, write: Write, fill: Fill) -> None:
    """Hours that one side lacks do not count: a slow night of the baseline hides nothing."""
    fill(side("1.2.0"), side("1.2.0", slower=9, ago=3 * 3600), side("1.3.0", slower=2))
    entry = report(run, write(LATENCY), *ALONE)["entries"][0]
    assert (entry["outcome"], entry["hours"], entry["left_out"]) == ("fail", 1, 1)
    assert entry["judgement"]["baseline_n"] == 2000


def test_few_hours_in_common(run: Run, write: Write, fill: Fill) -> None:
    """Where most of what was asked about is not compared, the report says so."""
    fill(side("1.2.0"), side("1.3.0"), side("1.3.0", ago=3 * 3600))
    few = "latency_p95 compared over less than half of the hours"
    assert not any(few in one for one in report(run, write(LATENCY), *ALONE)["warnings"])
    fill(side("1.3.0", ago=5 * 3600))
    assert any(few in one for one in report(run, write(LATENCY), *ALONE)["warnings"])


def test_no_hour_in_common(run: Run, write: Write, fill: Fill) -> None:
    """A candidate that ran at another time is not compared."""
    fill(side("1.2.0", ago=3 * 3600), side("1.3.0"))
    result = run("gate", write(LATENCY), *ALONE)
    assert result.exit_code == 3 and "no hour in common" in result.stdout


# --- devices ------------------------------------------------------------------------------------------------------
def test_unknown_clustering_decides_nothing(run: Run, write: Write, fill: Fill) -> None:
    """Without groups of devices even a clear difference stays undecided, and the way out is told."""
    fill(side("1.2.0"), side("1.3.0", slower=2))
    result = run("gate", write(LATENCY), *SIDES)
    assert result.exit_code == 4 and "FAIL only if requests were independent" in result.stdout
    assert "--clusters site" in result.stdout and "--assume-independent" in result.stdout


def test_independence_is_flagged(run: Run, write: Write, fill: Fill) -> None:
    """Whoever takes requests for independent finds it in every report."""
    fill(side("1.2.0"), side("1.3.0"))
    found = report(run, write(LATENCY), *ALONE)
    assert found["independent_assumed"] is True and found["warnings"][0].startswith("independent assumed")


@pytest.mark.parametrize(("slower", "code"), [(1.0, 0), (2.0, 1)])
def test_clusters(run: Run, write: Write, fill: Fill, slower: float, code: int) -> None:
    """With sites that are alike the gate decides, at a design effect near 1."""
    fill(side("1.2.0", sites=20), side("1.3.0", sites=20, slower=slower))
    found = report(run, write(LATENCY), *BY_SITE)
    assert found["exit_code"] == code and found["entries"][0]["judgement"]["effect"] < 2
    assert len(found["entries"][0]["inputs"][0]["clusters"]) == 20


def test_one_bad_site_is_no_verdict(run: Run, write: Write, fill: Fill) -> None:
    """All errors of the candidate come from one site: a breach if requests were independent, here undecided."""
    fill(side("1.2.0", sites=10), side("1.3.0", sites=10), lambda f: calls(f, [9] * 300, failed=300, version="1.3.0"))
    file = write(ERRORS)
    assert run("gate", file, *ALONE).exit_code == 1
    found = report(run, file, *BY_SITE)
    assert found["exit_code"] == 4 and found["entries"][0]["judgement"]["effect"] > 50


def test_one_cluster(run: Run, write: Write, fill: Fill) -> None:
    """A side with one site only cannot tell how alike its requests are."""
    fill(side("1.2.0", sites=5), side("1.3.0"))
    result = run("gate", write(LATENCY), *BY_SITE)
    assert result.exit_code == 4 and "a side with one group of devices only" in result.stdout


def by_device(version: str, *, slower: float = 1.0, devices: int = 60, labelled: bool = True) -> Callable[..., None]:
    """Calls of many devices, each 40, as the collector stores them: with their shards."""
    draw = random.Random(version)
    labels = Labels("device", "store-1", "till", "digits", version)

    def add(tx: Transaction) -> None:
        fold, shards = ColumnFold(), ShardFold()
        for device in range(devices):
            times = [int(slower * draw.lognormvariate(3, 0.5) * 1e6) for _ in range(40)]
            alike = Alike(contract.EventKind.INFERENCE, labels, True, "", {}, [(NOW - 600) * 10**9] * 40, times, {})
            fold.add_alike(alike)
            shards.add(shard_of(f"{version}-{device}"), alike)
        tx.add(fold.cells, shards=shards.cells if labelled else None)

    return add


@pytest.mark.parametrize(("slower", "code"), [(1.0, 0), (2.0, 1)])
def test_shards(run: Run, write: Write, fill: Fill, slower: float, code: int) -> None:
    """With what the collector keeps of devices the gate decides without being told anything."""
    with Store.open(fill()) as store, store.begin() as tx:
        by_device("1.2.0")(tx)
        by_device("1.3.0", slower=slower)(tx)
    found = report(run, write(LATENCY), *SIDES)
    entry = found["entries"][0]
    assert (found["exit_code"], entry["clustering_unknown"], found["warnings"][1:]) == (code, False, [])
    assert (
        len(entry["inputs"][0]["clusters"]) > 20 and sum(n for _, n in entry["inputs"][0]["clusters"].values()) == 2400
    )


def test_some_devices_unknown(run: Run, write: Write, fill: Fill) -> None:
    """A side of which a tenth comes from unknown devices is not judged by the rest."""
    with Store.open(fill()) as store, store.begin() as tx:
        by_device("1.2.0")(tx)
        by_device("1.3.0")(tx)
        by_device("1.3.0", devices=6, labelled=False)(tx)
    assert run("gate", write(LATENCY), *SIDES).exit_code == 4


# --- looks --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("looks", "outcome"),
    [("one", "fail"), ("planned:20000", "undecided"), ("planned:2000", "fail"), ("anytime:2000", "fail")],
)
def test_looks(run: Run, write: Write, fill: Fill, looks: str, outcome: str) -> None:
    """An early look of a planned gate must be surer than the last one."""
    fill(side("1.2.0"), side("1.3.0", slower=1.6))
    found = report(run, write(LATENCY), *ALONE, "--looks", looks)
    assert found["entries"][0]["outcome"] == outcome, found["entries"][0]["reason"]


# --- hard triggers ------------------------------------------------------------------------------------------------
def update(signature: str) -> Callable[[Fold], None]:
    labels = Labels("device", "store-1", "till", "digits", "1.3.0")
    texts = {contract.OTA_OUTCOME: "succeeded", contract.OTA_SIGNATURE: signature}
    event = Event(contract.EventKind.OTA_UPDATE, (NOW - 600) * 10**9, labels, texts=texts)
    return lambda fold: fold.add(event)


@pytest.mark.parametrize(("signature", "code"), [("verified", 0), ("failed", 1)])
def test_hard_trigger(run: Run, write: Write, fill: Fill, signature: str, code: int) -> None:
    """One update without a valid signature is a breach, whatever else; no sample is too small."""
    fill(side("1.2.0"), side("1.3.0"), update(signature))
    result = run("gate", write(LATENCY), *ALONE)
    assert result.exit_code == code and "ota_verified_share" in result.stdout
    assert "no data for schema_mismatch_rate, pii_removed_share: not judged" in result.stdout


# --- the verdict as a file ----------------------------------------------------------------------------------------
def test_an_early_look_says_so(run: Run, write: Write, fill: Fill) -> None:
    """What is far from its limit is not called near it: little of the plan has arrived."""
    fill(side("1.2.0", n=200), side("1.3.0", n=200))
    result = run("gate", write(LATENCY), *ALONE, "--looks", "planned:8000")
    assert result.exit_code == 4 and "only 2.5 % of the plan of 8,000 has come" in result.stdout


def test_one_group_tells_no_sample(run: Run, write: Write, fill: Fill) -> None:
    """However many of its requests there were."""
    fill(side("1.2.0"), side("1.3.0"))
    (entry,) = report(run, write(LATENCY), *SIDES, "--clusters", "site")["entries"]
    assert entry["judgement"]["needed"] is None and "one group of devices only" in entry["reason"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--candidate", "version=2"), "gives 'version' two values"),
        (("--store", "prometheus+http://127.0.0.1:9"), "a gate needs a store or its collector"),
        (("--id", "", "--looks", "planned:9"), "--id is empty"),
        (("--looks", "planned:²"), "is none of: one, planned:N"),
    ],
)
def test_words_that_cannot_be_meant(run: Run, write: Write, words: tuple[str, ...], says: str) -> None:
    """Code 2, and the way out."""
    result = run("gate", write(LATENCY), *ALONE, *words)
    assert result.exit_code == 2 and says in result.stderr


def test_recomputed(run: Run, write: Write, fill: Fill) -> None:
    """The report holds every input: the verdict is recomputed from the file alone."""
    fill(side("1.2.0"), side("1.3.0", slower=2))
    entry = report(run, write(LATENCY), *ALONE)["entries"][0]
    measure = MEASURES["inference.duration"]
    ours, theirs = (
        Summary.unpack(measure, s["n"], s["sum"], s["min"], s["max"], bytes.fromhex(s["hist"]))
        for s in (given["summaries"][measure.name] for given in entry["inputs"])
    )
    again = judge_quantile_ratio(ours, theirs, 0.95, 1 + entry["limit"])
    assert again.verdict.value == entry["judgement"]["verdict"] and list(again.bounds) == entry["judgement"]["bounds"]


def test_sarif_needs_a_file(run: Run, write: Write, fill: Fill) -> None:
    """The usual triggers stand on no line, so SARIF is refused; those of a file stand on theirs."""
    fill(side("1.2.0"), side("1.3.0"))
    result = run("gate", *ALONE, "--report", "sarif=-")
    assert result.exit_code == 2 and "give the gate a FILE" in result.stderr
    assert json.loads(run("gate", write(LATENCY), *ALONE, "--report", "sarif=-").stdout)["runs"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--candidate", "version=1", "--baseline", "version=1"], "the two sides overlap"),
        (["--candidate", "version=1", "--baseline", "cohort=control"], "the two sides overlap"),
        (["--candidate", "verison=1", "--baseline", "version=2"], "did you mean 'version'"),
        ([*SIDES, "--where", "version=1.2.0"], "says 'version' again"),
        ([*SIDES, "--clusters", "version"], "has one value only"),
        ([*SIDES, "--looks", "often"], "planned:N, anytime:N"),
        ([*SIDES, "--looks", "planned:0"], "planned:N, anytime:N"),
        ([*SIDES, "--window", "soon"], "is no window"),
        (["--candidate", "version=1"], "Missing option '--baseline'"),
        (["none.yaml", *SIDES], "does not exist"),
    ],
)
def test_wrong_usage(run: Run, words: list[str], says: str) -> None:
    """Wrong usage ends with code 2 and says how to do better."""
    result = run("gate", *words)
    assert result.exit_code == 2 and says in result.stderr


def test_a_file_without_gates(run: Run, write: Write, fill: Fill) -> None:
    """A file that has objectives only compares nothing."""
    fill(side("1.2.0"))
    result = run("gate", write("objectives: [{kpi: calls, at_least: 1}]"), *SIDES)
    assert result.exit_code == 2 and "has no gates" in result.stderr


def test_unreachable(run: Run) -> None:
    """A database that does not answer ends with code 5."""
    assert run("gate", *SIDES, "--store", "postgresql+psycopg://nobody@127.0.0.1:1/none").exit_code == 5

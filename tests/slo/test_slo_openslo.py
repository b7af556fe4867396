"""OpenSLO v1: read where it names what we measure, written where it can say what we promise."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import Result

from hybridobs.kpi.stats.verdict import Worse
from hybridobs.slo import Objective, loads, written
from hybridobs.slo._tree import Place

HEAD = "apiVersion: openslo/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n"
SLO = (
    HEAD.format(kind="SLO", name="fast")
    + """\
  service: till
  indicator:
    metadata: {name: fast-sli}
    spec: INDICATOR
  timeWindow: [{duration: 7d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [OBJECTIVE]
"""
)
KPI = "{thresholdMetric: {metricSource: {type: hybridobs, spec: {kpi: latency_p95, where: {tier: device}}}}}"
MEASURE = "{thresholdMetric: {metricSource: {type: hybridobs, spec: {measure: inference.duration}}}}"
FAILED = (
    "{ratioMetric: {counter: true, rawType: failure, raw: {metricSource: {type: hybridobs, spec: {kpi: error_rate}}}}}"
)


OBJECTIVE = "{op: lte, value: 0.3, target: 0.95}"


def slo(indicator: str = KPI, objective: str = OBJECTIVE) -> str:
    return SLO.replace("INDICATOR", indicator).replace("OBJECTIVE", objective)


def said(text: str) -> list[tuple[str, str, float, str]]:
    return [(one.name, one.kpi.id, one.limit, one.window.name) for one in loads(text).objectives]


@pytest.mark.parametrize(
    ("indicator", "objective", "kpi", "limit"),
    [
        (KPI, "{op: lte, value: 0.25, target: 0.95}", "latency_p95", 0.25),
        (MEASURE, "{op: lte, value: 0.3, target: 0.97}", "within_300ms", 0.97),
        (MEASURE, "{op: lte, value: 0.25, targetPercent: 99}", "latency_p99", 0.25),
        (FAILED, "{target: 0.99}", "error_rate", 0.01),
        (FAILED.replace("failure", "success").replace("error_rate", "offline_success_rate"), "{target: 0.9}",
         "offline_success_rate", 0.9),
    ],
)  # fmt: skip
def test_an_objective_is_a_share_or_a_percentile(indicator: str, objective: str, kpi: str, limit: float) -> None:
    """So many calls within a threshold is a KPI by its edge, or else by its percentile."""
    assert said(slo(indicator, objective)) == [("fast", kpi, limit, "7d")]


def test_labels_come_with_the_metric_source() -> None:
    """Where, by, minimum sample and severity are the source's."""
    (objective,) = loads(slo()).objectives
    assert (objective.where, objective.worse) == ({"tier": "device"}, Worse.HIGHER)


def test_an_indicator_may_stand_in_a_document_of_its_own() -> None:
    """Several documents and objectives; kinds that measure nothing are passed over."""
    inline = "\n  indicator:\n    metadata: {name: fast-sli}\n    spec: " + KPI
    by_name = slo(objective="{op: lte, value: 0.3, target: 0.95}, {op: lte, value: 0.2, target: 0.95}")
    by_name = by_name.replace(inline, "\n  indicatorRef: speed")
    documents = [HEAD.format(kind="Service", name="till") + "  description: A till.\n", by_name]
    documents.append(HEAD.format(kind="SLI", name="speed") + f"  {KPI[1:-1]}\n")
    assert said("---\n".join(documents)) == [("fast-1", "latency_p95", 0.3, "7d"), ("fast-2", "latency_p95", 0.2, "7d")]


@pytest.mark.parametrize(("change", "window"), [("7d, isRolling: true", "7d"), ("1M, isRolling: false", "month")])
def test_windows_roll_or_follow_the_calendar(change: str, window: str) -> None:
    """A month of the calendar is a month."""
    assert said(slo().replace("7d, isRolling: true", change))[0][3] == window


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("openslo/v1", "openslo/v2alpha", "reads openslo/v1"),
        ("kind: SLO", "kind: SLX", "did you mean 'SLO'"),
        ("kind: SLO", "kind: Service", "no document of kind SLO"),
        ("metadata: {name: fast}", "metadata: {}", "name"),
        ("type: hybridobs", "type: prometheus", "only that system can answer"),
        ("kpi: latency_p95", "kpi: latency_p59", "did you mean"),
        ("kpi: latency_p95", "kpi: latency_mean", "mean"),
        ("kpi: latency_p95", "kpi: calls", "no distribution"),
        ("kpi: latency_p95, where", "where", "'kpi' or 'measure'"),
        ("target: 0.95", "target: 0.99", "write target: 0.95"),
        ("target: 0.95", "target: 1.95", "is no share"),
        ("target: 0.95", "target: high", "number"),
        ("op: lte", "op: gt", "write op: lte"),
        ("op: lte, ", "", "needs 'op: lte'"),
        ("Occurrences", "Timeslices", "only Occurrences"),
        ("duration: 7d", "duration: 7y", "no window"),
        ("service: till", "servise: till", "did you mean 'service'"),
        (KPI, "{}", "thresholdMetric"),
        (KPI, FAILED.replace("raw:", "total:"), "ratio already"),
        (KPI, FAILED.replace("failure", "success"), "rawType: failure"),
        (KPI, MEASURE.replace("inference.duration", "tokens.input"), "no KPI counts"),
        (KPI, "{thresholdMetric: {}}", "give it metricSource"),
        (KPI, KPI.replace("latency_p95", "within_150ms"), "counts what is within 0.15; write value: 0.15"),
        (KPI, FAILED.replace("error_rate", "latency_p95"), "is no share, so it is no ratio"),
        (KPI, FAILED.replace("kpi: error_rate", "measure: inference.duration"), "a ratio needs a 'kpi'"),
        (KPI, FAILED.replace("failure", "broken"), "rawType='broken'"),
        ("value: 0.3", "value: nan", "give a number"),
        ("target: 0.95", "target: 0.95, targetPercent: 95", "one of the two"),
        ("kind: SLO\n", "", "'kind' is missing"),
        ("  objectives: [OBJECTIVE]\n", "", "give it 'objectives'"),
        ("budgetingMethod: Occurrences", "indicatorRef: fast", "one of the two"),
        ("    spec: INDICATOR\n", "", "give it a 'spec'"),
        ("[{duration: 7d, isRolling: true}]", "[]", "give one time window"),
        ("duration: 7d, ", "", "give it a 'duration'"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_at_its_line(
    run: Callable[..., Result], write: Callable[[str], str], old: str, new: str, word: str
) -> None:
    """Code 2, with file, line, key and the way out."""
    text = SLO if old in SLO else slo()
    assert old in text
    changed = text.replace(old, new).replace("INDICATOR", KPI).replace("OBJECTIVE", OBJECTIVE)
    result = run("check", write(changed))
    assert result.exit_code == 2 and re.match(r"Error: slo\.yaml:\d+:", result.stderr), result.stderr
    assert word in result.stderr


OURS = """
objectives:
  - {kpi: within_300ms, target: 95%, by: [model, version]}
  - {kpi: latency_p99, target: 800ms, window: 24h, where: {tier: device}}
  - {kpi: error_rate, target: 1%, window: month, severity: page}
  - {kpi: offline_success_rate, target: 99%, minimum_sample: 7}
  - {kpi: cost_per_call, target: 0.005 USD}
"""


def plain(objectives: Sequence[Objective]) -> list[Objective]:
    """Without their lines and names, which differ from file to file."""
    return [replace(one, place=Place("", 0), name="") for one in objectives]


def test_what_is_written_reads_back_the_same() -> None:
    """Shares and percentiles go there and back; what OpenSLO cannot say is named."""
    objectives = loads(OURS).objectives
    found = written(objectives, "Till Nr. 1")
    assert plain(loads(found.text).objectives) == plain(objectives[:4])
    assert found.left_out == ("cost_per_call",)


def test_names_are_dns_labels() -> None:
    """As OpenSLO wants them; what a person reads is the display name."""
    documents = list(yaml.safe_load_all(written(loads(OURS).objectives, "Till Nr. 1").text))
    names = [document["metadata"]["name"] for document in documents]
    assert names == ["till-nr-1", "within-300ms", "device-latency-p99", "error-rate", "offline-success-rate"]
    assert {document["spec"].get("service", "till-nr-1") for document in documents} == {"till-nr-1"}


ALIKE = ("a.b", "a-b", "a-b-2", "A b", "速度", "費用", "x" * 63, "x" * 64)


def test_names_that_are_one_label_are_told_apart(
    run: Callable[..., Result], write: Callable[[str], str], fill: Callable[..., str], tmp_path: Path
) -> None:
    """What is written can be checked: a label that is taken gets a number, within what a label may have."""
    fill()
    objectives = [{"name": name, "kpi": "error_rate", "target": "1%"} for name in ALIKE]
    converted = run_plain(run, "openslo", write(yaml.safe_dump({"objectives": objectives})))
    (tmp_path / "open.yaml").write_text(converted.stdout)
    names = [one.name for one in loads(converted.stdout).objectives]
    assert names[:4] == ["a-b", "a-b-2", "a-b-2-2", "a-b-3"] and names[4:6] == ["unnamed", "unnamed-2"]
    assert names[6:] == ["x" * 63, "x" * 61 + "-2"]
    assert run("check", "open.yaml").exit_code == 3


def test_the_command_writes_what_the_check_reads(
    run: Callable[..., Result], write: Callable[[str], str], fill: Callable[..., str], tmp_path: Path
) -> None:
    """`slo openslo` then `slo check`; what was left out goes to stderr."""
    fill()
    converted = run_plain(run, "openslo", write(OURS + "gates: [{kpi: error_rate, limit: {abs: 5pp}}]"))
    (tmp_path / "open.yaml").write_text(converted.stdout)
    assert "left out: cost_per_call" in converted.stderr and "left out: gates" in converted.stderr
    assert run("check", "open.yaml").exit_code == 3


def run_plain(run: Callable[..., Result], *words: str) -> Result:
    """A command that has no --now: the words after `--` are words all the same."""
    return run(words[0], "--", *words[1:])


def test_two_documents_of_ours_are_one_too_many(run: Callable[..., Result], write: Callable[[str], str]) -> None:
    """Only OpenSLO files have several."""
    result = run("check", write(OURS + "---" + OURS))
    assert result.exit_code == 2 and "second document" in result.stderr

"""A real Prometheus as a source of SLO checks: what its counters can tell, and what they cannot."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hybridobs.cli import main
from hybridobs.errors import ConfigError, StoreUnreachable
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.reading import Question, answers
from hybridobs.remote import connect
from tests.ports import free_port

NOW = 1_790_003_640  # 2026-09-21T15:14:00Z
STEP, STEPS = 15, 480  # two hours of scrapes
DURATION = "hybridobs_inference_duration_seconds"
LES = [*(edge / MEASURES["inference.duration"].resolution for edge in MEASURES["inference.duration"].edges), None]
pytestmark = pytest.mark.integration


def history() -> str:
    """Ten calls a scrape: nine of 0.1 s, one of 0.5 s that failed; device and cloud alike."""
    lines = [f"# TYPE {DURATION} histogram"]
    for tier in ("device", "cloud"):
        for step in range(STEPS + 1):
            at = NOW - (STEPS - step) * STEP
            for le in LES:
                count = 10 * step if le is None or le >= 0.5 else 9 * step if le >= 0.1 else 0
                name = "+Inf" if le is None else str(le)
                lines.append(f'{DURATION}_bucket{{tier="{tier}",version="1.3.0",le="{name}"}} {count} {at}')
            lines.append(f'{DURATION}_count{{tier="{tier}",version="1.3.0"}} {10 * step} {at}')
            lines.append(f'{DURATION}_sum{{tier="{tier}",version="1.3.0"}} {1.4 * step:.1f} {at}')
    lines.append("# TYPE hybridobs_inference_errors counter")
    lines += [
        f'hybridobs_inference_errors_total{{tier="device",version="1.3.0"}} {step} {NOW - (STEPS - step) * STEP}'
        for step in range(STEPS + 1)
    ]
    return "\n".join([*lines, "# EOF", ""])


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that remembers that history."""
    program, tool = shutil.which("prometheus"), shutil.which("promtool")
    if not program or not tool:
        pytest.skip("prometheus is missing; install it with: apt-get install --no-install-recommends prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "h.om").write_text(history())
    made = [tool, "tsdb", "create-blocks-from", "openmetrics", str(folder / "h.om"), str(folder / "data")]
    subprocess.run(made, check=True, capture_output=True)
    (folder / "prometheus.yml").write_text("{}")
    address = f"127.0.0.1:{free_port()}"
    files = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    kept = ["--storage.tsdb.retention.time=100y", f"--web.listen-address={address}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *files, *kept], stdout=log, stderr=log)
        try:
            ready(f"http://{address}/-/ready")
            yield f"prometheus+http://{address}"
        finally:
            process.terminate()
            process.wait(timeout=20)


def ready(address: str) -> None:
    """Wait until it answers, at most a minute."""
    for _ in range(300):
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError("prometheus did not start")


def check(url: str, folder: Path, text: str) -> Result:
    """``hybridobs slo check`` of this file as of the end of the history."""
    (folder / "slo.yaml").write_text(text)
    words = ["slo", "check", str(folder / "slo.yaml"), "--store", url, "--now", "2026-09-21T15:13:00"]
    return CliRunner().invoke(main, words, prog_name="hybridobs")


@pytest.mark.parametrize(
    ("promise", "code"),
    [
        ("{kpi: within_300ms, target: 85%, window: 1h}", 0),
        ("{kpi: within_300ms, target: 95%, window: 1h}", 1),
        ("{kpi: latency_p95, target: 300ms, window: 1h}", 1),
        ("{kpi: latency_p50, target: 100ms, window: 1h}", 0),
        ("{kpi: latency_p95, target: 600ms, window: 1h}", 4),
        ("{kpi: error_rate, target: 5%, window: 1h, where: {tier: device}}", 1),
        ("{kpi: error_rate, target: 5%, window: 1h, where: {tier: phone}}", 3),
    ],
)
def test_a_promise_is_judged_by_its_counters(url: str, tmp_path: Path, promise: str, code: int) -> None:
    """Exact at the edges, undecided between two of them, and no data is no data."""
    result = check(url, tmp_path, f"objectives: [{promise}]")
    assert result.exit_code == code, result.output


def test_groups_and_counts_are_those_of_the_hour(url: str) -> None:
    """240 scrapes of ten calls each, for each tier."""
    [answer] = answers(connect(url), [KPIS["calls"]], Question(NOW - 3600, NOW, ("tier",)))
    assert {group: round(readings[0].value or 0) for group, readings in answer.rows.items()} == {
        ("cloud",): 2400,
        ("device",): 2400,
    }


@pytest.mark.parametrize(("kpi", "word"), [("retention_d1", "only a store"), ("delivery_completeness", "only a store")])
def test_what_no_counter_knows_is_refused(url: str, tmp_path: Path, kpi: str, word: str) -> None:
    """With the way out: ask the store or its collector."""
    result = check(url, tmp_path, f"objectives: [{{kpi: {kpi}, target: 50%}}]")
    assert (result.exit_code, word in result.output) == (2, True)


def test_hours_cannot_be_told_apart(url: str) -> None:
    """A gate needs the same hours of both sides, which a Prometheus is not asked for."""
    with pytest.raises(ConfigError, match="only a store has it"):
        connect(url).read(["inference.duration"], by=["window"])


def test_what_is_no_prometheus_is_told_apart_from_one_that_is_away(url: str) -> None:
    """A wrong port is a setting, a closed one is a matter of time."""
    with pytest.raises(StoreUnreachable):
        connect("prometheus+http://127.0.0.1:1").read(["inference.duration"])
    with pytest.raises(ConfigError, match="no such page"):
        connect(f"{url}/nowhere").read(["inference.duration"])


def test_label_values_are_quoted(url: str) -> None:
    """A value that looks like a matcher is a value."""
    where = {"version": 'x"} or vector(1) # \\'}
    assert connect(url).read(["inference.duration"], until=NOW, since=NOW - 60, where=where) == {}

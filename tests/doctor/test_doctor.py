"""``hybridobs doctor``: each thing that can be wrong on the way is found, named, and can be mended."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner

from hybridobs.cli import main
from hybridobs.collector import Collector, Limits
from hybridobs.doctor import Finding, Level, Wanted, examine
from hybridobs.doctor._prometheus import check_prometheus
from hybridobs.store import Store
from tests.access.conftest import DEVICE, VIEWER, Certificates, serving
from tests.access.conftest import access as access
from tests.access.conftest import certificates as certificates
from tests.collector.conftest import Running, request, span
from tests.ports import free_port

NAMED = {"HYBRIDOBS_SERVICE": "till", "HYBRIDOBS_TIER": "device"}


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    """A running one."""
    with serving(tmp_path) as made:
        yield made


def found(wanted: Wanted, said: Mapping[str, str] | None = None) -> dict[str, list[Finding]]:
    """Findings by check."""
    by: dict[str, list[Finding]] = {}
    for one in examine(wanted, {**NAMED, **(said or {})}):
        by.setdefault(one.check, []).append(one)
    return by


def worst(findings: list[Finding]) -> Level:
    """The worst level."""
    return max((one.level for one in findings), key=[Level.OK, Level.WARN, Level.FAIL].index)


def test_a_sound_way(tmp_path: Path, collector: Collector) -> None:
    """Everything that can be fine is, and the probe is in the store and in no measure."""
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    store = f"sqlite:///{tmp_path}/store.db"
    by = found(Wanted(collector.http_url, str(spool), store))
    assert {worst(findings) for findings in by.values()} == {Level.OK}
    assert [one.seen for one in by["probe"]] == ["sent and committed", "found in the store"]
    with Store.open(store) as opened:
        assert opened.info().cells == 0 and opened.streams() == []


def test_nobody_listens() -> None:
    """A port that is closed ends the way, with what to do."""
    port = free_port()
    by = found(Wanted(f"http://127.0.0.1:{port}"))
    [port_finding] = by["port"]
    assert port_finding.level is Level.FAIL and "start the collector" in port_finding.mend and "probe" not in by


def test_no_such_host() -> None:
    """A name that nobody knows."""
    assert worst(found(Wanted("http://collector.invalid:4318"))["name"]) is Level.FAIL


def test_another_program_listens() -> None:
    """A port that takes connections and speaks no HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(10)
        by = found(Wanted(f"http://127.0.0.1:{silent.getsockname()[1]}"))
    assert worst(by["ready"]) is Level.FAIL


@pytest.mark.parametrize(
    ("said", "check", "level", "says"),
    [
        ({"HYBRIDOBS_SERVICE": "", "HYBRIDOBS_TIER": ""}, "settings", Level.WARN, "unknown"),
        ({"OTEL_SDK_DISABLED": "true"}, "settings", Level.FAIL, "off"),
        ({"HYBRIDOBS_TIER": "edge"}, "settings", Level.WARN, "HYBRIDOBS_TIER='edge'"),
        ({"HYBRIDOBS_HEADERS": "s3cret"}, "settings", Level.WARN, "HYBRIDOBS_HEADERS='...'"),
        (
            {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4317"},
            *("settings", Level.WARN, "grpc"),
        ),
        ({"HYBRIDOBS_TOKEN_FILE": "/nowhere/token"}, "token", Level.FAIL, "/nowhere/token"),
        ({"HYBRIDOBS_SPOOL": ""}, "spool", Level.WARN, "lost with the process"),
        ({"HYBRIDOBS_SPOOL": "/tmp"}, "spool", Level.FAIL, "/tmp"),
        ({"HYBRIDOBS_SPOOL": "/dev/null"}, "spool", Level.FAIL, "not a directory"),
        ({"HYBRIDOBS_SPOOL": "/proc/x"}, "spool", Level.FAIL, "cannot be made in /proc"),
        ({"HYBRIDOBS_SPOOL": "no/where"}, "spool", Level.FAIL, "must be an absolute path"),
        ({"HYBRIDOBS_SPOOL": "~nobody-of-that-name/x"}, "spool", Level.FAIL, "home directory"),
    ],
)
def test_settings_of_the_device(said: Mapping[str, str], check: str, level: Level, says: str) -> None:
    """What the SDK would ignore, refuse or lose."""
    findings = found(Wanted("http://127.0.0.1:1"), said)[check]
    assert worst(findings) is level
    assert any(says in one.seen for one in findings) and all("s3cret" not in one.seen for one in findings)


def test_a_spool_that_the_sdk_will_make(tmp_path: Path) -> None:
    """It is not there yet, and looking whether it can be made leaves nothing behind."""
    tmp_path.chmod(0o700)
    [finding] = found(Wanted("http://127.0.0.1:1", str(tmp_path / "a" / "b")))["spool"]
    assert finding.level is Level.WARN and "not there yet" in finding.seen and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["", "/x"])
def test_a_spool_that_is_a_file(tmp_path: Path, below: str) -> None:
    """The SDK refuses it, so this is a failure, and the file is named and stays."""
    place = tmp_path / "text.db"
    place.write_text("text")
    said = CliRunner().invoke(main, ["doctor", "--endpoint", "http://127.0.0.1:1", "--spool", f"{place}{below}"])
    assert said.exit_code == 1 and "FAIL  spool" in said.output and "is not a directory" in said.output
    assert place.read_text() == "text"


@pytest.mark.parametrize("held", [None, "t\u00f6ken"])
def test_a_token_that_cannot_be_read_is_the_one_failure(tmp_path: Path, collector: Collector, held: str | None) -> None:
    """The collector, which was not asked, is not blamed for it."""
    token = tmp_path / "token"
    if held is not None:
        token.write_text(held, encoding="utf-8")
    by = found(Wanted(collector.http_url), {"HYBRIDOBS_TOKEN_FILE": str(token)})
    assert [check for check, findings in by.items() if worst(findings) is Level.FAIL] == ["token"]
    assert "there is no token" in by["ready"][0].seen


def test_a_token_file_that_others_read(tmp_path: Path) -> None:
    """It is named with its mode."""
    token = tmp_path / "token"
    token.write_text("a-token")
    token.chmod(0o644)
    [finding] = found(Wanted("http://127.0.0.1:1"), {"HYBRIDOBS_TOKEN_FILE": str(token)})["token"]
    assert finding.level is Level.WARN and "chmod 600" in finding.mend


def test_tokens(tmp_path: Path, access: Path) -> None:
    """A device's token sends and does not read; an unknown one does neither."""
    with serving(tmp_path, access=access) as collector:
        by = found(Wanted(collector.http_url), {"HYBRIDOBS_TOKEN": DEVICE})
        assert (worst(by["probe"]), worst(by["metrics"])) == (Level.OK, Level.WARN)
        assert worst(found(Wanted(collector.http_url), {"HYBRIDOBS_TOKEN": VIEWER})["probe"]) is Level.FAIL
        by = found(Wanted(collector.http_url), {"HYBRIDOBS_TOKEN": "a-token-that-nobody-gave"})
        assert "401" in by["probe"][0].seen and "hybridobs collector token" in by["probe"][0].mend


def test_certificates(tmp_path: Path, certificates: Certificates) -> None:
    """A certificate that is trusted says how long it lasts, another says what to set."""
    with serving(tmp_path, tls=certificates.tls()) as collector:
        by = found(Wanted(collector.http_url), {"HYBRIDOBS_CERTIFICATE": str(certificates.ca)})
        assert worst(by["tls"]) is Level.OK and worst(by["probe"]) is Level.OK
        assert "HYBRIDOBS_CERTIFICATE" in found(Wanted(collector.http_url))["tls"][0].mend


def test_what_a_collector_dropped_is_said(tmp_path: Path) -> None:
    """Refused records and a full series limit are told before somebody misses data."""
    with serving(tmp_path, limits=Limits(series=1)) as collector:
        running = Running(collector, "")
        running.post(b"nonsense")
        running.post(request([span(1), span(2, {"hybridobs.model.name": "other"})]))
        by = found(Wanted(collector.http_url, store=f"sqlite:///{tmp_path}/store.db"))
    assert "1 malformed" in by["dropped"][0].seen and worst(by["series"]) is Level.WARN
    assert any("beyond the limit are counted together" in one.seen for one in by["series"])


def test_a_store_that_is_another(tmp_path: Path, collector: Collector) -> None:
    """A probe that is not in the store says that two are at work; a missing store is named."""
    other = f"sqlite:///{tmp_path}/other.db"
    Store.open(other).close()
    assert found(Wanted(collector.http_url, store=other))["probe"][-1].level is Level.FAIL
    assert worst(found(Wanted(collector.http_url, store="sqlite:////nowhere/at/all.db"))["store"]) is Level.FAIL


def test_no_probe(tmp_path: Path, collector: Collector) -> None:
    """Whoever wants nothing sent gets nothing sent."""
    store = f"sqlite:///{tmp_path}/store.db"
    assert "probe" not in found(Wanted(collector.http_url, store=store, probe=False))


def test_prometheus_that_is_none(collector: Collector) -> None:
    """Another program under its address is found out."""
    [finding] = check_prometheus(collector.http_url, collector.http_url)
    assert finding.level is Level.FAIL and "9090" in finding.mend


@pytest.mark.integration
def test_prometheus(tmp_path: Path, collector: Collector) -> None:
    """A real one that scrapes the collector and reads event time from it; another port is not scraped."""
    import shutil
    import subprocess

    from tests.relay.conftest import until

    if (program := shutil.which("prometheus")) is None:
        pytest.skip("apt-get install -y --no-install-recommends prometheus")
    target = collector.http_url.removeprefix("http://")
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text(
        f"""
global: {{scrape_interval: 1s}}
remote_read: [{{url: "{collector.http_url}/api/v1/read"}}]
scrape_configs: [{{job_name: hybridobs, static_configs: [{{targets: ["{target}"]}}]}}]
"""
    )
    port = free_port()
    words = [program, f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path}/data"]
    with subprocess.Popen([*words, f"--web.listen-address=127.0.0.1:{port}"], stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            until(lambda: [one.level for one in check_prometheus(url, collector.http_url)] == [Level.OK] * 3, 60)
            levels = {one.check: one.level for one in check_prometheus(url, "http://127.0.0.1:1")}
            assert levels["scrape"] is Level.FAIL
        finally:
            process.terminate()


def test_the_command(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines for people or for programs; the exit code says whether anything failed."""
    monkeypatch.setenv("HYBRIDOBS_ENDPOINT", collector.http_url)
    said = CliRunner().invoke(main, ["doctor"])
    assert said.exit_code == 0 and "OK    probe" in said.output and "WARN  spool" in said.output
    failed = CliRunner().invoke(main, ["doctor", "--json", "--endpoint", "http://127.0.0.1:1"])
    assert failed.exit_code == 1
    lines = [json.loads(line) for line in failed.output.splitlines()]
    assert {"level": "fail", "check": "port"}.items() <= lines[-1].items()


@pytest.mark.parametrize("endpoint", ["localhost", "http://\udcff", f"http://{'a' * 70}:4318"])
def test_a_wrong_option(endpoint: str) -> None:
    """Ends with code 2 and the way out."""
    said = CliRunner().invoke(main, ["doctor", "--endpoint", endpoint, "--json"])
    assert said.exit_code == 2 and said.stderr.startswith("Error: endpoint=") and "http://127" in said.stderr


def test_a_host_in_the_environment_that_is_no_name() -> None:
    """It is found on the way, like any other that cannot be resolved."""
    assert worst(found(Wanted(), {"HYBRIDOBS_ENDPOINT": f"http://{'a' * 70}"})["name"]) is Level.FAIL

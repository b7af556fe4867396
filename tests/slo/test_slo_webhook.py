"""Who is told of an alert: the Alertmanager configuration beside the rules."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from hybridobs.cli import main
from hybridobs.errors import ConfigError
from hybridobs.slo import alertmanager

INSTALL = "amtool is missing; apt-get install -y --no-install-recommends prometheus-alertmanager"
FILE = "objectives: [{kpi: error_rate, target: 1%}]"
ALL, SITE = "http://127.0.0.1:9095/all", "http://127.0.0.1:9095/store-1"


def made(write: Any, *hooks: str) -> Result:
    """The command with these webhooks, into ``out``."""
    words = [word for hook in hooks for word in ("--webhook", hook)]
    return CliRunner().invoke(main, ["slo", "rules", write(FILE), "--output", "out", *words], prog_name="hybridobs")


def amtool(*words: str) -> subprocess.CompletedProcess[str]:
    """The real amtool over the file that was written."""
    program = shutil.which("amtool") or pytest.skip(INSTALL)
    return subprocess.run([program, *words], capture_output=True, text=True)


@pytest.mark.integration
@pytest.mark.parametrize("hooks", [(ALL,), (ALL, f"store-1={SITE}"), (f"store-1={SITE}",), (f'a\\b "1"={SITE}',)])
def test_alertmanager_is_content(write: Any, hooks: tuple[str, ...]) -> None:
    """Whatever webhooks are given, amtool takes the file."""
    assert made(write, *hooks).exit_code == 0
    done = amtool("check-config", "out/alertmanager.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.integration
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=HybridobsAlive severity=info", "deadman"),
        ("alertname=HybridobsStoreFailing severity=page", "page"),
        ("alertname=HybridobsClockWrong severity=ticket site=store-2", "ticket"),
        ("alertname=HybridobsClockWrong severity=ticket site=store-1", "site-store-1"),
        ("alertname=HybridobsBudgetBurn severity=info site=store-1", "shown"),
    ],
)
def test_routes(write: Any, labels: str, receiver: str) -> None:
    """Severity and site decide who is told, as amtool reads the tree."""
    made(write, ALL, f"store-1={SITE}")
    done = amtool("config", "routes", "test", "--config.file=out/alertmanager.yml", *labels.split())
    assert done.stdout.strip() == receiver, done.stderr


def test_collector_gone_silences_the_others() -> None:
    """While no collector is seen nothing else is told, but the alert that always fires."""
    rule = yaml.safe_load(alertmanager(ALL))["inhibit_rules"][0]
    assert rule["source_matchers"] == ['alertname="HybridobsCollectorGone"']
    assert rule["target_matchers"][1] == 'alertname!~"HybridobsCollectorGone|HybridobsAlive"'


def test_without_webhook_there_is_no_file(write: Any) -> None:
    """Rules alone are what was asked for."""
    assert made(write).exit_code == 0 and not Path("out/alertmanager.yml").exists()


@pytest.mark.parametrize(
    "hooks",
    [("oncall",), ("store-1=ftp://x",), (ALL, SITE), ("a=http://x", "a=http://y")],
    ids=["word", "scheme", "twice", "site"],
)
def test_bad_webhooks(write: Any, hooks: tuple[str, ...]) -> None:
    """What is no URL, and a second one for everything, end with the code for wrong usage and name the option."""
    done = made(write, *hooks)
    assert done.exit_code == 2 and "webhook" in done.stderr


def test_bad_url_in_code() -> None:
    """The same from Python."""
    with pytest.raises(ConfigError, match="give a URL"):
        alertmanager("nowhere")

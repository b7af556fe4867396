"""One fleet whose model has a hostile name, its report, and what a real browser makes of the page."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hybridobs.cli._judging import judge
from hybridobs.report import Asked, Promise, Report, State, Verdict, gather, render
from hybridobs.report.charts import drawing
from hybridobs.store import Store
from tests.report.fleet import BEGAN, HOSTILE, UNTIL, fill

NODE = Path(__file__).parent / "node"
INSTALL = "apt-get install chromium poppler-utils nodejs npm && npm ci --prefix tests/report/node"
ASKED = Asked(BEGAN, UNTIL, {}, HOSTILE, "hybridobs report", UNTIL, "slo.yaml")
BROKEN = Verdict(State.BROKEN, f"too slow {HOSTILE}", "at most 300 ms")
PROMISES = [Promise(HOSTILE, "latency_p95", f"model={HOSTILE}", BROKEN, "page", "n 3", -0.5)]


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The store of the fleet."""
    return fill(f"sqlite:///{tmp_path_factory.mktemp('report') / 'fleet.db'}", HOSTILE)


@pytest.fixture(scope="session")
def report(url: str) -> Report:
    """All that is said of it."""
    with Store.open(url, create=False) as store:
        return gather(store, ASKED, judge, PROMISES)


@pytest.fixture(scope="session")
def page(report: Report) -> str:
    """The same as a page."""
    return render(report)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Charts that take no time: what is tested is beside them."""
    empty = f'<svg xmlns="{drawing.SVG}" viewBox="0 0 1 1"></svg>'
    monkeypatch.setattr("vl_convert.vegalite_to_svg", lambda spec: empty)


@pytest.fixture(scope="session")
def seen(page: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a real browser loads, says and finds; ``pdf`` is the printed page."""
    browser, node = shutil.which("chromium"), shutil.which("node")
    if not browser or not node or not (NODE / "node_modules").is_dir():
        pytest.skip(f"needs a browser and two npm packages: {INSTALL}")
    folder = tmp_path_factory.mktemp("page")
    (folder / "report.html").write_text(page, encoding="utf-8")
    command = [node, str(NODE / "check.mjs"), str(folder / "report.html"), browser, str(folder / "report.pdf")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return {**found, "pdf": folder / "report.pdf"}

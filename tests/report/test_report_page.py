"""The page in a real browser: it loads nothing, runs nothing, and everybody can read it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.report.conftest import INSTALL
from tests.report.fleet import HOSTILE

pytestmark = pytest.mark.integration
SECTIONS = ("lights", "promises", "trends", "compared", "shapes", "edge", "drift", "updates", "devices", "traces")


def test_nothing_is_requested(seen: dict[str, Any]) -> None:
    """One file is opened, and the browser has nothing to complain of."""
    assert [url.rsplit("/", 1)[1] for url in seen["requests"]] == ["report.html"] and seen["console"] == []


def test_what_devices_say_never_runs(seen: dict[str, Any], page: str) -> None:
    """A script in the name of a model is text wherever it stands, and the page has no script of its own."""
    assert seen["hacked"] is False and seen["scripts"] == 0 and seen["title"] == HOSTILE
    assert "<script" not in page and "<img" not in page and page.count("&lt;script&gt;") > 5


def test_every_section_is_there(seen: dict[str, Any]) -> None:
    """From the lights to the traces, in that order."""
    assert [name for name in seen["sections"] if name in SECTIONS] == list(SECTIONS)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible(seen: dict[str, Any], theme: str) -> None:
    """axe-core, with everything unfolded, finds nothing in either theme; and it did look."""
    assert seen["axe"][theme] == [] and seen["axe_rules"] > 20


def test_keyboard(seen: dict[str, Any]) -> None:
    """Without a mouse: skip the menu, choose dark with the arrows, follow a link, unfold the numbers of a chart."""
    keys = seen["keyboard"]
    assert keys["first"] == "Skip to the report" and keys["chosen"] == "theme-dark" and keys["dark"] != keys["light"]
    assert keys["jumped"].startswith("#") and keys["opened"] is True


def test_nothing_sticks_out(seen: dict[str, Any]) -> None:
    """A phone scrolls a wide table, never the page."""
    assert seen["wide"] == {"390": 390, "1280": 1280}


def test_prints_whole(seen: dict[str, Any]) -> None:
    """On paper every section is there, from the first to the last, and the menu is not."""
    if shutil.which("pdftotext") is None:
        pytest.skip(f"reads a PDF: {INSTALL}")
    command = ["pdftotext", "-layout", str(seen["pdf"]), "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    headings = ("What a customer feels", "What was promised", "Over time", "Experience", "Distributions", "Drift")
    assert all(heading in text for heading in (*headings, "Updates over the air", "Slowest traces"))
    assert "Skip to the report" not in text


def test_lock_file_names_no_address() -> None:
    """The lock file works with any registry: it records versions and hashes, no download address."""
    lock = (Path(__file__).parent / "node" / "package-lock.json").read_text()
    assert '"integrity"' in lock and '"resolved"' not in lock
    assert set(json.loads(lock)["packages"][""]["dependencies"]) == {"axe-core", "playwright-core"}


def test_small(page: str) -> None:
    """Under 3 MB, most of it charts."""
    assert len(page.encode()) < 1_000_000

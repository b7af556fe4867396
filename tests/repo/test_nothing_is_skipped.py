"""The hook in tests/conftest.py: in CI a skip is a failure, elsewhere it is a skip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
ONE = "import pytest\ndef test_one():\n    pytest.skip('needs prometheus')\n"
FILE = "import pytest\npytest.importorskip('no_such_module')\ndef test_one(): ...\n"
EXPECTED = "import pytest\n@pytest.mark.xfail\ndef test_one():\n    assert False\n"


def run(folder: Path, source: str, ci: str) -> subprocess.CompletedProcess[str]:
    """A pytest of its own over one file beside a copy of our conftest."""
    shutil.copy(CONFTEST, folder)
    (folder / "test_it.py").write_text(source)
    env = os.environ | {"CI": ci}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


@pytest.mark.parametrize("source", [ONE, FILE], ids=["test", "file"])
def test_skip_fails_in_ci(tmp_path: Path, source: str) -> None:
    """A skipped test and a skipped file both fail, and the reason is shown."""
    done = run(tmp_path, source, ci="true")
    assert done.returncode != 0 and "CI skips nothing" in done.stdout


@pytest.mark.parametrize("source", [ONE, FILE], ids=["test", "file"])
def test_skip_stays_a_skip_elsewhere(tmp_path: Path, source: str) -> None:
    """A developer without the program goes on."""
    assert "1 skipped" in run(tmp_path, source, ci="").stdout


def test_expected_failure_is_no_skip(tmp_path: Path) -> None:
    """What is known to fail may do so in CI."""
    assert run(tmp_path, EXPECTED, ci="true").returncode == 0

"""What ships: the built wheel, in an environment of its own, without extras and without the source."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
OBSERVE = """
import hybridobs

hybridobs.configure(service="till", tier="device", endpoint="http://127.0.0.1:9")

@hybridobs.observe(model="digits", version="1.3.0", task="classify")
def predict(x):
    hybridobs.current().confidence(0.93)
    return x + 1

print(predict(41), hybridobs.__file__)
hybridobs.shutdown(timeout=0.1)
"""


def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    """Run to the end with nothing of this process's Python settings."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIP_", "VIRTUAL_ENV"))}
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=240, **options)  # type: ignore[call-overload,no-any-return]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source archive as a release is."""
    out = tmp_path_factory.mktemp("dist")
    built = run([sys.executable, "-m", "build", "--outdir", str(out), str(ROOT)])
    assert built.returncode == 0, built.stdout + built.stderr
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment that holds the wheel and its base dependencies only."""
    place = tmp_path_factory.mktemp("fresh") / "venv"
    run([sys.executable, "-m", "venv", str(place)]).check_returncode()
    done = run([str(place / "bin/pip"), "install", "--quiet", "--disable-pip-version-check", str(wheel)])
    assert done.returncode == 0, done.stderr
    return place / "bin"


def test_wheel_holds_the_package_only(wheel: Path) -> None:
    """No generic name such as `collectors` or `tests` enters anybody's site-packages."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"hybridobs"}
    assert "hybridobs/py.typed" in names and any(name.endswith("licenses/LICENSE") for name in names)


def test_observe_works_without_extras(installed: Path, tmp_path: Path) -> None:
    """A device with the base install can observe a function, and no collector is needed for it to answer."""
    done = run([str(installed / "python"), "-I", "-c", OBSERVE], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    answer, where = done.stdout.split()
    assert answer == "42" and "site-packages" in where


def test_help_works_without_extras(installed: Path, tmp_path: Path) -> None:
    """The command explains itself even where nothing else is installed."""
    done = run([str(installed / "hybridobs"), "--help"], cwd=tmp_path)
    assert done.returncode == 0 and "Usage:" in done.stdout


@pytest.mark.parametrize("command", [["kpi"], ["collector", "run"], ["demo"], ["report"]], ids=" ".join)
def test_missing_extra_names_the_install_command(installed: Path, tmp_path: Path, command: list[str]) -> None:
    """What is not installed says how to install it, in one line and without a traceback."""
    done = run([str(installed / "hybridobs"), *command], cwd=tmp_path)
    assert done.returncode == 2
    assert "pip install 'hybridobs[" in done.stderr and "Traceback" not in done.stderr


def test_no_program_left_anything_behind(installed: Path, tmp_path: Path) -> None:
    """Asking for help writes no file where it was asked."""
    run([str(installed / "hybridobs"), "--help"], cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_collector_needs_its_extra_only(installed: Path, wheel: Path, tmp_path: Path) -> None:
    """With the one extra the collector serves, stops when asked, and leaves a store that can be read."""
    done = run([str(installed / "pip"), "install", "--quiet", "--disable-pip-version-check", f"{wheel}[collector]"])
    assert done.returncode == 0, done.stderr
    ports = ["--http", f"127.0.0.1:{free_port()}", "--grpc", f"127.0.0.1:{free_port()}"]
    command = [str(installed / "hybridobs"), "collector", "run", *ports]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        ready = eventually(f"http://{ports[1]}/readyz")
        process.terminate()
        _, said = process.communicate(timeout=30)
    assert ready and process.returncode == 0, said
    read = run([str(installed / "hybridobs"), "kpi"], cwd=tmp_path)
    assert read.returncode == 0, read.stderr


def eventually(url: str) -> bool:
    """Whether it answers 200 within twenty seconds."""
    for _ in range(200):
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.1)
    return False

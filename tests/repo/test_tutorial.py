"""The ten minutes of docs/tutorial.md, followed to the letter, but for the installation."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import free_port

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()
PORTS = {"http": "4318", "grpc": "4317", "prometheus": "9090", "alertmanager": "9093"}
FILES = re.findall(r"^`([a-z_.]+)`:\n\n```[a-z]+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
STEPS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
INSTALLATION = 1  # of the steps; what it installs is what these tests run with


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_tutorial(tmp_path: Path) -> None:
    """Each file and each command as it stands there, on ports of our own, ends with exit code 0."""
    ours = {number: str(free_port()) for number in PORTS.values()}
    addresses = " ".join(f"--{name} 127.0.0.1:{ours[number]}" for name, number in PORTS.items())
    for name, text in FILES:
        (tmp_path / name).write_text(text.replace("4318", ours["4318"]))
    script = "".join(STEPS[INSTALLATION:]).replace("up --detach", f"up --detach {addresses}")
    there = {"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    try:
        done = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=os.environ | there,
            capture_output=True,
            text=True,
        )
    finally:
        subprocess.run(["hybridobs", "down"], env=os.environ | there, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("hybridobs is up") == 2 and "my-model" in done.stdout and "PASS" in done.stdout
    assert "my-model" in (tmp_path / "my_report.html").read_text()

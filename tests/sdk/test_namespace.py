"""The public namespace is this list, and importing it loads almost nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import hybridobs
import hybridobs.sdk

PUBLIC = [
    "Call",
    "Status",
    "__version__",
    "configure",
    "current",
    "device",
    "events",
    "feedback",
    "flush",
    "hash_id",
    "health",
    "link",
    "observe",
    "ota",
    "outbox",
    "set_cohort",
    "shutdown",
    "status",
]
HEAVY = (
    "numpy",
    "sqlalchemy",
    "grpc",
    "prometheus_client",
    "opentelemetry.sdk",
    "google.protobuf",
    "aiohttp",
    "requests",
)


def loaded(program: str) -> set[str]:
    """Return the modules that a program has loaded at its end."""
    command = [sys.executable, "-c", f"{program}\nimport sys\nprint(' '.join(sys.modules))"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_the_public_names() -> None:
    """A name is added or removed on purpose only."""
    assert hybridobs.__all__ == PUBLIC
    assert all(getattr(hybridobs, name) is not None for name in PUBLIC)
    assert set(PUBLIC) <= set(dir(hybridobs))


@pytest.mark.parametrize("module", [hybridobs, hybridobs.sdk])
def test_an_unknown_name_is_an_attribute_error(module: object) -> None:
    """The lazy door says no like any module."""
    with pytest.raises(AttributeError, match="nothing"):
        _ = module.nothing  # type: ignore[attr-defined]


def test_the_door_of_the_room_knows_its_names() -> None:
    """Every name of ``hybridobs.sdk`` can be loaded."""
    assert all(getattr(hybridobs.sdk, name) for name in hybridobs.sdk.__all__)


def test_the_version_is_that_of_the_distribution() -> None:
    """It is written twice and must not drift."""
    from importlib.metadata import version

    assert hybridobs.__version__ == version("hybridobs")


def test_import_loads_none_of_our_own_rooms() -> None:
    """``import hybridobs`` is the door and nothing behind it."""
    assert {name for name in loaded("import hybridobs") if name.startswith("hybridobs")} == {"hybridobs"}


@pytest.mark.parametrize("heavy", HEAVY)
def test_a_device_loads_nothing_heavy(heavy: str) -> None:
    """Not even when it observes, configures and calls."""
    modules = loaded(
        "import hybridobs\n"
        "hybridobs.configure(service='a', interval=60, shutdown_timeout=0)\n"
        "@hybridobs.observe(model='m')\n"
        "def f(): hybridobs.current().confidence(0.5)\n"
        "f(); hybridobs.shutdown(0)"
    )
    assert not {name for name in modules if name == heavy or name.startswith(f"{heavy}.")}

"""The device is described as far as it can be read, and nothing that fails to be read stops anything."""

from __future__ import annotations

import platform
import sys
import types
from pathlib import Path

import pytest

from hybridobs import contract
from hybridobs.sdk import device
from hybridobs.sdk._guard import failures, forget


def test_what_every_machine_has() -> None:
    """Architecture, system and CPUs, each with the contract's type."""
    found = device.detect("till")
    assert {contract.HOST_ARCH, contract.OS_TYPE, contract.OS_NAME, contract.HOST_CPU_COUNT} <= set(found)
    kinds = {"int": int, "string": str, "string[]": list}
    assert all(isinstance(value, kinds[contract.ATTRIBUTES[key].type]) for key, value in found.items())


def test_runtimes_are_those_that_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is imported to find out; a module without a version is unknown."""
    for name in device.RUNTIMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert device.runtimes() == []
    fake = types.ModuleType("onnxruntime")
    fake.__version__ = "1.22.0"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "onnxruntime", fake)
    monkeypatch.setitem(sys.modules, "torch", types.ModuleType("torch"))
    assert device.runtimes() == ["onnxruntime/1.22.0", "torch/unknown"]


def test_accelerators_are_known_by_their_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each is named once, sorted."""
    (tmp_path / "apex_0").touch()
    files = {str(tmp_path / "apex_0"): "tpu:coral", str(tmp_path / "gone"): "gpu:nvidia"}
    monkeypatch.setattr(device, "_ACCELERATOR_FILES", files)
    assert device.accelerators() == ["tpu:coral"]


def test_the_installation_is_a_keyed_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stable for a service, different for another, and not the machine's own id."""
    monkeypatch.setattr(device, "_read", lambda path: "0123456789abcdef")
    assert device.installation_id("till") == device.installation_id("till")
    assert device.installation_id("till") != device.installation_id("kiosk")
    assert "0123456789abcdef" not in device.installation_id("till")


@pytest.mark.parametrize("error", [OSError, ValueError, RuntimeError])
def test_a_system_where_nothing_can_be_read(monkeypatch: pytest.MonkeyPatch, error: type[Exception]) -> None:
    """What is missing is left out, and only what is unexpected is counted as a fault."""

    def broken(*_: object) -> str:
        raise error

    forget()
    for name in ("_read", "_cpu_count", "accelerators", "runtimes"):
        monkeypatch.setattr(device, name, broken)
    monkeypatch.setattr(platform, "freedesktop_os_release", broken)
    assert contract.HOST_ARCH in device.detect()
    assert bool(failures()) is (error is RuntimeError)


def test_the_clock_may_not_say() -> None:
    """True, false, or unknown; never an exception."""
    assert device.clock_synchronized() in (True, False, None)

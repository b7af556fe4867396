"""What this device is: architecture, system, CPU, memory, accelerators and imported inference runtimes.

Nothing here raises and nothing is imported: what cannot be read is left out. No serial number, host name or address
is read; the installation is a keyed hash of the machine id, different for each service.
"""

from __future__ import annotations

import ctypes
import hashlib
import hmac
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from hybridobs import contract
from hybridobs.sdk._clock import boot_id
from hybridobs.sdk._guard import failed

RUNTIMES = ("onnxruntime", "torch", "tflite_runtime", "ai_edge_litert", "tensorflow")
_ACCELERATOR_FILES = {
    "/proc/driver/nvidia/version": "gpu:nvidia",
    "/dev/nvidia0": "gpu:nvidia",
    "/dev/nvhost-gpu": "gpu:nvidia",  # Jetson
    "/dev/kfd": "gpu:amd",
    "/dev/mali0": "gpu:arm",
    "/dev/apex_0": "tpu:coral",
    "/dev/accel/accel0": "npu:accel",
    "/dev/hailo0": "npu:hailo",
    "/dev/rknpu": "npu:rockchip",
}
_ARCHITECTURES = {
    "x86_64": "amd64",
    "AMD64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm32",
    "armv6l": "arm32",
    "i686": "x86",
}
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


def detect(service: str = "") -> dict[str, object]:
    """Return the resource attributes of this device; reads files, so never call it on the application's thread."""
    found: dict[str, object] = {
        contract.HOST_ARCH: _ARCHITECTURES.get(platform.machine(), platform.machine()),
        contract.OS_TYPE: platform.system().lower(),
    }
    probes: dict[str, Callable[[], object]] = {
        contract.OS_NAME: lambda: _os_release().get("NAME") or platform.system(),
        contract.OS_VERSION: lambda: _os_release().get("VERSION_ID") or platform.release(),
        contract.HOST_CPU_MODEL: _cpu_model,
        contract.HOST_CPU_COUNT: _cpu_count,
        contract.DEVICE_MEMORY: lambda: os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        contract.ACCELERATORS: accelerators,
        contract.RUNTIMES: runtimes,
        contract.BOOT_ID: boot_id,
        contract.INSTALLATION_ID: lambda: installation_id(service),
    }
    for key, probe in probes.items():
        try:
            value = probe()
            if value:
                found[key] = value
        except (OSError, ValueError, AttributeError):
            continue  # not there on this system
        except Exception:
            failed("device")
    return found


def accelerators() -> list[str]:
    """Return the accelerators present, as ``kind:vendor``, sorted."""
    found = {name for path, name in _ACCELERATOR_FILES.items() if Path(path).exists()}
    if sys.platform == "darwin" and platform.machine() == "arm64":
        found |= {"gpu:apple", "npu:apple"}
    return sorted(found)


def runtimes() -> list[str]:
    """Return the inference runtimes that the application has imported, as ``name/version``."""
    found = []
    for name in RUNTIMES:
        module = sys.modules.get(name)
        if module is not None:
            found.append(f"{name}/{getattr(module, '__version__', contract.UNKNOWN)}")
    return found


def installation_id(service: str) -> str:
    """Return a keyed hash of the machine id, or "" if the system has none: stable here, and meaningless elsewhere."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            machine = _read(path)
        except OSError:
            continue
        if machine:
            return hmac.new(machine.encode(), f"hybridobs:{service}".encode(), hashlib.sha256).hexdigest()[:32]
    return ""


def clock_synchronized() -> bool | None:
    """Return whether the kernel says that the wall clock is disciplined; None if it does not say."""
    try:
        if not sys.platform.startswith("linux"):
            return None
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))
    except Exception:
        return None
    return None if state < 0 else state != _TIME_ERROR


def _cpu_count() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 0


def _cpu_model() -> str:
    for line in _read("/proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model", "Hardware"):
            return value.strip()
    return ""


def _os_release() -> dict[str, str]:
    try:
        return platform.freedesktop_os_release()
    except OSError:
        return {}


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8", errors="replace").strip()

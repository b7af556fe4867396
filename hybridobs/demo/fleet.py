"""Who takes part in the demo: the devices, what they are called and which model each runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

MODEL = "digits"
CLOUD_MODEL = "digits-large"
CLOUD_VERSION = "2.0.0"
CLOUD = "cloud"
STABLE = "1.2.0"
CANARY = "1.3.0"
FAULTY = "1.4.0"
"""The version that a gate should stop: the weights of the canary, behind a preprocessing that is slow on purpose."""

CONFIDENT = 0.8
"""A device answers by itself from this confidence on; below it asks the cloud."""

RATE = 100.0
"""Pictures a second that a device sees: enough for a p99 in a run of 20 s."""

CLOUD_PRICE_USD = 0.00002
"""The stated price of one cloud answer; the demo buys nothing."""


class Device(NamedTuple):
    """One device process: ``watts`` is what one busy core of its class is stated to draw (W).

    ``weights`` is the version whose model file it runs, its own unless given; ``drag_s`` is how long its preprocessing
    dawdles.
    """

    name: str
    device_class: str
    site: str
    cohort: str
    channel: str
    version: str
    watts: float
    goes_offline: bool = False
    weights: str = ""
    drag_s: float = 0.0


_KINDS = (
    Device("till-1", "till-arm64", "store-1", "control", "stable", STABLE, 3.0),
    Device("camera-1", "camera-npu", "store-1", "canary", "beta", CANARY, 1.5),
    Device("phone-1", "phone-arm64", "on-the-road", "control", "stable", STABLE, 2.0),
    Device("gateway-1", "gateway-x86", "store-2", "canary", "beta", CANARY, 6.0),
)


CANDIDATE = Device("kiosk-1", "kiosk-x86", "store-2", "canary", "beta", FAULTY, 6.0, weights=CANARY, drag_s=0.02)
"""The device that is first to get the faulty version."""


def service(name: str) -> str:
    """The service name under which a process of the demo sends."""
    return f"demo-{name}"


def fleet(count: int) -> Iterator[Device]:
    """``count`` devices of changing kinds; the last one loses its connection for a while."""
    for i in range(count):
        kind = _KINDS[i % len(_KINDS)]
        name = f"{kind.name.rstrip('1')}{i // len(_KINDS) + 1}"
        yield kind._replace(name=name, goes_offline=i == count - 1)

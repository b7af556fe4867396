"""Real processes, SIGKILL at every step of an update, and the right outcome counted once."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import pytest

from hybridobs.collector import Collector
from hybridobs.store import Store

pytestmark = pytest.mark.timeout(300)
PROGRAM = Path(__file__).parent / "update_program.py"
WRITES = (None, "download", "verify", "install", "installed", "reboot")  # what each write of the state records
STAGES = 4  # before the write, before the renaming, after the write, after the event
AFTER_THE_END = len(WRITES) * STAGES
RESUMING = range(11)  # six events said again, a write of three points, two events


class Device(NamedTuple):
    """What happens to one device; points are -1 for never."""

    version: str
    first: int
    second: int = -1

    @property
    def name(self) -> str:
        """Its cohort, so that its numbers can be told from all others."""
        return f"v{self.version}-{self.first}-{self.second}"

    @property
    def recorded(self) -> int:
        """How many writes reached the disk before the first kill."""
        return self.first // STAGES + (self.first % STAGES >= 2)


DEVICES = [
    *(Device(version, point) for point in range(AFTER_THE_END + 1) for version in ("1.2.0", "1.3.0")),
    *(Device(version, AFTER_THE_END, point) for point in RESUMING for version in ("1.2.0", "1.3.0")),
]
Sums = dict[str, dict[str, int]]


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Sums:
    """Device -> what was counted of it, after all of them were killed and came back."""
    root = tmp_path_factory.mktemp("devices")
    root.chmod(0o700)
    said = "\n".join(f"{one.name} {one.version} {one.first} {one.second}" for one in DEVICES)
    with Collector(f"sqlite:///{root}/store.db", http="127.0.0.1:0", grpc=None).running() as collector:
        command = [sys.executable, str(PROGRAM), collector.http_url, str(root)]
        subprocess.run(command, input=said, text=True, check=True, timeout=280)
    for one in DEVICES:
        killed = [one.first < AFTER_THE_END, True, False] if one.second >= 0 else [one.first < AFTER_THE_END, False]
        assert (root / one.name / "ends").read_text().split() == ["killed" if end else "ended" for end in killed]
    found: Sums = defaultdict(dict)
    with Store.open(f"sqlite:///{root}/store.db") as store:
        for label, measure in (("outcome", "ota.attempts"), ("ota_phase", "ota.phases"), ("", "ota.unconfirmed")):
            by = ("cohort", label) if label else ("cohort",)
            for (name, *rest), own in store.read([measure], by=by).items():
                if total := own[measure].sum:
                    found[name]["".join(rest) or measure] = total
    return found


def expected(device: Device) -> dict[str, int]:
    """What must be counted, by what was on disk when the first kill came and what runs afterwards."""
    done = WRITES[: device.recorded]
    phases = {phase: 1 for phase in done if phase not in (None, "installed")}
    if not done:
        return {}
    if device.version == "1.3.0":
        return {**phases, "succeeded": 1}
    return {**phases, "rolled_back": 1} if "installed" in done else phases


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_a_killed_update_is_counted_right_and_once(counted: Sums, device: Device) -> None:
    """Whatever was interrupted, and whichever version came back."""
    assert counted.get(device.name, {}) == expected(device)

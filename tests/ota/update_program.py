"""Devices that are killed while they update: two or three processes each, one after the other, forked from this one.

Each line of standard input is one device: its name, the version that runs afterwards, and at which point of its first
process, and of its second if that is not -1, SIGKILL comes. A point is before a write of the state, between the write
of the new file and its renaming, after the write, or after the event was queued.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hybridobs
from hybridobs.sdk import ota
from hybridobs.sdk.ota import _journal, _resume, _said

AT_ONCE = 4


def main() -> None:
    """Run every device, a few at a time."""
    endpoint, root = sys.argv[1], Path(sys.argv[2])
    running: set[int] = set()
    for line in sys.stdin:
        name, version, first, second = line.split()
        if len(running) == AT_ONCE:
            running.discard(os.wait()[0])
        running.add(fork(device, endpoint, root / name, name, version, (int(first), int(second))))
    while running:
        running.discard(os.wait()[0])


def device(endpoint: str, place: Path, name: str, version: str, points: tuple[int, int]) -> None:
    """The process that updates, perhaps one that is killed as it resumes, and one that lives."""
    place.mkdir(mode=0o700)
    starts = [(points[0], ""), (points[1], version), (-1, version)]
    for point, running in starts if points[1] >= 0 else (starts[0], starts[2]):
        _, status = os.waitpid(fork(life, endpoint, place, name, point, running), 0)
        with (place / "ends").open("a") as ends:
            ends.write("killed\n" if os.WIFSIGNALED(status) else "ended\n")


def life(endpoint: str, place: Path, name: str, point: int, running: str) -> None:
    """One process of a device: it updates, or starts again as some version."""
    kill_at(point)
    hybridobs.configure(
        service="ota", tier="device", cohort=name, endpoint=endpoint, spool=str(place / "spool"), interval=0.05
    )
    if running:
        ota.resume(running, directory=place / "ota")
    else:
        update(place / "ota")
    hybridobs.flush(30)
    hybridobs.shutdown(5)


def update(place: Path) -> None:
    """Everything up to the restart."""
    with ota.attempt("homemade", "app", "1.2.0", "1.3.0", "d-1", directory=place) as attempt:
        for phase in ("download", "verify", "install"):
            with attempt.phase(phase):
                pass
        attempt.installed()
        attempt.rebooting()


def kill_at(point: int) -> None:
    """Have SIGKILL come at one point; at every other one it comes after the spool had time to commit."""
    passed = iter(range(sys.maxsize))

    def here() -> None:
        if next(passed) == point:
            time.sleep(0.15 * (point % 2))
            os.kill(os.getpid(), signal.SIGKILL)

    def around(function: Callable[..., Any], *, before: bool, after: bool = True) -> Callable[..., Any]:
        def wrapped(*args: Any) -> Any:
            if before:
                here()
            found = function(*args)
            if after:
                here()
            return found

        return wrapped

    replace = Path.replace
    killed_before = around(replace, before=True, after=False)

    def replaced(path: Path, target: Path | str) -> Path:
        """Only of a journal: the spool, on its own thread, renames files too."""
        return (killed_before if str(target).endswith(".json") else replace)(path, target)

    patch: dict[Any, dict[str, Any]] = {
        Path: {"replace": replaced},
        _journal.Journal: {"write": around(_journal.Journal.write, before=True)},
        _said: {"say": (said := around(_said.say, before=False))},
        _resume: {"say": said},
    }
    for place, names in patch.items():
        for name, wrapped in names.items():
            setattr(place, name, wrapped)


def fork(act: Callable[..., None], *args: object) -> int:
    """Run it in a child, which ends with it."""
    child = os.fork()
    if child == 0:
        try:
            act(*args)
        finally:
            os._exit(0)
    return child


if __name__ == "__main__":
    main()

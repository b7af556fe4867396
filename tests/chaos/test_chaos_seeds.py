"""Whatever goes wrong between a call and the store: counted + known lost = sent, and the KPIs are those of the counted.

``CHAOS_SEEDS`` says how many lives are lived (200), ``CHAOS_FIRST`` with which seed to begin (0).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hybridobs.sdk.spool._file import SlotFile
from tests.chaos.world import World

FIRST = int(os.environ.get("CHAOS_FIRST", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("CHAOS_SEEDS", "200")))
STEPS = 40


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """``disk(False)`` makes every write of every spool fail as on a full disk, ``disk(True)`` makes room."""
    room = True
    write = SlotFile._write

    @contextmanager
    def limited(self: SlotFile) -> Iterator[Any]:
        with write(self) as db:
            if not room:
                raise sqlite3.OperationalError("database or disk is full")
            yield db

    def set_room(there: bool) -> None:
        nonlocal room
        room = there

    monkeypatch.setattr(SlotFile, "_write", limited)
    return set_room


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seeded_life(home: Path, disk: Callable[[bool], None], seed: int) -> None:
    """One life of a device: calls, kills, full disks, a bad network, collectors and a database that fail.

    In every third life records may be lost, by limits, age and refusals, and must be known to be; in the others none.
    """
    world = World(home, seed, lossy=seed % 3 == 0)
    world.live(STEPS, disk)
    world.check()
    world.cloud.close()

"""Where the books are kept: in memory if there is such a place, for here no disk is pulled out of anything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryDirectory

import pytest

MEMORY = "/dev/shm"
ENOUGH = 2**30  # bytes; a container may have less than a database takes


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty directory, where fsync costs nothing if the system has such a place."""
    there = os.access(MEMORY, os.W_OK) and disk_usage(MEMORY).free > ENOUGH
    with TemporaryDirectory(prefix="chaos", dir=MEMORY if there else None) as made:
        yield Path(made)

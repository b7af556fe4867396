"""A spool in a directory of its own, ended after the test whatever happened in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hybridobs.sdk.spool import Limits, Spool

QUICK = {"commit_s": 0.005, "chore_s": 0.05, "keep_free_bytes": 0, "drain_bytes_s": 0}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory that does not exist yet."""
    return tmp_path / "spool"


@pytest.fixture
def open_spool(place: Path) -> Iterator[Callable[..., Spool]]:
    """Open a spool: ``open_spool("stream", max_bytes=…)``; limits not given make it act at once."""
    opened: list[Spool] = []

    def open_one(stream: str = "a", directory: Path | None = None, **limits: float) -> Spool:
        chosen = Limits(**{**QUICK, **limits})  # type: ignore[arg-type]
        opened.append(Spool(directory or place, stream, lambda: b"resource of " + stream.encode(), limits=chosen))
        return opened[-1]

    yield open_one
    for spool in opened:
        spool.end()

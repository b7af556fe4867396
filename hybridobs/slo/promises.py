"""The file of a check, which is worth asking only if it promises something: for the command and for pytest."""

from __future__ import annotations

from pathlib import Path

from hybridobs.errors import ConfigError
from hybridobs.slo._file import load
from hybridobs.slo.objective import SloFile


def promises(file: Path) -> SloFile:
    """The file at ``file``; ConfigError if it has nothing that a check could judge."""
    slo = load(file)
    if not slo.objectives:
        raise ConfigError("file", str(file), "has no objectives to check, only gates; ask 'hybridobs slo gate'")
    return slo

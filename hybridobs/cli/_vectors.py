"""Vectors out of a file, a row for each, as the numbers that devices send in their place.

CSV and TSV (with or without a head line), JSON (a list of lists, or an object with one under the name) and NumPy
(``.npy``; ``.npz`` with one array under the name, or with one array).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from hybridobs.errors import ConfigError, MissingExtra
from hybridobs.kpi import projection

Rows = list[Any]


def columns(path: Path, name: str) -> dict[str, list[float | None]]:
    """What stands for the embedding ``name``: a column for each feature; a row that is no finite vector is absent.

    ConfigError names the file: rows differ in length, or none is a vector.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigError("file", str(path), f"cannot be read; give it one of the endings {', '.join(_READERS)}")
    try:
        rows = [_vector(row) for row in reader(path, name)]
    except (OSError, EOFError, BadZipFile, ValueError, TypeError, OverflowError, csv.Error) as error:
        raise ConfigError("file", str(path), f"holds no vectors, a row for each: {error}") from error
    if len(sizes := {len(row) for row in rows}) > 1:
        raise ConfigError("file", str(path), f"rows have from {min(sizes)} to {max(sizes)} numbers; give all the same")
    features = projection.features(name)
    told = [projection.numbers(row) or (None,) * len(features) for row in rows]
    if not any(None not in one for one in told):
        raise ConfigError("file", str(path), f"no row is a vector of 1 to {projection.MOST_DIMENSIONS} finite numbers")
    return {feature: list(column) for feature, column in zip(features, zip(*told, strict=True), strict=True)}


def _vector(row: Sequence[Any]) -> list[float]:
    """An empty cell is not a number, so its row is absent."""
    return [float("nan") if cell is None or cell == "" else float(cell) for cell in row]


def _csv(path: Path, _: str) -> Rows:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",") if row]
    return rows[1:] if rows and not _numeric(rows[0]) else rows


def _numeric(row: Sequence[str]) -> bool:
    try:
        _vector(row)
    except ValueError:
        return False
    return True


def _json(path: Path, name: str) -> Rows:
    found = json.loads(path.read_text(encoding="utf-8"))
    rows = found.get(name) if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise ValueError(f"neither a list of lists nor an object with one under {name!r}")
    return rows


def _numpy(path: Path, name: str) -> Rows:
    try:
        import numpy as np
    except ModuleNotFoundError as fault:
        raise MissingExtra("numpy", "collector") from fault
    found = np.load(path, allow_pickle=False)
    if path.suffix.lower() == ".npz":
        if name not in found.files and len(found.files) != 1:
            raise ValueError(f"no array is called {name!r}; there are: {', '.join(found.files)}")
        found = found[name if name in found.files else found.files[0]]
    if found.ndim != 2:
        raise ValueError(f"the array has {found.ndim} dimensions, not 2")
    rows: Rows = found.tolist()
    return rows


_READERS: dict[str, Callable[[Path, str], Rows]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".json": _json,
    ".npy": _numpy,
    ".npz": _numpy,
}

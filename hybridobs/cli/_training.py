"""Training data out of a file: a column for each feature, of numbers or of names.

CSV (comma, or tab for ``.tsv``, with a head line), JSON (a list of objects or an object of lists) and NumPy (``.npy``,
``.npz``). A column is of numbers if everything in it is one; a value that is absent stays absent.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from hybridobs.errors import ConfigError, MissingExtra

Numbers = list[float | None]
Names = list[str | None]
Columns = dict[str, Numbers | Names]

_ABSENT = frozenset({"", "na", "n/a", "nan", "null", "none"})


def read(path: Path, features: Sequence[str], categories: Sequence[str]) -> Columns:
    """The columns ``features`` (all if none is named), those of ``categories`` as names.

    ConfigError names the file and the column. A two-dimensional ``.npy`` has no names: ``features`` are its columns in
    their order.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ConfigError("file", str(path), f"cannot be read; give it one of the endings {', '.join(_READERS)}")
    try:
        found = reader(path, features)
    except (OSError, EOFError, BadZipFile, ValueError, csv.Error) as error:
        raise ConfigError("file", str(path), f"cannot be read: {error}") from error
    for name in (*features, *categories):
        if name not in found:
            raise ConfigError("feature", name, f"{path} has no such column; it has: {', '.join(found)}")
    chosen = features or list(found)
    return {name: _names(found[name]) if name in categories else _typed(found[name]) for name in chosen}


def is_document(path: Path) -> bool:
    """Whether a JSON file holds finished references, as ``drift reference show --format json`` prints them."""
    from hybridobs.kpi.drift.document import FORMAT

    if path.suffix.lower() != ".json":
        return False
    try:
        with path.open(encoding="utf-8") as file:
            return FORMAT in file.read(200)
    except (OSError, UnicodeError):
        return False


def _csv(path: Path, _: Sequence[str]) -> dict[str, list[Any]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ","))
    if not rows:
        raise ValueError("it is empty")
    head, *rows = rows
    whole = [row for row in rows if row]
    if ragged := next((line for line, row in enumerate(whole, 2) if len(row) != len(head)), None):
        raise ValueError(f"row {ragged} has {len(whole[ragged - 2])} cells, the head line {len(head)}")
    names = [name.strip() for name in head]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ValueError(f"its head line names {twice[0]!r} twice; give each column a name of its own")
    columns: Iterable[Sequence[str]] = zip(*whole, strict=True) if whole else ((),) * len(head)
    return {name: list(column) for name, column in zip(names, columns, strict=True)}


def _json(path: Path, _: Sequence[str]) -> dict[str, list[Any]]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(found, list) and found and all(isinstance(row, dict) for row in found):
        names = dict.fromkeys(name for row in found for name in row)
        return {name: [row.get(name) for row in found] for name in names}
    if isinstance(found, dict) and all(isinstance(column, list) for column in found.values()):
        return found
    raise ValueError("neither a list of objects nor an object of lists")


def _numpy(path: Path, features: Sequence[str]) -> dict[str, list[Any]]:
    try:
        import numpy as np
    except ModuleNotFoundError as fault:
        raise MissingExtra("numpy", "collector") from fault
    found = np.load(path, allow_pickle=False)
    if path.suffix.lower() == ".npz":
        return {name: found[name].ravel().tolist() for name in found.files}
    if found.dtype.names:
        return {name: found[name].ravel().tolist() for name in found.dtype.names}
    table = found.reshape(len(found), -1)
    if table.shape[1] != len(features):
        raise ValueError(f"{table.shape[1]} columns without names: give --feature once for each, in order")
    return {name: table[:, place].tolist() for place, name in enumerate(features)}


_READERS: dict[str, Callable[[Path, Sequence[str]], dict[str, list[Any]]]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".json": _json,
    ".npy": _numpy,
    ".npz": _numpy,
}


def _typed(column: Iterable[Any]) -> Numbers | Names:
    values = list(column)
    numbers: Numbers = []
    for value in values:
        if _absent(value):
            numbers.append(None)
            continue
        try:
            numbers.append(float(value))
        except (TypeError, ValueError):
            return _names(values)
    return numbers


def _names(column: Iterable[Any]) -> Names:
    return [None if _absent(value) else str(value).strip() for value in column]


def _absent(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _ABSENT
    return value is None or (isinstance(value, float) and not math.isfinite(value))

"""Training data out of files of every kind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hybridobs.cli._training import is_document, read
from hybridobs.errors import ConfigError


def test_csv(tmp_path: Path) -> None:
    """Numbers are numbers, anything else makes names, and what is absent is absent."""
    path = tmp_path / "a.csv"
    path.write_text("\ufefflight, country\n0.5,DE\nNaN,\n,FR\n7,DE\n", encoding="utf-8")
    assert read(path, (), ()) == {"light": [0.5, None, None, 7.0], "country": ["DE", None, "FR", "DE"]}


def test_tsv(tmp_path: Path) -> None:
    """Tabs part the cells of a .tsv."""
    path = tmp_path / "a.tsv"
    path.write_text("a\tb\n1\tx,y\n")
    assert read(path, (), ()) == {"a": [1.0], "b": ["x,y"]}


def test_numbers_that_are_names(tmp_path: Path) -> None:
    """A code is a name if one says so."""
    path = tmp_path / "a.csv"
    path.write_text("store\n0041\n0042\n")
    assert read(path, (), ("store",)) == {"store": ["0041", "0042"]}


@pytest.mark.parametrize("data", [[{"a": 1, "b": "x"}, {"a": None}], {"a": [1, None], "b": ["x", None]}])
def test_json(tmp_path: Path, data: object) -> None:
    """A list of objects or an object of lists."""
    path = tmp_path / "a.json"
    path.write_text(json.dumps(data))
    assert read(path, (), ()) == {"a": [1.0, None], "b": ["x", None]}
    assert not is_document(path)


def test_npz(tmp_path: Path) -> None:
    """Each array of an .npz is a column; infinite is absent."""
    path = tmp_path / "a.npz"
    np.savez(path, light=np.array([0.5, np.inf]), country=np.array(["DE", "FR"]))
    assert read(path, ("light",), ()) == {"light": [0.5, None]}
    assert read(path, ("country",), ()) == {"country": ["DE", "FR"]}


def test_npy(tmp_path: Path) -> None:
    """Columns without names take those that are given, in order."""
    path = tmp_path / "a.npy"
    np.save(path, np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert read(path, ("a", "b"), ()) == {"a": [1.0, 3.0], "b": [2.0, 4.0]}
    with pytest.raises(ConfigError, match="2 columns without names"):
        read(path, ("a",), ())


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.parquet", "", "one of the endings"),
        ("a.csv", "", "it is empty"),
        ("a.csv", "a,b\n1,2\n3\n", "row 3 has 1 cells"),
        ("a.csv", "a, b,a \n1,2,3\n", "its head line names 'a' twice"),
        ("a.tsv", "a\ta\n1\t2\n", "its head line names 'a' twice"),
        ("a.json", "[1, 2]", "neither a list of objects"),
        ("a.json", "{", "cannot be read"),
        ("a.npy", "no array", "cannot be read"),
        ("a.npy", "", "cannot be read"),
        ("a.npz", "PK\x03\x04", "cannot be read"),
    ],
)
def test_broken(tmp_path: Path, name: str, text: str, told: str) -> None:
    """A file that cannot be read is named with the reason."""
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        read(path, (), ())

"""Embeddings from the device to the verdict: a few numbers travel, on both sides the same."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybridobs
from hybridobs.cli._vectors import columns
from hybridobs.collector import Collector
from hybridobs.errors import ConfigError
from hybridobs.kpi import projection
from hybridobs.sdk.simulated import Device
from tests.drift_cli.conftest import Run

OF = ("--model", "digits", "--version", "1", "--embedding", "image")
NAMES = projection.features("image")
DIMENSIONS = 16
Send = Callable[..., None]


def vectors(count: int, *, seed: int, shift: float = 0.0) -> Any:
    """Vectors around a common one; ``shift`` moves each dimension by so many of its spreads."""
    usual = np.random.default_rng(0).normal(size=DIMENSIONS)
    return usual + shift + np.random.default_rng(seed).normal(size=(count, DIMENSIONS))


@pytest.fixture
def send(url: str) -> Send:
    """Twelve devices observe 150 calls each and deliver them to a collector."""

    def through(shift: float) -> None:
        with Collector(url, http="127.0.0.1:0", grpc=None).running() as collector:
            for number in range(12):
                now = time.time_ns()
                settings = {"service": "till", "endpoint": collector.http_url, "installation_id": f"till-{number}"}
                device = Device(settings, booted_ns=now - 3_600 * 10**9)
                for vector in vectors(150, seed=number + 1, shift=shift):
                    with device.calling(
                        hybridobs.observe(model="digits", version="1"), now - 600 * 10**9, 10**6
                    ) as call:
                        call.embedding("image", vector)
                assert device.deliver(now)

    return through


@pytest.fixture
def trained(run: Run, url: str, tmp_path: Path) -> str:
    """A registered reference of 2,000 training vectors."""
    path = tmp_path / "vectors.npy"
    np.save(path, vectors(2000, seed=99))
    done = run("drift", "reference", "add", str(path), *OF)
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [f"registered digits 1 {n}" for n in NAMES]
    return str(path)


def verdicts(run: Run, *words: str) -> dict[str, str]:
    """The verdict of each feature."""
    told = json.loads(run("drift", "show", "--format", "json", *words).stdout)
    assert not told["unreferenced"]
    return {one["feature"]: one["verdict"] for one in told["comparisons"]}


def test_no_shift(run: Run, send: Send, trained: str) -> None:
    """Vectors like those of the training data are OK, along each direction and in length."""
    send(shift=0.0)
    assert verdicts(run) == dict.fromkeys(NAMES, "ok")
    assert run("drift", "show", "--exit-code").exit_code == 0


def test_shift(run: Run, send: Send, trained: str) -> None:
    """Vectors that moved alarm, and the KPI sees them too."""
    send(shift=0.6)
    assert "alarm" in verdicts(run).values()
    assert run("drift", "show", "--exit-code").exit_code == 1
    words = ("drift_score", "--format", "json", "--by", "feature")
    readings = json.loads(run("kpi", *words).stdout)["readings"]
    assert {one["group"]["feature"] for one in readings} == set(NAMES)
    assert max(one["value"] for one in readings) > 0.1


def test_a_good_week(run: Run, send: Send) -> None:
    """The field is a reference as well: the name stands for its five features."""
    send(shift=0.0)
    done = run("drift", "reference", "add", "--from-store", "--since", "1h", *OF)
    assert done.exit_code == 0 and done.stdout.count("1,800 numbers") == len(NAMES)


@pytest.mark.parametrize("ending", ["npz", "csv", "tsv", "json"])
def test_files(tmp_path: Path, ending: str) -> None:
    """Every kind of file gives the numbers of the device; a row with a hole is absent."""
    rows = vectors(3, seed=1).tolist()
    path = tmp_path / f"vectors.{ending}"
    if ending == "npz":
        np.savez(path, image=np.array([*rows, [float("nan")] * DIMENSIONS]))
    elif ending == "json":
        path.write_text(json.dumps({"image": [*rows, [None] * DIMENSIONS]}))
    else:
        mark = "," if ending == "csv" else "\t"
        head = [f"x{place}" for place in range(DIMENSIONS)] if ending == "csv" else rows.pop(0)
        lines = ([head] if ending == "csv" else [head, *rows]) + (rows if ending == "csv" else [])
        path.write_text("\n".join(mark.join(map(str, row)) for row in [*lines, [""] * DIMENSIONS]))
    expected = [projection.numbers(row) for row in vectors(3, seed=1).tolist()]
    assert [*zip(*columns(path, "image").values(), strict=True)] == [*expected, (None,) * len(NAMES)]


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.parquet", "", "one of the endings"),
        ("a.csv", "", "no row is a vector"),
        ("a.csv", "1,2\n3\n", "rows have from 1 to 2 numbers"),
        ("a.csv", "a,b\n1,x\n", "holds no vectors"),
        ("a.json", "[1, 2]", "neither a list of lists"),
        ("a.json", '{"sound": [[1]]}', "under 'image'"),
        ("a.npy", "no array", "holds no vectors"),
    ],
)
def test_broken(tmp_path: Path, name: str, text: str, told: str) -> None:
    """A file without vectors is named with the reason."""
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        columns(path, "image")


def test_words_that_clash(run: Run, trained: str) -> None:
    """An embedding is the whole file, so no column of it can be chosen."""
    done = run("drift", "reference", "add", trained, *OF, "--feature", "light")
    assert done.exit_code == 2 and "--embedding takes every number" in done.stderr


def test_one_length(run: Run, url: str, tmp_path: Path) -> None:
    """Vectors made one long are all equal in length, and the advice for plain features is not given."""
    made = vectors(500, seed=3)
    np.save(tmp_path / "unit.npy", made / np.linalg.norm(made, axis=1, keepdims=True))
    told = run("drift", "reference", "add", str(tmp_path / "unit.npy"), *OF).stdout
    assert told.count("only 1 groups") == 1 and "usual value" not in told

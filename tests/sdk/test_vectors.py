"""What an application says about a vector: a few numbers reach the wire, the vector does not."""

from __future__ import annotations

import array
import math
from typing import Any

import numpy as np
import pytest

import hybridobs
from hybridobs.kpi import projection
from hybridobs.sdk._guard import failures, ignored_values
from tests.sdk.conftest import Wire

observed = hybridobs.observe(model="digits", version="1.3.0")
VECTOR = [3.0, -4.0, 12.0, 0.0]


def said(wire: Wire, vector: Any, name: Any = "image") -> dict[str, Any]:
    """The features of a call that says this vector."""
    with observed as call:
        call.embedding(name, vector)
    prefix = "hybridobs.feature."
    return {k.removeprefix(prefix): v for k, v in wire.values(wire.span()).items() if k.startswith(prefix)}


@pytest.mark.parametrize(
    "vector",
    [
        VECTOR,
        (3, -4, 12, 0),
        [np.float32(x) for x in VECTOR],
        np.array(VECTOR),
        np.array(VECTOR, dtype=np.float16),
        array.array("d", VECTOR),
    ],
)
def test_any_sequence_of_numbers(wire: Wire, vector: Any) -> None:
    """Lists, tuples and arrays of any type give the same numbers, and nothing else leaves."""
    found = said(wire, vector)
    assert tuple(found) == projection.features("image")
    assert tuple(found.values()) == projection.numbers(VECTOR)
    assert ignored_values() == {}


@pytest.mark.parametrize(
    ("vector", "fault"),
    [
        ([], "out_of_range"),
        ([1e300, 1.0], "out_of_range"),
        ([math.nan, 1.0], "not_a_number"),
        (np.array([math.inf, 1.0]), "not_a_number"),
        (np.zeros((1, 4)), "wrong_type"),
        (np.float64(1.0), "wrong_type"),
        ("0123", "wrong_type"),
        (b"0123", "wrong_type"),
        ([True, False], "wrong_type"),
        (["1", "2"], "wrong_type"),
        ([10**400], "wrong_type"),
        ({1.0, 2.0}, "wrong_type"),
        (None, "wrong_type"),
        (iter(VECTOR), "wrong_type"),
        ([0.5] * (projection.MOST_DIMENSIONS + 1), "too_long"),
    ],
)
def test_what_is_no_vector(wire: Wire, caplog: pytest.LogCaptureFixture, vector: Any, fault: str) -> None:
    """It is ignored and counted, the call is recorded, and the log has no number of it."""
    assert said(wire, vector) == {}
    assert ignored_values() == {f"hybridobs.feature.image: {fault}": 1}
    assert type(vector).__name__ in caplog.text and "0.5" not in caplog.text


def test_a_vector_that_fails(wire: Wire) -> None:
    """An array of another library that raises harms nobody."""

    class Broken:
        def tolist(self) -> None:
            raise RuntimeError("no such device")

    assert said(wire, Broken()) == {}
    assert failures() == {"embedding": 1}


@pytest.mark.parametrize("name", ["", None, 7])
def test_no_name(wire: Wire, name: Any) -> None:
    """A vector without a name is ignored."""
    assert said(wire, VECTOR, name) == {}
    assert ignored_values() == {"hybridobs.feature.: wrong_type": 1}


def test_outside_a_call(wire: Wire) -> None:
    """Nothing is computed and nothing sent."""
    hybridobs.current().embedding("image", VECTOR)
    assert wire.spans() == [] and ignored_values() == {}

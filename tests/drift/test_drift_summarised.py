"""A reference as a measure of the board."""

from __future__ import annotations

import pytest

from hybridobs.kpi.catalog.measures import FEATURE_REFERENCE
from hybridobs.kpi.drift import Key, NumericReference, summarised
from hybridobs.kpi.summary import Summary

KEY = Key("m", "1", "a")
CASES = {
    "even": [place / 7 for place in range(5000)],
    "around zero": [place / 10 - 50 for place in range(1000)],
    "one value": [3.25] * 700,
    "mostly zero": [0.0] * 900 + [float(place) for place in range(100)],
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("aligned", [True, False])
def test_like_the_values_themselves(name: str, aligned: bool) -> None:
    """Number and sum are exact; deciles are those of the values within the width of two buckets."""
    reference = NumericReference.of_values(KEY, CASES[name], aligned=aligned)
    made = summarised(reference, FEATURE_REFERENCE)
    exact = Summary.of(FEATURE_REFERENCE, [round(value * 1e6) for value in CASES[name]])
    assert (made.n, made.sum) == (exact.n, exact.sum)
    for step in range(1, 10):
        assert made.quantile(step / 10) == pytest.approx(exact.quantile(step / 10), rel=0.045, abs=0.11)
    assert Summary.unpack(FEATURE_REFERENCE, made.n, made.sum, made.min, made.max, made.pack()) == made

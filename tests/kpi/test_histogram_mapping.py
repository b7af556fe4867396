"""The bucket of a value is OpenTelemetry's, to the bit, for floats and for whole quanta."""

from __future__ import annotations

import random
from bisect import bisect_left
from fractions import Fraction
from math import inf, nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.logarithm_mapping import LogarithmMapping

from hybridobs.kpi.histogram import LIMIT, MANTISSAS, STEPS, bounds, bucket, first, index, lower, upper

RESOLUTIONS = (1, 1_000_000, 1_000_000_000)


def _values() -> list[float]:
    chance = random.Random(5)
    spread = [chance.lognormvariate(0, 8) for _ in range(20_000)]
    return spread + [2.0**exponent for exponent in range(-60, 60)] + [n / 1000 for n in range(1, 5000)]


@pytest.mark.parametrize(("scale", "shift"), [(5, 0), (8, 3), (20, 15)])
def test_equals_opentelemetry(scale: int, shift: int) -> None:
    """OpenTelemetry's own mapping agrees at scale 5, and finer scales shift down to it."""
    theirs = LogarithmMapping(scale)
    assert [theirs.map_to_index(value) >> shift for value in _values()] == [bucket(value) for value in _values()]


def test_upper_edge_belongs() -> None:
    """A bucket ends with its upper edge; the next float is in the next bucket."""
    for place in range(-1000, 1000):
        assert bucket(upper(place)) == place == bucket(nextafter(lower(place), inf))
        assert bucket(nextafter(upper(place), inf)) == place + 1


def test_buckets_meet() -> None:
    """Every bucket begins where the one before it ends, 2.19 % wide."""
    for place in range(-1000, 1000):
        assert upper(place) == lower(place + 1)
        assert upper(place) / lower(place) == pytest.approx(2 ** (1 / 32), rel=1e-15)


def test_mantissas_are_the_last_floats_below_the_edges() -> None:
    """Each constant is the largest float that is not above its edge: no rounding puts a value into the wrong bucket."""
    for step, mantissa in enumerate(MANTISSAS):
        edge = Fraction(2) ** step / 2**STEPS  # the edge to the power of STEPS
        assert Fraction(mantissa) ** STEPS <= edge < Fraction(nextafter(mantissa, inf)) ** STEPS


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_bounds_are_exact(resolution: int) -> None:
    """A bound in quanta is the last whole number of its bucket, in exact arithmetic."""
    for place, bound in enumerate(bounds(resolution), first(resolution)):
        edge = resolution**STEPS * Fraction(2) ** (place + 1)
        assert bound**STEPS <= edge < (bound + 1) ** STEPS


@given(quanta=st.integers(1, 1 << 40), resolution=st.sampled_from(RESOLUTIONS))
def test_quanta_fall_where_floats_fall(quanta: int, resolution: int) -> None:
    """Counting in whole numbers changes no bucket."""
    assert index(quanta, resolution) == bucket(quanta / resolution)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_every_measurable_number_has_a_bucket(resolution: int) -> None:
    """The table reaches from one quantum to 2**53."""
    assert index(1, resolution) == first(resolution) + bisect_left(bounds(resolution), 1)
    assert bounds(resolution)[-1] >= LIMIT > bounds(resolution)[-2]

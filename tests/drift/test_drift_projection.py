"""A vector as a few numbers: those of the embedding reference, and the same on every machine."""

from __future__ import annotations

import math

import pytest

from hybridobs.kpi import projection
from hybridobs.kpi.catalog.measures import FEATURE
from hybridobs.kpi.drift import EmbeddingReference, Key, Space

VECTORS = [[math.sin(row * 7 + place) for place in range(24)] for row in range(50)]


def test_the_directions_are_those_of_a_reference() -> None:
    """What a device sends falls where a reference of stored vectors counts it."""
    reference = EmbeddingReference.of_values(Key("m", "1", "image"), VECTORS)
    told = [projection.numbers(vector) for vector in VECTORS]
    for place in range(projection.PROJECTIONS):
        values = [one[place] for one in told if one is not None]
        assert reference.space.bins[place].count(values).counts == reference.cloud.along[place].counts


def test_length_is_the_distance_from_nothing() -> None:
    """To three digits, as a space with its centroid at zero has it."""
    space = Space((0,) * 24, (), projection.SEED, projection.RESOLUTION)
    quanta = [round(x * projection.RESOLUTION) for x in VECTORS[3]]
    told = projection.numbers(VECTORS[3])
    assert told is not None and told[-1] == pytest.approx(
        space._along(quanta, 0)[-1] / projection.RESOLUTION, rel=0.005
    )


def test_the_same_for_ever() -> None:
    """Another version or language that computes these has the same directions."""
    assert projection.numbers([3.0, -4.0, 12.0, 0.0]) == (6.5, 9.5, -6.5, -5.5, 13.0)
    assert FEATURE.resolution == projection.RESOLUTION


@pytest.mark.parametrize(
    "vector", [[], [math.nan, 1.0], [math.inf], [1e300], [9e9, 9e9], [0.0] * (projection.MOST_DIMENSIONS + 1)]
)
def test_no_vector(vector: list[float]) -> None:
    """What cannot be told is told as nothing, not as a number."""
    assert projection.numbers(vector) is None


def test_made_one_long() -> None:
    """Vectors of length one differ in rounding only, which the length does not show."""
    found = set()
    for vector in VECTORS:
        length = math.hypot(*vector)
        told = projection.numbers([round(x / length, 4) for x in vector])
        assert told is not None
        found.add(told[-1])
    assert found == {1.0}


def test_names() -> None:
    """A feature that stands for a vector is known by its name, and no other."""
    assert all(projection.of_vector(name) for name in projection.features("image"))
    assert not any(map(projection.of_vector, ("image", "image.projection.5", "image.projection.1.norm.x", "norm")))

"""Embeddings: moments and fixed directions that add up, against numpy and scipy."""

from __future__ import annotations

from typing import Any

import pytest

from hybridobs.errors import ConfigError, LayoutError
from hybridobs.kpi.drift import Cloud, EmbeddingReference, Key, Rule, Verdict, compare_embedding

np = pytest.importorskip("numpy")
linalg = pytest.importorskip("scipy.linalg")
KEY = Key("faces", "2.1", "embedding")


def vectors(seed: int, n: int, dimensions: int = 16) -> Any:
    """Correlated normal vectors."""
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(0).normal(size=(dimensions, dimensions))
    return rng.normal(size=(n, dimensions)) @ mix / 4


def reference_of(values: Any, *, projections: int = 4, seed: int = 0) -> EmbeddingReference:
    """A reference made from an array."""
    return EmbeddingReference.of_values(KEY, values.tolist(), projections=projections, seed=seed)


def test_distances_equal_numpy() -> None:
    """Mean distance, the same over the reference's spread, diagonal Fréchet."""
    was, now = vectors(1, 400), 1.2 * vectors(2, 300) + 0.3
    reference = reference_of(was)
    found = compare_embedding(reference, reference.space.count(now.tolist())).distance
    apart = np.linalg.norm(was.mean(0) - now.mean(0))
    assert found.mean == pytest.approx(apart, abs=1e-6)
    assert found.relative == pytest.approx(apart / np.sqrt(was.var(0).sum()), rel=1e-5)
    assert found.frechet == pytest.approx(apart**2 + ((was.std(0) - now.std(0)) ** 2).sum(), rel=1e-5)


def test_frechet_is_that_of_diagonal_covariances() -> None:
    """The general formula with a matrix root, as FID has it."""
    was, now = vectors(3, 500), 0.7 * vectors(4, 500)
    reference = reference_of(was)
    a, b = np.diag(was.var(0)), np.diag(now.var(0))
    expected = ((was.mean(0) - now.mean(0)) ** 2).sum() + np.trace(a + b - 2 * linalg.sqrtm(a @ b).real)
    found = compare_embedding(reference, reference.space.count(now.tolist())).distance.frechet
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_seed_gives_the_same_directions_everywhere() -> None:
    """Signs are the bits of SHAKE-256, so another language can count too."""
    one, same, other = (reference_of(vectors(5, 50), seed=seed) for seed in (7, 7, 8))
    assert one == same and one.space.layout != other.space.layout
    along = reference_of(np.eye(4), projections=1).space._along([4_000_000, 0, 0, 0], 1)
    assert abs(along[0]) == pytest.approx(2_000_000, abs=1)


def test_clouds_add_up_in_any_order() -> None:
    """Windows counted apart equal all vectors counted at once, to the bit; packed they come back."""
    now = vectors(6, 90).tolist()
    space = reference_of(vectors(5, 60)).space
    parts = [space.count(now[:20]), space.count(now[20:50]), space.count([*now[50:], None, [1.0], [float("nan")] * 16])]
    whole = parts[2] + parts[0] + space.empty + parts[1]
    assert whole == (parts[0] + parts[1]) + parts[2]
    assert (whole.n, whole.missing, whole.sums) == (90, 3, space.count(now).sums)
    assert Cloud.unpack(whole.pack()) == whole


def test_no_shift_is_ok_and_a_shift_alarms() -> None:
    """Moved in every dimension by half a standard deviation; or only spread wider around the same centre."""
    was = vectors(7, 1500)
    reference = reference_of(was)
    moved = vectors(8, 1500) + 0.5 * was.std(0) * np.sign(np.random.default_rng(1).normal(size=16))
    cases = (vectors(9, 1500), Verdict.OK), (moved, Verdict.ALARM), (1.3 * vectors(10, 1500), Verdict.ALARM)
    for now, expected in cases:
        assert compare_embedding(reference, reference.space.count(now.tolist())).verdict is expected


def test_alpha_is_shared_out_between_the_directions() -> None:
    """Five looks at one embedding are not five chances of a false alarm."""
    reference = reference_of(vectors(11, 300))
    found = compare_embedding(reference, reference.space.count(vectors(12, 300).tolist()), rule=Rule(alpha=0.05))
    single = compare_embedding(reference, reference.space.count(vectors(12, 300).tolist()), rule=Rule(alpha=0.25))
    assert len(found.along) == 5 and found.along[-1].label == "distance from centroid"
    assert found.along[0].judgement.limit > single.along[0].judgement.limit


def test_device_shards_are_heeded() -> None:
    """Three devices with places of their own say little, however many vectors they send."""
    reference = reference_of(vectors(13, 800))
    rng = np.random.default_rng(2)
    shards = [reference.space.count((vectors(20 + k, 200) + rng.normal(size=16)).tolist()) for k in range(3)]
    window = sum(shards, start=reference.space.empty)
    alike, apart = compare_embedding(reference, window), compare_embedding(reference, window, shards)
    assert {one.judgement.verdict for one in alike.along[:-1]} == {Verdict.ALARM}
    assert {one.judgement.verdict for one in apart.along[:-1]} == {Verdict.TOO_LITTLE}


def test_no_vector_makes_no_reference() -> None:
    """None of them finite."""
    with pytest.raises(ConfigError, match="embedding"):
        EmbeddingReference.of_values(KEY, [None, [float("inf")]])


def test_an_empty_window_is_too_little() -> None:
    """And at no distance."""
    reference = reference_of(vectors(14, 100))
    found = compare_embedding(reference, reference.space.count([None]))
    assert (found.verdict, found.distance) == (Verdict.TOO_LITTLE, (0, 0, 0))


def test_vectors_of_another_space_are_refused() -> None:
    """Added or compared; damaged bytes too."""
    one, other = reference_of(vectors(15, 50)), reference_of(vectors(16, 50))
    with pytest.raises(LayoutError, match="different spaces"):
        _ = one.cloud + other.cloud
    with pytest.raises(LayoutError, match="another reference"):
        compare_embedding(one, other.cloud)
    for damage in (b"", one.cloud.pack()[:-1], one.cloud.pack() + b"x"):
        with pytest.raises(LayoutError):
            Cloud.unpack(damage)

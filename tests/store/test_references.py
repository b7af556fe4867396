"""Drift references: kept by key, replaced whole, read as a measure of all time."""

from __future__ import annotations

from hybridobs.kpi.drift import CategoryReference, Key, NumericReference, Reference
from hybridobs.store import Store
from tests.store.conftest import Opener

LIGHT, WINTER = Key("digits", "1", "light"), Key("digits", "1", "light", "month-01")
REFERENCE = "feature.reference"


def numbers(key: Key, factor: float = 1.0) -> Reference:
    return NumericReference.of_values(key, [factor * (1 + place / 100) for place in range(1000)], aligned=True)


def put(store: Store, *references: Reference) -> None:
    with store.begin() as tx:
        tx.put_references(references)


def test_read_as_written(store: Store) -> None:
    """What is read equals what was registered, in the order of keys; a season is another reference."""
    names = CategoryReference.of_values(Key("digits", "1", "country"), ["DE", "FR", None])
    put(store, numbers(WINTER), numbers(LIGHT), names)
    assert [one.reference for one in store.references()] == [names, numbers(LIGHT), numbers(WINTER)]
    assert [one.reference.key for one in store.references({"season": "month-01"})] == [WINTER]
    assert {one.created for one in store.references()} == {1_760_000_000}


def test_replaced(store: Store) -> None:
    """A second reference of a key replaces the first."""
    put(store, numbers(LIGHT))
    put(store, numbers(LIGHT, 2))
    assert [one.reference for one in store.references()] == [numbers(LIGHT, 2)]


def test_not_replaced_unless_wanted(opened: Opener) -> None:
    """Who adds is told what another one has registered, which stays; the rest is registered."""
    first, second = opened(writer="first"), opened(writer="second")
    put(first, numbers(LIGHT))
    with second.begin() as tx:
        assert tx.put_references([numbers(WINTER), numbers(LIGHT, 2)], replace=False) == {LIGHT}
    assert [one.reference for one in first.references()] == [numbers(LIGHT), numbers(WINTER)]
    with second.begin() as tx:
        assert tx.put_references([numbers(LIGHT, 2)]) == {LIGHT} and tx.put_references([]) == set()


def test_removed(store: Store) -> None:
    """A removed reference is gone, and removing it again changes nothing."""
    put(store, numbers(LIGHT), numbers(WINTER))
    for _ in range(2):
        with store.begin() as tx:
            tx.remove_references([LIGHT])
    assert [one.reference.key for one in store.references()] == [WINTER]


def test_as_a_measure(store: Store) -> None:
    """The board reads a reference by model, version and feature; windows do not choose, seasons are left out."""
    put(store, numbers(LIGHT), numbers(WINTER, 5), numbers(Key("digits", "2", "light"), 3))
    found = store.read([REFERENCE], since=1, until=2, by=("version", "feature"), where={"model": "digits"})
    assert {group: summaries[REFERENCE].n for group, summaries in found.items()} == {
        ("1", "light"): 1000,
        ("2", "light"): 1000,
    }
    median = found["1", "light"][REFERENCE].quantile(0.5)
    assert median is not None and abs(median - 6) < 0.1 and found["1", "light"][REFERENCE].sum == 5_995_000_000

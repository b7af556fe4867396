"""References as JSON: what is written is read again, and whatever is wrong is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hybridobs.errors import ConfigError
from hybridobs.kpi import Measure, Shape, Summary
from hybridobs.kpi.drift import (
    CategoryReference,
    EmbeddingReference,
    Key,
    NumericReference,
    Origin,
    Reference,
    Spread,
    dumps,
    loads,
)

FEATURE = Measure("feature.value", "1", Shape.DISTRIBUTION, "A feature.", quantum=1e-6)


def references() -> list[Reference]:
    """One of each kind, in order of their keys."""
    numbers = NumericReference.of_values(Key("m", "1", "a"), [0.1, 0.25, -3.0, None], note="training set of May")
    shards = [numbers.bins.count(values) for values in ([0.1, 0.1], [0.25], [-3.0])]
    window = Summary.of(FEATURE, [1, 2, 3, 500_000])
    vectors = [[0.1, 0.2, 0.3], [0.5, -0.2, 0.0], [0.0, 0.0, 1.0]]
    return [
        numbers.with_shards(shards),
        NumericReference.of_summary(Key("m", "1", "a", "month-01"), window),
        CategoryReference.of_values(Key("m", "1", "b"), ["Käse", "Brot", "Käse", None]),
        EmbeddingReference.of_values(Key("m", "2", "a"), vectors, seed=3),
    ]


def changed(change: Callable[[dict[str, Any]], object], place: int = 0) -> str:
    """The document with one thing wrong in one reference."""
    document = json.loads(dumps(references()))
    change(document["references"][place])
    return json.dumps(document)


def test_what_is_written_is_read_again() -> None:
    """To the bit, in order of the keys, one line each."""
    text = dumps(reversed(references()))
    assert loads(text) == references()
    assert len(text.splitlines()) == 6 and "Käse" in text
    assert dumps(loads(text)) == text


def test_a_reference_of_the_store_says_so() -> None:
    """Its values are only known to a log bucket."""
    assert [one.origin for one in loads(dumps(references())) if isinstance(one, NumericReference)] == [
        Origin.VALUES,
        Origin.BUCKETS,
    ]


def test_an_empty_document_holds_nothing() -> None:
    """And is one."""
    assert loads(dumps([])) == []


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda one: one.pop("edges"), "references[0].edges"),
        (lambda one: one["edges"].reverse(), "references[0].edges"),
        (lambda one: one["edges"].__setitem__(1, 0.5), "references[0].edges[1]"),
        (lambda one: one["counts"].pop(), "references[0].counts"),
        (lambda one: one["counts"].__setitem__(2, -1), "references[0].counts[2]"),
        (lambda one: one["coarse"].append(999), "references[0].coarse[9]"),
        (lambda one: one.update(resolution=0), "references[0].resolution"),
        (lambda one: one.update(sums=7), "references[0].sums"),
        (lambda one: one.update(missing=True), "references[0].missing"),
        (lambda one: one.update(model=""), "references[0].model"),
        (lambda one: one.update(kind="graph"), "references[0].kind"),
        (lambda one: one.update(origin="guess"), "references[0].origin"),
        (lambda one: one.update(colour="red"), "references[0].colour"),
        (lambda one: one.update(spread=[]), "references[0].spread"),
        (lambda one: one["spread"].update(effect=0.5), "references[0].spread.effect"),
        (lambda one: one["spread"].update(variation="much"), "references[0].spread.variation"),
        (lambda one: one.update(season="month-01"), "references[1]"),
    ],
)
def test_what_is_wrong_is_named(change: Callable[[dict[str, Any]], object], key: str) -> None:
    """By its path in the document."""
    with pytest.raises(ConfigError) as caught:
        loads(changed(change))
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("change", "place", "key"),
    [
        (lambda one: one["names"].append("Wein"), 2, "references[2].counts"),
        (lambda one: one["names"].__setitem__(0, 5), 2, "references[2].names[0]"),
        (lambda one: one["centroid"].append(1), 3, "references[3].sums"),
        (lambda one: one["along"][1]["edges"].clear(), 3, "references[3].along[1].edges"),
        (lambda one: one.update(n=0), 3, "references[3].n"),
    ],
)
def test_so_it_is_in_the_other_kinds(change: Callable[[dict[str, Any]], object], place: int, key: str) -> None:
    """Names and vectors."""
    with pytest.raises(ConfigError) as caught:
        loads(changed(change, place))
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("{", "references"),
        ("[]", ""),
        ('{"format": "slo"}', "format"),
        ('{"format": "hybridobs.drift.references", "version": 2, "references": []}', "version"),
        ('{"format": "hybridobs.drift.references", "version": 1}', "references"),
        ('{"format": "hybridobs.drift.references", "version": 1, "references": [], "x": 1}', "x"),
        ('{"format": "hybridobs.drift.references", "version": 1, "references": [4]}', "references[0]"),
    ],
)
def test_another_document_is_refused(text: str, key: str) -> None:
    """Of another format, of a later version, or none at all."""
    with pytest.raises(ConfigError) as caught:
        loads(text)
    assert caught.value.key == key


def test_a_known_spread_comes_back() -> None:
    """With no end of degrees, and with a few."""
    found = [one.spread for one in loads(dumps(references())) if isinstance(one, NumericReference)]
    assert found[0].degrees == 2 and found[1] == Spread()


@pytest.mark.parametrize("empty", [[], [None, float("nan")]])
def test_nothing_makes_no_reference(empty: list[float | None]) -> None:
    """The error names the feature."""
    with pytest.raises(ConfigError, match="brightness"):
        NumericReference.of_values(Key("m", "1", "brightness"), empty)
    with pytest.raises(ConfigError, match="brightness"):
        NumericReference.of_summary(Key("m", "1", "brightness"), Summary.empty(FEATURE))
    with pytest.raises(ConfigError, match="brightness"):
        CategoryReference.of_values(Key("m", "1", "brightness"), [None])

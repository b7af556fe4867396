"""Groups of devices beside the whole, on every database."""

from __future__ import annotations

import pytest

from hybridobs.contract import Labels
from hybridobs.errors import ConfigError
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.shards import ShardKey
from hybridobs.store import Store

HOUR = 1_789_999_200
SERIES = Series(Labels("device", "store-1", "till", "digits", "1.2.0"))
DURATION = "inference.duration"


def add(store: Store, shard: int, values: list[int], *, minute: int = 0) -> None:
    window = HOUR + 60 * minute
    with store.begin() as tx:
        tx.add({CellKey(window, SERIES, DURATION): values}, shards={ShardKey(HOUR, SERIES, DURATION, shard): values})


def test_rows_of_a_shard_add_up(store: Store) -> None:
    """What comes later is added to the hour of its shard."""
    add(store, 0, [1, 2])
    add(store, 31, [3])
    add(store, 0, [4], minute=59)
    found = store.read([DURATION], by=("shard", "window"))
    assert {group: (s[DURATION].n, s[DURATION].sum) for group, s in found.items()} == {
        ("0", str(HOUR)): (3, 7),
        ("31", str(HOUR)): (1, 3),
    }


def test_the_whole_is_without_shards(store: Store) -> None:
    """Nothing counts twice because its shard is kept."""
    add(store, 5, [1, 2])
    assert store.read([DURATION])[()][DURATION].n == 2
    assert store.info().last_window == HOUR


def test_shards_are_told_apart_but_not_matched(store: Store) -> None:
    """A shard is no label of a series: it may be grouped by, with any label, and never matched."""
    add(store, 5, [1, 2])
    assert list(store.read([DURATION], by=("version", "shard"), where={"tier": "device"})) == [("1.2.0", "5")]
    with pytest.raises(ConfigError, match="where='shard'"):
        store.read([DURATION], where={"shard": "5"})

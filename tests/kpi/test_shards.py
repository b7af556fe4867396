"""Calls by groups of devices."""

from __future__ import annotations

from typing import Any

from hybridobs.contract import EventKind, Labels
from hybridobs.kpi.event import Alike
from hybridobs.kpi.fold import Series
from hybridobs.kpi.histogram import LIMIT
from hybridobs.kpi.shards import SHARDS, ShardFold, ShardKey, shard_of

HOUR = 1_789_999_200
NS = 10**9
LABELS = Labels("device", "store-1", "till", "digits", "1.2.0")


def some(times_s: list[int], durations: list[int], **fields: Any) -> Alike:
    given = {"kind": EventKind.INFERENCE, "labels": LABELS, "root": True, "error": "", "texts": {}, "numbers": {}}
    times_ns = [(HOUR + at) * NS for at in times_s]
    return Alike(**{**given, "times_ns": times_ns, "durations_ns": durations, **fields})


def test_a_device_keeps_its_shard() -> None:
    """The shard follows from the device alone; its number is stored, so it may never change."""
    assert shard_of("b3c1f00d") == 31
    assert {shard_of(f"device-{number}") for number in range(1000)} == set(range(SHARDS))


def test_calls_by_hour() -> None:
    """Calls go to the hour in which each began."""
    fold = ShardFold()
    fold.add(7, some([0, 3599, 3600, 7200], [1, 2, 3, 4]))
    assert fold.cells == {
        ShardKey(HOUR, Series(LABELS), "inference.duration", 7): [1, 2],
        ShardKey(HOUR + 3600, Series(LABELS), "inference.duration", 7): [3],
        ShardKey(HOUR + 7200, Series(LABELS), "inference.duration", 7): [4],
    }


def test_errors() -> None:
    """Errors stand beside the calls, by class."""
    fold = ShardFold()
    fold.add(7, some([0, 1], [1, 2], error="TimeoutError"))
    key = ShardKey(HOUR, Series(LABELS, (("error_type", "TimeoutError"),)), "inference.errors", 7)
    assert fold.cells[key] == [1, 1]


def test_what_is_no_call_is_not_sharded() -> None:
    """Only calls are; a duration beyond its measure is left out here as it is there."""
    fold = ShardFold()
    fold.add(7, some([0], [1], kind=EventKind.SESSION_START))
    fold.add(7, some([], []))
    fold.add(7, some([0, 1], [1, LIMIT + 1]))
    assert list(fold.cells.values()) == [[1]]


def test_what_gates_read_beside_calls_is_sharded() -> None:
    """Labels, pairs of answers, memory: by the hour, with the labels that their measures carry."""
    fold = ShardFold()
    fold.add(3, some([0, 3600], [0, 0], kind=EventKind.SHADOW_PAIR, numbers={"hybridobs.shadow.agreed": [1.0, 0.0]}))
    fold.add(4, some([0], [0], kind=EventKind.FEEDBACK, texts={"hybridobs.feedback.outcome": "true_accept"}))
    found = {(key.window, key.measure, key.shard): values for key, values in fold.cells.items()}
    assert found[HOUR, "shadow.agreed", 3] == [1] and (HOUR + 3600, "shadow.agreed", 3) not in found
    assert found[HOUR + 3600, "shadow.compared", 3] == [1] and found[HOUR, "quality.right", 4] == [1]


def test_a_correction_is_not_sharded() -> None:
    """Shards only ever tell how alike devices are, so what is taken back stays in them."""
    fold = ShardFold()
    numbers = {"hybridobs.correction": [-1.0]}
    fold.add(4, some([0], [0], kind=EventKind.FEEDBACK, numbers=numbers, texts={"hybridobs.feedback.outcome": "yes"}))
    assert fold.cells == {}

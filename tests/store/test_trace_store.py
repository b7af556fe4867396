"""Spans worth keeping: found again as they were, listed, and bounded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hybridobs.contract import Labels
from hybridobs.errors import ConfigError
from hybridobs.store import KeptSpan, Store

Opener = Callable[..., Store]


def span(trace: int, number: int = 1, **fields: object) -> KeptSpan:
    shape = {
        "parent_id": "",
        "name": f"call {number}",
        "kind": "internal",
        "start_ns": 100 * trace,
        "end_ns": 100 * trace + 10,
    }
    return KeptSpan(f"{trace:032x}", f"{number:016x}", **{**shape, **fields})  # type: ignore[arg-type]


def keep(store: Store, *spans: KeptSpan) -> None:
    with store.begin() as tx:
        tx.keep(spans)


def test_a_span_comes_back_as_it_was(store: Store) -> None:
    """Every field survives, attributes of any JSON kind included."""
    attributes = {"hybridobs.inference.confidence": 0.4, "n": 2**60, "tags": ["a", {"b": None}], "text": "模型 '\"\0"}
    one = span(1, labels=Labels("device", model="digits"), error="TimeoutError", attributes=attributes, why="error")
    keep(store, one)
    assert store.trace(one.trace_id) == [one]
    assert one.duration_ns == 10


def test_an_attribute_that_is_no_json_is_kept_as_text(store: Store) -> None:
    """Bytes and the like never fail a commit."""
    keep(store, span(1, attributes={"raw": b"\x01"}))
    assert store.trace(f"{1:032x}")[0].attributes == {"raw": "b'\\x01'"}


def test_a_span_kept_twice_is_one_span(store: Store) -> None:
    """Inside a transaction and in the next one the first copy stays."""
    keep(store, span(1), span(1, name="again"))
    keep(store, span(1, name="and again"), span(1, 2))
    assert [one.name for one in store.trace(f"{1:032x}")] == ["call 1", "call 2"]


def test_a_trace_is_ordered_by_start(store: Store) -> None:
    """Parents come before the children that start with them."""
    keep(store, span(1, 3, start_ns=150), span(1, 1, start_ns=100, end_ns=105), span(1, 2, start_ns=100, end_ns=200))
    assert [one.span_id[-1] for one in store.trace(f"{1:032x}")] == ["2", "1", "3"]


def test_traces_are_listed_by_what_is_asked(store: Store) -> None:
    """The slowest by their whole extent, the latest by their start, errors only where there is one."""
    keep(store, span(1, end_ns=990), span(2, error="ValueError"), span(3), span(3, 2, end_ns=350, error="OSError"))
    listed = {
        order: [int(head.trace_id, 16) for head in store.traces(order)] for order in ("slowest", "recent", "errors")
    }
    assert listed == {"slowest": [1, 3, 2], "recent": [3, 2, 1], "errors": [3, 2]}
    assert len(store.traces("recent", limit=2)) == 2


def test_a_head_tells_the_whole_trace(store: Store) -> None:
    """Its name is the earliest span's; tiers stand in the order in which they begin."""
    cloud, device = Labels("cloud"), Labels("device")
    keep(store, span(1, 2, start_ns=120, end_ns=180, labels=cloud, error="E"), span(1, 1, end_ns=150, labels=device))
    (head,) = store.traces()
    assert head[1:] == ("call 1", 100, 80, 2, 1, ("device", "cloud"))


def test_an_order_that_does_not_exist_is_an_error(store: Store) -> None:
    """It names those that do."""
    with pytest.raises(ConfigError, match="slowest"):
        store.traces("fastest")


def test_the_trace_store_never_grows_over_its_bound(opened: Opener, clock: Any) -> None:
    """With room for 100 spans the oldest go first, and most of the room stays used."""
    store = opened(keep_spans=100)
    for number in range(60):
        keep(store, *(span(number, each) for each in range(7)))
        clock.advance(1)
        assert store.info().spans <= 100
    assert store.info().spans > 80
    assert store.trace(f"{59:032x}") and not store.trace(f"{0:032x}")


def test_more_than_fits_in_one_transaction(opened: Opener) -> None:
    """Even a single commit ends inside the bound."""
    store = opened(keep_spans=50)
    keep(store, *(span(number) for number in range(500)))
    assert 40 <= store.info().spans <= 50


def test_old_spans_go_by_the_clock_of_the_store(opened: Opener, clock: Any) -> None:
    """A device that believes in 1970 is kept as long as any other: age counts from the arrival."""
    store = opened(keep_days=2, keep_spans=3)
    keep(store, span(1, start_ns=0, end_ns=1))
    clock.advance(86_400)
    keep(store, span(2))
    assert store.info().spans == 2
    clock.advance(86_401)
    keep(store, span(3), span(4))
    assert [bool(store.trace(f"{number:032x}")) for number in (1, 2, 3, 4)] == [False, True, True, True]


def test_a_failed_transaction_keeps_nothing(store: Store) -> None:
    """Spans roll back like everything else."""
    with pytest.raises(ZeroDivisionError), store.begin() as tx:
        tx.keep([span(1)])
        raise ZeroDivisionError
    assert store.traces() == []

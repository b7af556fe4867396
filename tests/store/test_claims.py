"""Sequence numbers count once, whoever sends them, in whatever order, however often."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridobs.errors import StoreError, StoreUnreachable
from hybridobs.store import FOREIGN_MEMORY_S, Store, StreamInfo

A, B = StreamInfo("a", tier="device", service="till"), StreamInfo("b")
Opener = Callable[..., Store]
_numbers = count()


def claimed(store: Store, seqs: list[int], stream: StreamInfo = A) -> list[bool]:
    with store.begin() as tx:
        return tx.claim(stream, seqs)


def lost(store: Store, first: int, last: int, reason: str = "queue_full") -> None:
    with store.begin() as tx:
        tx.lose(A, first, last, reason)


def test_a_number_is_new_once(store: Store) -> None:
    """Within a call, between calls and between transactions, the second claim is a duplicate."""
    assert claimed(store, [1, 2, 2, 5]) == [True, True, False, True]
    with store.begin() as tx:
        assert tx.claim(A, [5, 3]) == [False, True]
        assert tx.claim(A, [3, 4]) == [False, True]
    assert claimed(store, [1, 2, 3, 4, 5]) == [False] * 5


def test_streams_do_not_see_each_other(store: Store) -> None:
    """Number 1 of another stream is another event."""
    assert claimed(store, [1]) == [True]
    assert claimed(store, [1], B) == [True]


def test_nothing_is_claimed_when_the_transaction_fails(store: Store) -> None:
    """An exception inside takes the claims back, and it is the caller's own that comes out."""
    with pytest.raises(ZeroDivisionError), store.begin() as tx:
        tx.claim(A, [1, 2])
        tx.lose(A, 3, 4, "rejected")
        raise ZeroDivisionError
    assert store.streams() == []
    assert claimed(store, [1, 2]) == [True, True]


def test_a_stream_tells_who_it_is_and_when_it_was_seen(store: Store, clock: Any) -> None:
    """The description is that of its first record; times are on the store's clock."""
    claimed(store, [1])
    clock.advance(90)
    claimed(store, [2])
    (state,) = store.streams()
    assert (state.id, state.tier, state.service, state.site) == ("a", "device", "till", "unknown")
    assert (state.first_seen, state.last_seen) == (1_760_000_000, 1_760_000_090)


def test_outstanding_is_what_was_neither_counted_nor_lost(store: Store) -> None:
    """Highest = counted + lost + outstanding."""
    claimed(store, [1, 2, 10])
    lost(store, 4, 5)
    (state,) = store.streams()
    assert (state.highest, state.counted, state.lost, state.outstanding) == (10, 3, 2, 5)


def test_lost_then_counted_is_counted(store: Store) -> None:
    """A number given up whose first copy arrives after all is a real event."""
    lost(store, 1, 3)
    assert claimed(store, [2]) == [True]
    (state,) = store.streams()
    assert (state.counted, state.lost, state.outstanding) == (1, 2, 0)


def test_counted_then_lost_stays_counted(store: Store) -> None:
    """A sender that missed our answer may report a loss that is none."""
    claimed(store, [1, 2, 3])
    lost(store, 2, 4)
    (state,) = store.streams()
    assert (state.counted, state.lost) == (3, 1)
    assert claimed(store, [2]) == [False]


def test_the_same_loss_told_twice_is_one_loss(store: Store) -> None:
    """Losses are sets: repeats and overlaps change nothing, and each reason has its own."""
    lost(store, 1, 4)
    lost(store, 3, 6)
    lost(store, 1, 4, "rejected")
    (state,) = store.streams()
    assert (state.lost, state.lost_by_reason) == (6, {"queue_full": 6, "rejected": 4})


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.integers(1, 40), max_size=15), max_size=8))
def test_claims_are_a_set_in_any_order_and_split(store: Store, batches: list[list[int]]) -> None:
    """Against a plain set: each number is new exactly when it was not there."""
    stream, seen = StreamInfo(f"stream {next(_numbers)}"), set[int]()
    for batch in batches:
        expected = []
        for seq in batch:
            expected.append(seq not in seen)
            seen.add(seq)
        assert claimed(store, batch, stream) == expected
    counted = {state.id: state.counted for state in store.streams()}
    assert counted.get(stream.id, 0) == len(seen)


def test_two_writers_claim_each_number_once(opened: Opener) -> None:
    """Two connections claim the same thousand numbers at the same time: each number is new to one of them."""
    stores = [opened(writer="one"), opened(writer="two")]
    ready = Barrier(2)

    def claim_all(store: Store) -> int:
        numbers = list(range(1, 1001))
        random.Random(store.writer).shuffle(numbers)
        ready.wait()
        return sum(sum(claimed(store, numbers[start : start + 100])) for start in range(0, 1000, 100))

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(claim_all, stores)) == 1000
    assert stores[0].streams()[0].counted == 1000


def test_streams_locked_together_never_deadlock(opened: Opener) -> None:
    """Replicas that name the same streams in opposite orders take turns."""
    stores = [opened(writer="one"), opened(writer="two")]
    streams = [StreamInfo(f"{number}") for number in range(20)]

    def work(store: Store, order: list[StreamInfo]) -> int:
        fresh = 0
        for seq in range(1, 21):
            with store.begin() as tx:
                tx.lock(order)
                fresh += sum(tx.claim(stream, [seq])[0] for stream in order)
        return fresh

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(work, stores, [streams, streams[::-1]])) == 400


def test_a_deadlock_says_try_again(postgres: Any) -> None:
    """Locked one by one in opposite orders, one replica is told to start over and the other goes through."""
    ready, url = Barrier(2), postgres.schema()

    def work(store: Store, order: list[StreamInfo]) -> str:
        try:
            with store.begin() as tx:
                tx.claim(order[0], [1])
                ready.wait()
                tx.claim(order[1], [1])
        except StoreUnreachable:
            return "again"
        return "done"

    with Store.open(url, writer="one") as one, Store.open(url, writer="two") as two, ThreadPoolExecutor(2) as pool:
        claimed(one, [9])
        claimed(one, [9], B)
        assert sorted(pool.map(work, (one, two), ([A, B], [B, A]))) == ["again", "done"]


def test_a_number_below_one_is_refused(store: Store) -> None:
    """Zero and negative numbers are no sequence numbers; nothing of the call is claimed."""
    with store.begin() as tx:
        with pytest.raises(ValueError, match="start at 1"):
            tx.claim(A, [1, 0])
        assert tx.claim(A, [1]) == [True]


def test_a_stream_that_cannot_be_named_is_refused(store: Store) -> None:
    """An id that no database can hold is the sender's fault: StoreError, not try again."""
    with pytest.raises(StoreError) as refused, store.begin() as tx:
        tx.claim(StreamInfo("a\0b"), [1])
    assert not isinstance(refused.value, StoreUnreachable)


def test_ascending_numbers_cost_ranges_not_numbers(store: Store) -> None:
    """A million numbers in order are one range of a few bytes."""
    with store.begin() as tx:
        tx.claim(A, range(1, 1_000_001))
        assert len(tx._counted["a"].pack()) < 10
    assert store.streams()[0].counted == 1_000_000


def test_foreign_spans_count_once(store: Store) -> None:
    """Within a call and between transactions, a span id seen before is a duplicate."""
    keys = [bytes([number]) * 24 for number in range(4)]
    with store.begin() as tx:
        assert tx.claim_spans([keys[0], keys[1], keys[0]], 1000) == [True, True, False]
    with store.begin() as tx:
        assert tx.claim_spans([keys[1], keys[2]], 1001) == [False, True]
        assert tx.claim_spans([], 1001) == []
        assert tx.claim_spans(keys, 1002) == [False, False, False, True]


def test_foreign_spans_are_forgotten_in_the_end(store: Store) -> None:
    """They are remembered for the promised time, and then their rows go."""
    old, new = b"o" * 24, b"n" * 24
    with store.begin() as tx:
        tx.claim_spans([old], 1000)
    with store.begin() as tx:
        assert tx.claim_spans([old, new], 1000 + FOREIGN_MEMORY_S - 1) == [False, True]
    with store.begin() as tx:
        assert tx.claim_spans([old, new], 1000 + FOREIGN_MEMORY_S) == [True, False]


def test_many_foreign_spans_at_once(store: Store) -> None:
    """Thousands in one call, half of them known."""
    keys = [number.to_bytes(24, "big") for number in range(6000)]
    with store.begin() as tx:
        assert all(tx.claim_spans(keys[:3000], 1000))
    with store.begin() as tx:
        assert tx.claim_spans(keys, 1000) == [False] * 3000 + [True] * 3000


def test_two_writers_claim_each_foreign_span_once(opened: Opener) -> None:
    """The same spans sent to two replicas at the same time are new to one of them."""
    stores = [opened(writer="one"), opened(writer="two")]
    keys = [number.to_bytes(24, "big") for number in range(500)]
    ready = Barrier(2)

    def claim_all(store: Store) -> int:
        ready.wait()
        fresh = 0
        for start in range(0, 500, 50):
            with store.begin() as tx:
                fresh += sum(tx.claim_spans(keys[start : start + 50], 1000))
        return fresh

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(claim_all, stores)) == 500

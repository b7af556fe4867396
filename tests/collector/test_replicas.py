"""Two collectors on one store count every event once between them, whichever of them it reaches and however often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count, islice
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridobs.store import Retention, Store, StreamState
from tests.collector.conftest import FOREIGN, OURS, Place, Running, Start, lost, request, span

SPANS = 40
LONG = Retention(**dict.fromkeys(("minutes", "hours", "days"), timedelta(days=9999)))
BY = ("model", "tier", "window")
_versions = count(1)

Resource = dict[str, str]
Measures = dict[tuple[str, ...], dict[str, tuple[int, int, int, int]]]


class Pair(NamedTuple):
    """Two replicas, and the store that they share as a third sees it, who looks after it."""

    replicas: Sequence[Running]
    store: Store

    def counted(self) -> Counter[str]:
        """How everything that came to either left."""
        return Counter(self.replicas[0].events()) + Counter(self.replicas[1].events())


class Step(NamedTuple):
    """A part of the spans of one sender goes to one replica; ``upkeep`` steps of roll-up follow."""

    replica: int
    device: int
    first: int
    size: int
    backwards: bool
    upkeep: int


STEPS = st.builds(
    Step,
    replica=st.integers(0, 1),
    device=st.integers(0, 2),
    first=st.integers(0, SPANS - 1),
    size=st.integers(1, SPANS),
    backwards=st.booleans(),
    upkeep=st.sampled_from([0, 0, 1, 2, 1000]),
)


@pytest.fixture
def place(each_database: Place) -> Place:
    """All of this on each database."""
    return each_database


@pytest.fixture
def pair(start: Start, place: Place) -> Iterator[Pair]:
    """Replicas a and b of one store."""
    with start("shared", writer="a") as a, start("shared", writer="b") as b, Store.open(place("shared")) as store:
        store.keep(LONG)
        yield Pair((a, b), store)


def devices(version: str) -> list[tuple[list[Any], Resource]]:
    """Two devices that number their spans and a sender that does not; ``version`` is theirs alone."""
    said = {"hybridobs.model.version": version}
    # Ids are those of one version, so that spans without numbers are new in each.
    spans = [span(n, said, trace_id=f"{version:>8}{n:>8}".encode()) for n in range(1, SPANS + 1)]
    numbered = [(spans, OURS | {"hybridobs.stream.id": f"{version}-{device}"}) for device in "xy"]
    return [*numbered, (spans, FOREIGN)]


def send(running: Running, body: bytes) -> None:
    assert running.post(body).status == 200


def play(pair: Pair, which: int, steps: Sequence[Step], senders: Sequence[tuple[list[Any], Resource]]) -> None:
    """What one replica is sent, in order."""
    for step in steps:
        spans, resource = senders[step.device]
        part = spans[step.first : step.first + step.size]
        send(pair.replicas[which], request(part[::-1] if step.backwards else part, resource))
        list(islice(pair.store.upkeep(settle_s=0), step.upkeep))


def once(start: Start, version: str) -> Measures:
    """The measures of sending everything once, to one collector alone."""
    with start("once") as alone:
        for sender in devices(version):
            send(alone, request(*sender))
        return alone.measures(*BY, version=version)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=4, max_size=12), last=st.lists(st.integers(0, 1), min_size=3, max_size=3))
def test_any_way_to_either_is_once_to_one(start: Start, pair: Pair, steps: list[Step], last: list[int]) -> None:
    """Parts of three senders at both replicas at once, in any order and again, rolled up in between: the measures are
    those of sending each event once, and what came again is a duplicate."""
    version = f"1.{next(_versions)}"
    senders, before = devices(version), pair.counted()
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda n: play(pair, n, [step for step in steps if step.replica == n], senders), (0, 1)))
    for which, sender in zip(last, senders, strict=True):
        send(pair.replicas[which], request(*sender))
    sent = 3 * SPANS + sum(min(step.size, SPANS - step.first) for step in steps)
    came = pair.counted() - before
    assert (came["counted"], came["duplicate"]) == (3 * SPANS, sent - 3 * SPANS)
    assert pair.replicas[0].measures(*BY, version=version) == once(start, version)
    assert {(s.counted, s.outstanding) for s in streams(pair, version)} == {(SPANS, 0)}


def streams(pair: Pair, version: str) -> list[StreamState]:
    return [one for one in pair.store.streams() if one.id.startswith(f"{version}-")]


def test_the_same_at_the_same_moment(pair: Pair) -> None:
    """One request that both replicas are given eight times at once, by numbers and by ids, counts once."""
    bodies = [request(*sender) for sender in devices("2.0")]
    given = [(running, body) for body in bodies for running in pair.replicas for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: send(*one), given))
    assert pair.counted() == {"counted": 3 * SPANS, "duplicate": 15 * 3 * SPANS}


def test_a_stream_is_whole_when_its_halves_are_apart(pair: Pair) -> None:
    """Odd numbers at one replica, even ones at the other, what was given up said to both: nothing is outstanding."""
    spans = [span(number) for number in range(1, 21)]
    send(pair.replicas[0], request(spans[0:18:2]))
    send(pair.replicas[1], request([*spans[1:18:2], spans[19]]))
    for running in pair.replicas:
        assert running.post(lost(19, 19), path="/v1/logs").status == 200
    [stream] = pair.store.streams()
    assert (stream.counted, stream.lost, stream.outstanding) == (19, 1, 0)


def test_one_takes_over_from_the_other(start: Start, pair: Pair) -> None:
    """What one replica counted before it went is known to the next, rolled up or not."""
    body = request([span(number) for number in range(1, 21)])
    with start("shared", writer="c") as gone:
        send(gone, body)
    for settle in (10**9, 0):
        list(pair.store.upkeep(settle_s=settle))
        send(pair.replicas[1], body)
    assert pair.counted() == {"duplicate": 40}
    assert pair.replicas[0].measures()[()]["inference.duration"][0] == 20

"""When the store fails: nothing is half written, senders are told whether to come again, and it goes on afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from hybridobs.contract import LABELS, OVERFLOW
from hybridobs.errors import ConfigError, StoreError, StoreUnreachable
from hybridobs.kpi.fold import CellKey
from hybridobs.store import Store, Transaction
from tests.collector.conftest import Running, Start, request, span


class Failing(Store):
    """A real store whose ``add`` fails as ``fault`` says, after it wrote."""

    fault: Callable[[Mapping[CellKey, Sequence[int]]], Exception | None] | None = None

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        with super().begin() as tx:
            plain: Any = tx.add

            def add(cells: Mapping[CellKey, Sequence[int]], *more: Any) -> None:
                plain(cells, *more)
                if self.fault and (error := self.fault(cells)):
                    raise error

            tx.add = add  # type: ignore[method-assign,assignment]
            yield tx


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """The store of the collector under test."""
    with Failing.open(f"sqlite:///{tmp_path / 'store'}.db") as made:
        yield made


@pytest.fixture
def running(start: Start, store: Store) -> Iterator[Running]:
    """A collector on that store."""
    with start(store=store, linger_seconds=0.3, retry_seconds=3) as made:
        yield made


def test_a_store_that_is_down(running: Running, store: Failing) -> None:
    """503 with Retry-After and UNAVAILABLE; nothing is written; afterwards the same bytes count once."""
    body = request([span(1), span(2)])
    store.fault = lambda _: StoreUnreachable("gone")
    reply = running.post(body)
    assert (reply.status, reply.headers["Retry-After"]) == (503, "3")
    with pytest.raises(grpc.RpcError) as caught:
        running.call(body)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    with pytest.raises(OSError, match="503"):
        running.get("/readyz")
    assert running.measures() == {}
    assert running.events() == {}
    store.fault = None
    assert running.post(body).status == 200
    assert running.get("/readyz") == "ready\n"
    assert running.events() == {"counted": 2}
    with Store.open(running.store_url) as read:
        assert [stream.counted for stream in read.streams()] == [2]


def test_a_request_that_no_store_can_take_harms_no_other(running: Running, store: Failing) -> None:
    """The group is tried one by one: the one at fault is refused for good, the others count once."""

    def poisoned(cells: Mapping[CellKey, Sequence[int]]) -> Exception | None:
        return StoreError("never") if any(key.series.labels.cohort == "poison" for key in cells) else None

    store.fault = poisoned
    bodies = [request([span(number)]) for number in range(1, 8)] + [request([span(8, {"hybridobs.cohort": "poison"})])]
    with ThreadPoolExecutor(8) as pool:
        statuses = [reply.status for reply in pool.map(running.post, bodies)]
    assert statuses == [200] * 7 + [400]
    assert running.events() == {"counted": 7, "refused": 1}
    [measures] = running.measures().values()
    assert measures["inference.duration"][0] == 7


def test_a_fault_of_ours_is_not_the_senders(running: Running, store: Failing) -> None:
    """An error that is not about the data is answered with: come again."""
    store.fault = lambda _: RuntimeError("a bug")
    assert running.post(request([span(1)])).status == 503
    store.fault = None
    assert running.post(request([span(1)])).status == 200


def test_a_fault_of_ours_while_reading_destroys_nothing(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug in the decoder makes the sender keep what it has: it is there to be counted after the mend."""
    with monkeypatch.context() as broken:
        broken.setattr("hybridobs.collector.decode.Decoder.decode", lambda *_: 1 / 0)
        assert running.post(request([span(1)])).status == 503
    assert running.post(request([span(1)])).status == 200
    assert running.events() == {"counted": 1}


def test_a_locked_database(start: Start, tmp_path: Path) -> None:
    """A real lock that another process holds too long is a store that is down, and passes."""
    import sqlite3

    with start() as running:
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        reply = running.post(request([span(1)]), timeout=100)
        other.execute("ROLLBACK")
        other.close()
        assert reply.status == 503
        assert running.post(request([span(1)])).status == 200


def test_the_series_limit(start: Start) -> None:
    """Label sets beyond the limit are counted in one overflow series, and that is visible; known ones go on."""
    names = [f"cohort-{number}" for number in range(20)]
    spans = [span(number, {"hybridobs.cohort": name}) for number, name in enumerate(names, 1)]
    with start(series=5) as running:
        for made in spans:
            running.post(request([made]))
        running.post(request([span(100, {"hybridobs.cohort": names[0]})]))
        found = running.measures("cohort")
        assert found[OVERFLOW,]["inference.duration"][0] == 15
        assert found[names[0],]["inference.duration"][0] == 2
        assert sum(measures["inference.duration"][0] for measures in found.values()) == 21
        assert set(running.measures(*LABELS, cohort=OVERFLOW)) == {(OVERFLOW,) * len(LABELS)}
        text = running.get("/metrics")
        assert "hybridobs_collector_series 6.0" in text  # the overflow series is on top
        assert "hybridobs_collector_series_overflow_total 0.0" not in text
    with start(series=5) as again:
        again.post(request([span(101, {"hybridobs.cohort": names[1]}), span(102, {"hybridobs.cohort": names[19]})]))
        found = again.measures("cohort")
        assert (found[names[1],]["inference.duration"][0], found[OVERFLOW,]["inference.duration"][0]) == (2, 16)


def test_an_address_that_is_taken(start: Start, running: Running) -> None:
    """A port that is in use is a ConfigError that names it."""
    from hybridobs.collector import Collector

    taken = running.collector.http_url.removeprefix("http://")
    target = running.collector.grpc_target
    settings: Any
    for settings in ({"http": taken, "grpc": None}, {"http": None, "grpc": target}):
        with (
            pytest.raises(ConfigError, match="cannot listen there"),
            Collector(running.store_url, **settings).running(),
        ):
            raise AssertionError("it must not start")


@pytest.mark.parametrize("address", ["localhost", "1.2.3.4:", "host:99999", ":4318"])
def test_an_address_that_is_none(address: str) -> None:
    """Making a collector checks its addresses; nothing is opened."""
    from hybridobs.collector import Collector

    with pytest.raises(ConfigError, match="give HOST:PORT"):
        Collector("sqlite:///never.db", http=address)


def test_limits_are_checked() -> None:
    """A limit of nothing is a ConfigError that names it."""
    from hybridobs.collector import Limits

    with pytest.raises(ConfigError, match=r"limits\.series=0"):
        Limits(series=0)

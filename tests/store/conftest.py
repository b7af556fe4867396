"""Every store test runs on a SQLite file and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hybridobs.store import Store
from hybridobs.store._trust import NEAR_S
from tests.postgres import Server


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.now_ns = 1_760_000_000 * 10**9

    def __call__(self) -> int:
        return self.now_ns

    def advance(self, seconds: float) -> None:
        self.now_ns += int(seconds * 10**9)


def trust(store: Store, clock: Clock) -> None:
    """Let upkeep see the clock run, as it must before anything is dropped; afterwards it says what it said before."""
    for seconds in (-NEAR_S, NEAR_S):
        clock.advance(seconds)
        list(store.upkeep())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/hybridobs.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    server: Server = request.getfixturevalue("postgres")
    return server.schema()


Opener = Callable[..., Store]


@pytest.fixture
def opened(url: str, clock: Clock) -> Iterator[Opener]:
    """Opens the test's database, as often as wanted; all are closed at the end."""
    stores: list[Store] = []

    def opener(**settings: object) -> Store:
        stores.append(Store.open(url, **{"clock": clock, **settings}))  # type: ignore[arg-type]
        return stores[-1]

    yield opener
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Opener) -> Store:
    return opened()

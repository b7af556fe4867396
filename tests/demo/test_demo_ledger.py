"""Who takes part, and whether sent is counted."""

from __future__ import annotations

from pathlib import Path

from hybridobs.demo.fleet import fleet, service
from hybridobs.demo.ledger import Line, ledger
from hybridobs.store import Store, StreamInfo


def test_fleet() -> None:
    """Devices differ in class, cohort and version, have names of their own, and one loses its connection."""
    devices = list(fleet(5))
    assert len({device.name for device in devices}) == 5
    assert {device.version for device in devices} == {"1.2.0", "1.3.0"} and {d.cohort for d in devices} == {
        "control",
        "canary",
    }
    assert [device.goes_offline for device in devices] == [False] * 4 + [True]


def test_ledger(tmp_path: Path) -> None:
    """Counted and lost come from the store's streams, all of one service together."""
    with Store.open(f"sqlite:///{tmp_path / 'a.db'}") as store:
        with store.begin() as tx:
            tx.claim(StreamInfo("one", service=service("till-1")), [1, 2, 3])
            tx.claim(StreamInfo("two", service=service("till-1")), [1, 2])
            tx.lose(StreamInfo("two", service=service("till-1")), 3, 3, "queue_full")
        assert ledger(store, {"till-1": 6, "cloud": 1}) == [
            Line("till-1", "device", 6, 5, 1),
            Line("cloud", "cloud", 1, 0, 0),
        ]


def test_agrees() -> None:
    """Only sent = counted + lost agrees: too few is a loss, too many is an invention."""
    assert Line("a", "device", 6, 5, 1).agrees
    assert not Line("a", "device", 6, 5, 0).agrees and not Line("a", "device", 6, 7, 0).agrees

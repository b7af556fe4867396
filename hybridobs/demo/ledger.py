"""Sent = counted: what each process says it handed out against what the store has of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from hybridobs.demo.fleet import CLOUD, service

if TYPE_CHECKING:
    from hybridobs.store import Store


class Line(NamedTuple):
    """One process: inferences it made, and how many of them are counted and known to be lost in the store."""

    name: str
    tier: str
    sent: int
    counted: int
    lost: int

    @property
    def agrees(self) -> bool:
        return self.sent == self.counted + self.lost


def ledger(store: Store, sent: Mapping[str, int]) -> list[Line]:
    """A line for each process in ``sent`` (name -> inferences), from the store's streams."""
    counted: dict[str, int] = {}
    lost: dict[str, int] = {}
    for stream in store.streams():
        counted[stream.service] = counted.get(stream.service, 0) + stream.counted
        lost[stream.service] = lost.get(stream.service, 0) + stream.lost
    return [
        Line(
            name,
            "cloud" if name == CLOUD else "device",
            number,
            counted.get(service(name), 0),
            lost.get(service(name), 0),
        )
        for name, number in sent.items()
    ]

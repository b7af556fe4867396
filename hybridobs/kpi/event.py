"""The one shape in which everything that happened reaches the measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from typing import NamedTuple

from hybridobs.contract import Labels

Extra = tuple[tuple[str, str], ...]
"""Declared extra labels, sorted by name, for example ``(("phase", "network"),)``."""


class Event(NamedTuple):
    """One thing that happened, already checked: durations in ns, numbers finite, labels bounded.

    ``time_ns`` is event time (Unix ns, when it began): it alone chooses the window. ``numbers`` maps a contract
    attribute key to a finite number in the contract's unit; ``texts`` likewise for the strings that measures read.
    """

    kind: str
    time_ns: int
    labels: Labels
    duration_ns: int = 0
    root: bool = False
    error: str = ""
    numbers: dict[str, float] = {}  # noqa: RUF012 - shared, and never written
    texts: dict[str, str] = {}  # noqa: RUF012


class Alike(NamedTuple):
    """Many events that differ only in their times and in the values of their numbers: columns of one length.

    What a process sends in one batch mostly is one of these, and a column is much cheaper to add than its events are.
    """

    kind: str
    labels: Labels
    root: bool
    error: str
    texts: dict[str, str]
    times_ns: Sequence[int]
    durations_ns: Sequence[int]
    numbers: Mapping[str, Sequence[float]]

    def events(self) -> Iterator[Event]:
        """The same, one by one."""
        for place, time_ns in enumerate(self.times_ns):
            numbers = {key: values[place] for key, values in self.numbers.items()}
            duration = self.durations_ns[place]
            yield Event(self.kind, time_ns, self.labels, duration, self.root, self.error, numbers, self.texts)

    def only(self, wanted: Sequence[bool]) -> Alike:
        """Those of the events that are wanted, one flag for each."""
        return self._replace(
            times_ns=list(compress(self.times_ns, wanted)),
            durations_ns=list(compress(self.durations_ns, wanted)),
            numbers={key: list(compress(values, wanted)) for key, values in self.numbers.items()},
        )

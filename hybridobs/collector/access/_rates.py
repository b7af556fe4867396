"""How much one sender may send: a token bucket each for its requests, its bytes and its events.

What a request cost is known only after it was read, so a bucket may go below zero; the sender then waits until it is
filled again. Nothing that was received is thrown away for being too much.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil, inf

from hybridobs.collector.limits import Limits

_WHOLE = 1.0  # one request, byte or event must fit
_MOST_SENDERS = 10_000  # the one that was silent longest is forgotten: its buckets are the fullest


class Rates:
    """Of one tenant; for one thread."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._rates = (limits.sender_requests_s, limits.sender_bytes_s, limits.sender_events_s)
        self._room = tuple(max(rate * limits.sender_burst_seconds, 1.0) for rate in self._rates)
        self._clock = clock
        self._limited = min(self._rates) < inf
        self._spent: OrderedDict[str, tuple[float, tuple[float, ...]]] = OrderedDict()

    def wait(self, sender: str) -> int:
        """Whole seconds until this sender may send again; 0 for now."""
        if not self._limited or sender not in self._spent:
            return 0
        over = zip(self._now(sender), self._room, self._rates, strict=True)
        waits = [(spent - room + _WHOLE) / rate for spent, room, rate in over if rate < inf and spent > room - _WHOLE]
        return max(1, ceil(max(waits))) if waits else 0

    def charge(self, sender: str, *, requests: int = 0, size: int = 0, events: int = 0) -> None:
        """Note what a sender used."""
        if not self._limited:
            return
        spent = zip(self._now(sender), (requests, size, events), strict=True)
        self._spent[sender] = (self._clock(), tuple(before + more for before, more in spent))
        self._spent.move_to_end(sender)
        if len(self._spent) > _MOST_SENDERS:
            self._spent.popitem(last=False)

    def _now(self, sender: str) -> tuple[float, ...]:
        """What is spent and not filled again."""
        at, spent = self._spent.get(sender, (0.0, (0.0, 0.0, 0.0)))
        passed = self._clock() - at
        return tuple(
            0.0 if rate == inf else max(0.0, one - passed * rate) for one, rate in zip(spent, self._rates, strict=True)
        )

"""When samples stand, and how wide the windows behind them are: a pure function of what Prometheus says of its query.

``rate(x[5m])`` looks at the first and the last sample inside each range of five minutes and stretches what lies between
them to the whole range. So samples stand exactly where ranges begin and end. Where those are on whole windows nothing
is stretched, and the answer is the store's number. Prometheus 3 excludes the beginning of a range and asks from one
millisecond later; then the sample stands there too.
"""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybridobs.serve.remote._wire import LAST_MS, Query

Times = NDArray[np.int64]

WIDTH = 60
_MINUTE = WIDTH * 1000
_AT_BOTH_ENDS = ("rate", "increase", "delta")  # look at the first and the last sample of a range, and at no other
_LONGEST_GAP = 4 * _MINUTE  # Prometheus takes a series that had no sample for five minutes as gone
_NICE = (60, 300, 900, 3600)  # seconds
_PARTS = 60  # a range that does not begin and end on whole minutes is seen to one part in so many
_MOST_WINDOWS = 11_000  # of one range: a longer one than a week is exact on whole hours only


class Plan(NamedTuple):
    """Windows of ``width`` s from ``since`` to ``until`` (Unix s, excluded), and samples at ``times`` (Unix ms)."""

    width: int
    since: int
    until: int
    times: Times


def plan(query: Query) -> Plan:
    """What to read for ``query``, and where to put samples."""
    late = query.start_ms % 1000 == 1  # the beginning of the range is excluded
    low = query.start_ms - late
    if query.end_ms < low:
        return Plan(WIDTH, 0, 0, np.zeros(0, np.int64))
    if query.hints.func == "series":  # which series there are; nobody looks at samples
        return _around(WIDTH, np.zeros(0, np.int64), low, query.end_ms)
    if query.hints.range_ms:
        return _ranges(query, low, int(late))
    spacing = _spacing(query.hints.step_ms)
    return _around(spacing // 1000, _multiples(spacing, low, query.end_ms), low, query.end_ms)


def _ranges(query: Query, low: int, late: int) -> Plan:
    """Samples where ranges begin and end; everywhere, if the function looks at all of them."""
    span, step, high = query.hints.range_ms, query.hints.step_ms, query.end_ms
    first = low + span
    step = step or max(span, _MINUTE)
    several = high - first >= step
    unit = gcd(span, first, step if several else 0)
    if unit % _MINUTE or span // unit > _MOST_WINDOWS:
        width = max(nice for nice in _NICE if nice == WIDTH or nice * 1000 * _PARTS <= span)
        return _around(width, _multiples(width * 1000, low, high), low, high)
    if query.hints.func not in _AT_BOTH_ENDS:
        return _around(unit // 1000, _multiples(unit, low, high), low, high)
    if not several:
        return _around(unit // 1000, np.array([low + late, first]), low, high)
    # Ranges end on multiples of the step, those of a subquery too; else a subquery may look at any whole unit.
    ends = _multiples(step if first % step == 0 else unit, first, high)
    return _around(unit // 1000, np.union1d(ends, ends - span + late), low, high)


def _spacing(step: int) -> int:
    """How far samples of an instant selector stand apart: on the steps, and never so far that the series seems gone."""
    if step % _MINUTE:
        return _MINUTE
    return max(unit for unit in range(_MINUTE, _LONGEST_GAP + 1, _MINUTE) if step % unit == 0)


def _multiples(unit: int, low: int, high: int) -> Times:
    return np.arange(-(-low // unit) * unit, min(high, LAST_MS) + 1, unit, dtype=np.int64)


def _around(width: int, times: Times, low: int, high: int) -> Plan:
    """The windows between the first sample and the last."""
    unit = width * 1000
    first, last = (int(times[0]), int(times[-1])) if len(times) else (low, high)
    since, until = first // unit * width, -(-last // unit) * width
    return Plan(width, since, max(until, since + width), times)

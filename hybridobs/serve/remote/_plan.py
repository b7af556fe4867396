"""When samples stand, and which windows are behind them: a pure function of what Prometheus says of its query.

``rate(x[5m])`` looks at the first and the last sample inside each range of five minutes and stretches what lies between
them to the whole range. So samples stand exactly where ranges begin and end. Where those are on whole minutes nothing
is stretched and nothing is guessed: the answer is the store's number. Inside a minute growth is taken as even.
Prometheus 3 excludes the beginning of a range and asks from one millisecond later: then the sample stands there, worth
what the counter was at the beginning. Its questions are a millisecond short of whole seconds, or begin one after one.
"""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hybridobs.errors import ConfigError
from hybridobs.serve.remote._wire import LAST_MS, Query

Ints = NDArray[np.int64]

WIDTH = 60
_MINUTE = WIDTH * 1000
_AT_BOTH_ENDS = ("rate", "increase", "delta")  # look at the first and the last sample of a range, and at no other
_LONGEST_GAP = 4 * _MINUTE  # Prometheus takes a series that had no sample for five minutes as gone
_FINEST = 15_000  # ms between the ends of ranges; closer ones are left to Prometheus to stretch
_NICE = (60, 300, 900, 3600)  # seconds
_PARTS = 60  # what Prometheus has to stretch is known to one part of the range in so many
_MOST_WINDOWS = 11_000
_MOST_TIMES = 100_000  # of one series, and windows behind them


class Plan(NamedTuple):
    """Windows between each two of ``cuts`` (Unix s, ascending whole minutes), and samples at ``times`` (Unix ms).

    ``late`` is 1 where a sample is worth what the counter was a millisecond before it.
    """

    cuts: Ints
    times: Ints
    late: Ints | int = 0


def plan(query: Query) -> Plan:
    """What to read for ``query``, and where to put samples."""
    late = _late(query)
    low, high = query.start_ms - late, query.end_ms
    if high < low:
        return Plan(np.zeros(0, np.int64), np.zeros(0, np.int64))
    if query.hints.func == "series":  # which series there are; nobody looks at samples
        return Plan(_ends_of_minutes(low, high), np.zeros(0, np.int64))
    if not query.hints.range_ms:
        spacing = _spacing(query.hints.step_ms)
        return _windows(spacing // 1000, _multiples(spacing, low, high), low, high)
    if query.hints.func in _AT_BOTH_ENDS:
        return _ends(query, low, late)
    width = _nice(query.hints.range_ms)
    return _windows(width, _multiples(width * 1000, low, high), low, high)


def _late(query: Query) -> int:
    """1 if the beginning of the range is excluded."""
    beyond = (query.end_ms - query.start_ms) % 1000
    return int(beyond == 999 or (beyond > 0 and query.start_ms % 1000 == 1))


def _ends(query: Query, low: int, late: int) -> Plan:
    """Samples where ranges begin and end, and nowhere else."""
    span, step, high = query.hints.range_ms, query.hints.step_ms or _MINUTE, query.end_ms
    first = low + span
    if high - first < step:  # one range alone
        cuts = np.union1d(_ends_of_minutes(low, low), _ends_of_minutes(first, first))
        return Plan(cuts, np.array([low + late, first]), np.array([late, 0]))
    unit = gcd(span, first, step)
    if unit % _FINEST:
        width = _nice(span)
        return _windows(width, _multiples(width * 1000, low, high), low, high)
    # Ranges end on multiples of the step, those of a subquery too; else a subquery may look at any whole unit.
    ends = _multiples(step if first % step == 0 else unit, first, high)
    width = WIDTH if unit % _MINUTE else unit // 1000
    if (high - low) // (width * 1000) > _MOST_WINDOWS:
        width = max(width, _nice(span))
    times = np.union1d(ends, ends - span + late)
    return _windows(width, times, low, high)._replace(late=late * np.isin(times, ends - span + late))


def _spacing(step: int) -> int:
    """How far samples of an instant selector stand apart: on the steps, and never so far that the series seems gone."""
    if not step or step % _MINUTE:
        return _MINUTE
    return max(unit for unit in range(_MINUTE, _LONGEST_GAP + 1, _MINUTE) if step % unit == 0)


def _nice(span: int) -> int:
    return max(nice for nice in _NICE if nice == WIDTH or nice * 1000 * _PARTS <= span)


def _multiples(unit: int, low: int, high: int) -> Ints:
    return _every(unit, -(-low // unit) * unit, min(high, LAST_MS))


def _windows(width: int, times: Ints, low: int, high: int) -> Plan:
    """Windows of one width from the first sample to the last."""
    unit = width * 1000
    first, last = (int(times[0]), int(times[-1])) if len(times) else (low, high)
    start = first // unit * width
    return Plan(_every(width, start, max(-(-last // unit) * width, start + width)), times)


def _every(unit: int, first: int, last: int) -> Ints:
    """Both included; ConfigError where it would be too many."""
    if (last - first) // unit > _MOST_TIMES:
        way_out = f"one series has at most {_MOST_TIMES} samples; choose a shorter time or a larger step"
        raise ConfigError("query", f"{(last - first) // unit} samples", way_out)
    return np.arange(first, last + 1, unit, dtype=np.int64)


def _ends_of_minutes(low: int, high: int) -> Ints:
    """The whole minutes around; at least one minute long unless ``low`` and ``high`` are one moment on its end."""
    return np.unique(np.array([low // _MINUTE, -(-high // _MINUTE)], np.int64) * WIDTH)

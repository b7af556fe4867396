"""Columns -> parts: impossible values are left out, events are made, spans worth a look are noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybridobs import contract
from hybridobs.collector._attributes import Number, fault_of
from hybridobs.collector._profile import Profile
from hybridobs.collector._records import Columns, Decoded, Part, plain
from hybridobs.contract import EventKind, Labels, TimeDoubt
from hybridobs.kpi.clock import Placing
from hybridobs.kpi.event import Alike

_MINUTE_NS = 60_000_000_000
_DOUBT = 0.5  # confidence below which an answer is worth a look
_CORRECTED, _CLAMPED = "corrected", "clamped"
_SHARE = 655  # of 65,536
_ID_PARTS = 8  # a trace id is so many 16-bit numbers


def parts_of(
    columns: Columns,
    reads: tuple[str, ...],
    profile: Profile,
    numbers: Mapping[str, Number],
    decoded: Decoded,
    placing: Placing,
) -> Iterator[Part]:
    """Spans of one profile as parts; more than one only if values had to be left out or times to be corrected."""
    _note_sample(columns, decoded)
    sound = _sound(reads, columns.values, numbers)
    groups = [(reads, columns)] if sound else list(_repaired(reads, columns, numbers, decoded))
    if profile.inference:
        for left, kept in groups:
            yield from _timed(profile, left, kept, decoded, placing)
    else:
        yield Part(None, plain(columns.seqs), columns.raws, columns.trace_ids, placing=placing)
    if profile.error:
        _note_all(columns, "error", decoded)


def _timed(
    profile: Profile, reads: Sequence[str], columns: Columns, decoded: Decoded, placing: Placing
) -> Iterator[Part]:
    """Parts by what is known of when they happened: for nearly all batches, that their clock was right."""
    has_since = contract.CLOCK_MONOTONIC in reads
    since = columns.values[reads.index(contract.CLOCK_MONOTONIC)] if has_since else None
    if _believed(placing, columns.starts, since):
        yield _part(profile, reads, columns, decoded, placing, {})
        return
    walls = columns.starts.tolist()
    placed = [
        placing.place(wall, when, synchronized=profile.synchronized)
        for wall, when in zip_longest(walls, () if since is None else plain(since))
    ]
    fates = [
        one.doubt or (_CLAMPED if one.clamped else _CORRECTED if one.time_ns != wall else "")
        for one, wall in zip(placed, walls, strict=True)
    ]
    for fate in dict.fromkeys(fates):
        flags = [one == fate for one in fates]
        some = columns.only(flags)
        if isinstance(fate, TimeDoubt):
            yield _quarantined(profile, some, fate, placing)
            continue
        times = [one.time_ns for one in compress(placed, flags)]
        told: dict[str, Sequence[float]] = {}
        if fate == _CORRECTED:
            told[contract.CLOCK_OFFSET] = plain((np.array(times, np.int64) - some.starts) * 1e-9)
        elif fate == _CLAMPED:
            told[contract.CLOCK_CLAMPED] = [1] * len(times)
        yield _part(profile, reads, some._replace(starts=np.array(times, np.int64)), decoded, placing, told)


def _quarantined(profile: Profile, columns: Columns, doubt: TimeDoubt, placing: Placing) -> Part:
    """Records without a time: they are counted as such when they came, and add to nothing else."""
    times, nothing = [placing.received_ns] * len(columns.raws), [0] * len(columns.raws)
    said, walls = {contract.CLOCK_DOUBT: doubt.value}, {contract.CLOCK_ORIGINAL: plain(columns.starts)}
    alike = Alike(EventKind.QUARANTINED, profile.labels, False, "", said, times, nothing, walls)
    return Part(alike, _claims(columns), columns.raws, columns.trace_ids, placing=placing)


def _part(
    profile: Profile,
    reads: Sequence[str],
    columns: Columns,
    decoded: Decoded,
    placing: Placing,
    told: Mapping[str, Sequence[float]],
) -> Part:
    """Events whose times are settled; ``told`` is what there is to say about how."""
    _note_doubts(columns, reads, decoded)
    _note_longest(columns, profile.labels, decoded)
    numbers: dict[str, Sequence[float]] = {
        key: plain(values) for key, values in zip(reads, columns.values, strict=True) if key != contract.CLOCK_MONOTONIC
    }
    numbers |= told
    numbers |= {key: [truth] * len(columns.raws) for key, truth in profile.truths.items()}
    numbers[contract.LATENESS] = plain((placing.received_ns - columns.starts) * 1e-9)
    alike = Alike(
        EventKind.INFERENCE,
        profile.labels,
        profile.root is True,
        profile.error,
        profile.texts,
        plain(columns.starts),
        plain(columns.durations),
        numbers,
    )
    return Part(alike, _claims(columns), columns.raws, columns.trace_ids, placing=placing)


def _claims(columns: Columns) -> Sequence[object]:
    return plain(columns.seqs) or [*map(bytes.__add__, columns.trace_ids, columns.span_ids)]


def _note_sample(columns: Columns, decoded: Decoded) -> None:
    """Note one trace in a hundred, by the last 16 bits of its random id."""
    lasts = np.frombuffer(b"".join(columns.trace_ids), ">u2")[_ID_PARTS - 1 :: _ID_PARTS]
    for at in np.flatnonzero(lasts < _SHARE).tolist():
        decoded.worthy.setdefault(columns.trace_ids[at], {})[columns.span_ids[at]] = "sample"


def _note_doubts(columns: Columns, reads: Sequence[str], decoded: Decoded) -> None:
    """Note answers of low confidence."""
    for key, values in zip(reads, columns.values, strict=True):
        if key == contract.CONFIDENCE:
            for at in np.flatnonzero(values < _DOUBT).tolist():
                decoded.worthy.setdefault(columns.trace_ids[at], {})[columns.span_ids[at]] = "low_confidence"


def _note_longest(columns: Columns, labels: Labels, decoded: Decoded) -> None:
    """Note the longest of each minute."""
    minutes = columns.starts // _MINUTE_NS
    order = np.lexsort((columns.durations, minutes))
    lasts = order[np.flatnonzero(np.diff(minutes[order], append=-1))].tolist()
    for at in lasts:
        place, duration = (labels, int(minutes[at])), int(columns.durations[at])
        if place not in decoded.longest or duration > decoded.longest[place][0]:
            decoded.longest[place] = (duration, columns.trace_ids[at], columns.span_ids[at])


def _note_all(columns: Columns, why: str, decoded: Decoded) -> None:
    for trace_id, span_id in zip(columns.trace_ids, columns.span_ids, strict=True):
        decoded.worthy.setdefault(trace_id, {})[span_id] = why


def _sound(reads: Sequence[str], values: Sequence[NDArray[Any]], numbers: Mapping[str, Number]) -> bool:
    """Whether every value is certain to be one that may be; the least of a column with a NaN is a NaN."""
    return all(
        column.dtype != np.object_ and numbers[key].low <= column.min() and column.max() <= numbers[key].high
        for key, column in zip(reads, values, strict=True)
    )


def _believed(placing: Placing, walls: NDArray[np.int64], since: NDArray[Any] | None) -> bool:
    """``Placing.believes``, asked about the extremes of all columns first."""
    ends = [int(walls.min()), int(walls.max())]
    if since is None:
        return placing.believes(ends, ())
    crossed = [float(since.max()), float(since.min())]
    return placing.believes(ends, crossed) or placing.believes(walls.tolist(), plain(since))


def _repaired(
    reads: Sequence[str], columns: Columns, numbers: Mapping[str, Number], decoded: Decoded
) -> Iterator[tuple[tuple[str, ...], Columns]]:
    """The same without the values that cannot be, by the numbers that are left."""
    sound: list[tuple[bool, ...]] = []
    for row in zip(*map(plain, columns.values), strict=True):
        good = [numbers[key].low <= value <= numbers[key].high for key, value in zip(reads, row, strict=True)]
        for value, fine in zip(row, good, strict=True):
            if not fine:
                decoded.faults[fault_of(value)] += 1
        sound.append(tuple(good))
    for kind in dict.fromkeys(sound):
        some = columns.only([row == kind for row in sound])
        left = tuple(key for key, fine in zip(reads, kind, strict=True) if fine)
        yield left, some._replace(values=[column for column, fine in zip(some.values, kind, strict=True) if fine])

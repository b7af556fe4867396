"""Columns -> parts: impossible values are left out, events are made, spans worth a look are noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isfinite

from hybridobs import contract
from hybridobs.collector._attributes import Number, fault_of
from hybridobs.collector._profile import Profile
from hybridobs.collector._records import Columns, Decoded, Part
from hybridobs.contract import EventKind
from hybridobs.kpi.event import Alike

_MINUTE_NS = 60_000_000_000
_DOUBT = 0.5  # confidence below which an answer is worth a look
_MAX_MINUTES = 1_440
_SHARE = (655).to_bytes(2, "big")  # of 65,536
_EDGE = _SHARE[0] + 1


def parts_of(
    columns: Columns,
    reads: tuple[str, ...],
    profile: Profile,
    numbers: Mapping[str, Number],
    decoded: Decoded,
    now_ns: int,
) -> Iterator[Part]:
    """Spans of one profile as parts; more than one only if values had to be left out."""
    _note_sample(columns, decoded)
    sound = _sound(reads, columns.values, numbers)
    groups = [(reads, columns)] if sound else list(_repaired(reads, columns, numbers, decoded))
    if profile.inference:
        yield from (_part(profile, left, kept, decoded, now_ns) for left, kept in groups)
    else:
        yield Part(None, columns.seqs, columns.raws, columns.trace_ids)
    if profile.error:
        _note_all(columns, "error", decoded)


def _part(profile: Profile, reads: Sequence[str], columns: Columns, decoded: Decoded, now_ns: int) -> Part:
    numbers: dict[str, Sequence[float]] = dict(zip(reads, columns.values, strict=True))
    _note_worthy(columns, numbers.get(contract.CONFIDENCE, ()), profile, decoded)
    numbers |= {key: [truth] * len(columns.raws) for key, truth in profile.truths.items()}
    numbers[contract.LATENESS] = [(now_ns - start) * 1e-9 for start in columns.starts]
    alike = Alike(
        EventKind.INFERENCE,
        profile.labels,
        profile.root is True,
        profile.error,
        profile.texts,
        columns.starts,
        columns.durations,
        numbers,
    )
    claims: Sequence[object] = columns.seqs or [*map(bytes.__add__, columns.trace_ids, columns.span_ids)]
    return Part(alike, claims, columns.raws, columns.trace_ids)


def _note_sample(columns: Columns, decoded: Decoded) -> None:
    """Note one trace in a hundred, by the end of its random id."""
    for trace_id, span_id in zip(columns.trace_ids, columns.span_ids, strict=True):
        if trace_id[14] < _EDGE and trace_id[14:] < _SHARE:
            decoded.worthy.setdefault(trace_id, {})[span_id] = "sample"


def _note_worthy(columns: Columns, doubts: Sequence[float], profile: Profile, decoded: Decoded) -> None:
    """Note answers of low confidence, and the slowest of these if it is the slowest of its minute and labels so far."""
    if doubts and min(doubts) < _DOUBT:
        for trace_id, span_id, confidence in zip(columns.trace_ids, columns.span_ids, doubts, strict=True):
            if confidence < _DOUBT:
                decoded.worthy.setdefault(trace_id, {})[span_id] = "low_confidence"
    longest = max(columns.durations)
    at = columns.durations.index(longest)
    minute = columns.starts[at] // _MINUTE_NS
    if longest > profile.slowest.get(minute, -1):
        if len(profile.slowest) > _MAX_MINUTES:
            profile.slowest.clear()
        profile.slowest[minute] = longest
        decoded.worthy.setdefault(columns.trace_ids[at], {})[columns.span_ids[at]] = "slow"


def _note_all(columns: Columns, why: str, decoded: Decoded) -> None:
    for trace_id, span_id in zip(columns.trace_ids, columns.span_ids, strict=True):
        decoded.worthy.setdefault(trace_id, {})[span_id] = why


def _sound(reads: Sequence[str], values: Sequence[Sequence[float]], numbers: Mapping[str, Number]) -> bool:
    """Whether every value is one that may be; a sum that is not finite shows a NaN that comparing would hide."""
    for key, column in zip(reads, values, strict=True):
        number = numbers[key]
        if not (number.low <= min(column) and max(column) <= number.high and isfinite(sum(column))):
            return False
    return True


def _repaired(
    reads: Sequence[str], columns: Columns, numbers: Mapping[str, Number], decoded: Decoded
) -> Iterator[tuple[tuple[str, ...], Columns]]:
    """The same without the values that cannot be, by the numbers that are left."""
    sound: list[tuple[bool, ...]] = []
    for row in zip(*columns.values, strict=True):
        good = [numbers[key].low <= value <= numbers[key].high for key, value in zip(reads, row, strict=True)]
        for value, fine in zip(row, good, strict=True):
            if not fine:
                decoded.faults[fault_of(value)] += 1
        sound.append(tuple(good))
    for kind in dict.fromkeys(sound):
        some = columns.only([row == kind for row in sound])
        left = tuple(key for key, fine in zip(reads, kind, strict=True) if fine)
        yield left, some._replace(values=[column for column, fine in zip(some.values, kind, strict=True) if fine])

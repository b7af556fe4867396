"""Lost ranges in a slot file: kept until the collector has them, joined where they touch."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable

from hybridobs.contract import LostReason
from hybridobs.kpi.ranges import RangeSet
from hybridobs.sdk.queue import LostRange


def runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Different numbers in any order as ascending inclusive ranges."""
    ordered = sorted(numbers)
    if ordered and ordered[-1] - ordered[0] + 1 == len(ordered):  # the usual case
        return [(ordered[0], ordered[-1])]
    found: list[tuple[int, int]] = []
    for number in ordered:
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def lose(db: sqlite3.Connection, stream: int, ranges: Iterable[LostRange], leased: Collection[int]) -> None:
    """Add ranges of one stream inside the caller's transaction; a row that is being reported now is left as it is."""
    for first, last, reason in ranges:
        key = (stream, reason.value)
        before = "SELECT id, first FROM lost WHERE stream = ? AND reason = ? AND last = ?"
        after = "SELECT id, last FROM lost WHERE stream = ? AND reason = ? AND first = ?"
        for row, edge in db.execute(before, (*key, first - 1)).fetchall():
            if row not in leased:
                db.execute("DELETE FROM lost WHERE id = ?", (row,))
                first = edge
        for row, edge in db.execute(after, (*key, last + 1)).fetchall():
            if row not in leased:
                db.execute("DELETE FROM lost WHERE id = ?", (row,))
                last = edge
        db.execute("INSERT INTO lost (stream, reason, first, last) VALUES (?, ?, ?, ?)", (*key, first, last))


def end_streams(db: sqlite3.Connection, current: int | None, leased: Collection[int]) -> int:
    """Close the books of every stream but ``current``: its gaps become lost ranges; with nothing left it is forgotten.

    Returns how many numbers were found lost. The tail after the last stored number leaves no gap and stays unknown.
    """
    found = 0
    for key, seen in db.execute(
        "SELECT key, seen FROM streams WHERE ended = 0 AND key IS NOT ?", (current,)
    ).fetchall():
        gaps = RangeSet.unpack(seen).missing()
        lose(db, key, (LostRange(first, last, LostReason.CRASH) for first, last in gaps.ranges()), leased)
        db.execute("UPDATE streams SET ended = 1 WHERE key = ?", (key,))
        found += len(gaps)
    nothing_left = "key NOT IN (SELECT DISTINCT stream FROM records) AND key NOT IN (SELECT DISTINCT stream FROM lost)"
    db.execute(f"DELETE FROM streams WHERE ended = 1 AND {nothing_left}")  # noqa: S608 - no value in it
    return found

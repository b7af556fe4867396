"""Which widths answer a question: the widest rows that fit, and narrower ones at the edges.

A row is in the answer if it *starts* in ``[since, until)``, whatever its width. Where minutes are kept that is exact to
the minute. Where only hours or days are left, one that starts before ``since`` is out and one that ends after ``until``
is in, so that two questions that follow each other have every row once between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

MINUTE, HOUR, DAY = 60, 3600, 86_400
WIDTHS = (DAY, HOUR, MINUTE)
_BEGINNING, _END = -DAY * 10**10, DAY * 10**10


class Kept(NamedTuple):
    """From when on (Unix s, the start of a UTC day) the rows of each width are complete."""

    minutes: int = _BEGINNING
    hours: int = _BEGINNING
    days: int = _BEGINNING

    def finest(self, window: int) -> int:
        """The narrowest width that is left of a time."""
        return MINUTE if window >= self.minutes else HOUR if window >= self.hours else DAY


class Tile(NamedTuple):
    """Rows of one width that start in ``[since, until)``."""

    width: int
    since: int
    until: int


class Tiling(NamedTuple):
    """``tiles`` of rolled rows, and the range of minutes from which fresh rows belong to the same answer."""

    tiles: tuple[Tile, ...]
    since: int
    until: int


def tiling(since: int | None, until: int | None, kept: Kept, window: int | None) -> Tiling:
    """The tiles of ``[since, until)`` for windows of ``window`` seconds; None if windows are not told apart.

    A wider row is used only where it lies inside one window, or where nothing narrower is left.
    """
    low, high = _BEGINNING if since is None else since, _END if until is None else until
    usable = [width for width in WIDTHS if window is None or window % width == 0]
    regions = ((DAY, kept.days, kept.hours), (HOUR, kept.hours, kept.minutes), (MINUTE, kept.minutes, _END))
    parts = [
        Tile(width, max(start, _up(low, width)), min(end, _up(high, width)))
        for width, start, end in regions
        if max(start, _up(low, width)) < min(end, _up(high, width))
    ]
    tiles: list[Tile] = []
    for width, start, end in parts:
        for tile in _split(start, end, [*(wider for wider in usable if wider > width), width]):
            if tiles and tiles[-1].width == tile.width:
                tiles[-1] = tiles[-1]._replace(until=tile.until)
            else:
                tiles.append(tile)
    return Tiling(tuple(tiles), parts[0].since, parts[-1].until) if parts else Tiling((), 0, 0)


def _split(start: int, end: int, widths: Sequence[int]) -> list[Tile]:
    """Tiles of ``[start, end)``, the first of ``widths`` where it fits; the last one always does."""
    if start >= end:
        return []
    width, *narrower = widths
    if not narrower:
        return [Tile(width, start, end)]
    first, last = _up(start, width), end - end % width
    if first >= last:
        return _split(start, end, narrower)
    return [*_split(start, first, narrower), Tile(width, first, last), *_split(last, end, narrower)]


def _up(time: int, width: int) -> int:
    return -(-time // width) * width

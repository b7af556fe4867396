"""Stored rows of one measure as columns: the database joins what the rows of a window hold to one text a column.

That costs a fraction of a row for each series, for the database and for Python: keys already lie in the order of
windows, so nothing is sorted, and numpy reads a million numbers of a text faster than Python makes as many objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sqlalchemy import ColumnElement, Text, cast, func, select

from hybridobs.errors import LayoutError
from hybridobs.kpi.measure import Measure
from hybridobs.store._dialect import Dialect
from hybridobs.store._packed import Ints, Joined
from hybridobs.store._read import Part

if TYPE_CHECKING:
    from sqlalchemy import Connection

ROWS = 20_000  # read and merged at a time, which bounds the memory of any question


class Rows(NamedTuple):
    """Rows of some windows, a column each; ``hists`` is None where no distribution was asked for."""

    window: Ints
    columns: dict[str, Ints]
    hists: Joined | None


class Chosen(NamedTuple):
    """What is read of ``measure``: whole numbers by column name, and the first bytes of each distribution.

    ``ids`` are the series, ascending, and ``whole`` says that there are no others.
    """

    measure: Measure
    columns: tuple[str, ...]
    hist_bytes: int | None  # None: all of them
    ids: Sequence[int]
    whole: bool


def stored(connection: Connection, dialect: Dialect, part: Part, chosen: Chosen) -> Iterator[Rows]:
    """The rows of ``part``; LayoutError for those of another definition of the measure."""
    for start in range(0, len(chosen.ids), ROWS):
        ids = chosen.ids[start : start + ROWS]
        statement = _statement(dialect, part, chosen, ids)
        windows = max(1, ROWS // len(ids))
        for found in connection.execute(statement, {"ids": dialect.bind_list(ids)}).partitions(windows):
            yield _rows(found, chosen)


def _statement(dialect: Dialect, part: Part, chosen: Chosen, ids: Sequence[int]) -> Any:
    table, own = part
    texts = list(map(_listed, (table.c[name] for name in chosen.columns)))
    if chosen.hist_bytes != 0:
        hist = table.c.hist if chosen.hist_bytes is None else func.substr(table.c.hist, 1, chosen.hist_bytes)
        texts += [_listed(func.length(hist)), dialect.joined(hist)]
    layout = table.c.layout
    statement = select(table.c.window, func.count(), func.min(layout), func.max(layout), *texts)
    statement = statement.where(*own, table.c.measure == chosen.measure.name).group_by(table.c.window)
    if not chosen.whole:
        return statement.where(dialect.one_of(table.c.series_id, "ids"))
    return statement.where(table.c.series_id.between(ids[0], ids[-1])) if len(ids) < len(chosen.ids) else statement


def _listed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.aggregate_strings(cast(column, Text), ",")


def _rows(found: Sequence[Any], chosen: Chosen) -> Rows:
    windows, counts, least, most, *texts = zip(*found, strict=True)
    if {*least, *most} != {chosen.measure.layout}:
        raise LayoutError(f"{chosen.measure.name}: some rows were stored under another definition of it")
    window = np.repeat(np.array(windows, np.int64), counts)
    hists = Joined(b"".join(texts.pop()), _numbers(texts.pop())) if chosen.hist_bytes != 0 else None
    return Rows(window, dict(zip(chosen.columns, map(_numbers, texts), strict=True)), hists)


def _numbers(texts: Sequence[str]) -> Ints:
    return np.fromstring(",".join(texts), np.int64, sep=",")

"""Stored rows of one measure added up, those of an older catalogue among them, which nobody here can name any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from hybridobs.errors import LayoutError
from hybridobs.kpi import distinct, summary
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.measure import Measure, Shape
from hybridobs.kpi.summary import Summary
from hybridobs.store._columns import Batch, Packed


def merged(name: str, layout: int, rows: Sequence[Packed], places: Sequence[int], size: int) -> list[Packed]:
    """``size`` rows, to each of which those of ``rows`` are added that have its place; LayoutError for damaged ones."""
    measure = MEASURES.get(name)
    if measure is None or measure.layout != layout:
        return _former(name, layout, rows, places, size)
    batch = Batch(measure, size)
    batch.add_packed(rows, places)
    return batch.packed()


def _former(name: str, layout: int, rows: Sequence[Packed], places: Sequence[int], size: int) -> list[Packed]:
    """The same for a definition that is gone: a packed row says enough of itself to be added to its like."""
    parts: dict[int, list[Packed]] = defaultdict(list)
    for place, row in zip(places, rows, strict=True):
        parts[place].append(row)
    measure = _told(name, layout, rows[0].hist)
    return [
        Packed.of(Summary.merged(measure, (Summary.unpack(measure, *row) for row in parts[place])))
        for place in range(size)
    ]


def _told(name: str, layout: int, hist: bytes) -> Measure:
    """What a packed row says of its measure."""
    if not hist:
        shape, edges = Shape.SUM, 0
    elif hist[:2] == bytes((distinct.VERSION, distinct.BITS)):
        shape, edges = Shape.DISTINCT, 0
    elif len(hist) >= summary.HEADER.size:
        shape, edges = Shape.DISTRIBUTION, summary.HEADER.unpack_from(hist)[2]
    else:
        raise LayoutError(f"{name}: {len(hist)} bytes are no packed summary")
    measure = Measure(name, "1", shape, "", edges=(0,) * edges)
    measure.__dict__["layout"] = layout  # kept beside what it is normally made from
    return measure

"""The limit on label sets: what is beyond it is still counted, in one visible overflow series of each measure.

It is one of the store, not of a replica: before a replica adds a series it keeps the others from adding any, and looks
at what they added, in the transaction that adds it. Only the overflow series themselves are on top.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from hybridobs.contract import LABELS, OVERFLOW, Labels
from hybridobs.kpi.catalog.measures import FEATURE_CATEGORY
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.store import Transaction

NAMES = 100  # different names of one model input; somebody will send an order number as a category
_OVERFLOW = Labels(*([OVERFLOW] * len(LABELS)))

Cells = dict[CellKey, Sequence[int]]
_T = TypeVar("_T")


class SeriesLimit:
    """Knows the series of the store, those of other replicas once it needs to. Not for several threads at once."""

    def __init__(self, most: int, known: Iterable[Series] = ()) -> None:
        self._most = most
        self._known: set[Series] = set()
        self._names: dict[str, set[str]] = {}
        self.settle(known)

    def __len__(self) -> int:
        return len(self._known)

    def prepare(self, tx: Transaction, *groups: Mapping[CellKey, Sequence[object]]) -> None:
        """Make sure that ``admit`` may decide: if something in ``groups`` is new here, know what others have added.

        While there is room, nobody else adds a series until ``tx`` ends.
        """
        if all(key.series in self._known for cells in groups for key in self._named(cells)[0]):
            return
        if tx.series_mark()[0] < self._most:
            tx.hold_series()
        self.refresh(tx)

    def refresh(self, tx: Transaction) -> None:
        """Know what the store has now: others add series, and forget those that have nothing left."""
        if tx.series_mark() != tx.mark_of(self._known):
            now = SeriesLimit(self._most, tx.series())
            self._known, self._names = now._known, now._names

    def admit(self, cells: Mapping[CellKey, Sequence[_T]], new: set[Series]) -> tuple[dict[CellKey, Sequence[_T]], int]:
        """The cells to store, and how many values went to overflow series; ``new`` grows by the series new to it."""
        admitted: dict[CellKey, Sequence[_T]] = {}
        cells, overflow = self._named(cells)
        for key, values in cells.items():
            if key.series not in self._known and key.series not in new:
                if len(self._known) + len(new) < self._most:
                    new.add(key.series)
                else:
                    overflow += len(values)
                    over = CellKey(key.window, _overflow(key.series), key.measure)
                    admitted[over] = [*admitted.get(over, ()), *values]
                    new.update({over.series} - self._known)
                    continue
            admitted[key] = values
        return admitted, overflow

    def settle(self, new: Iterable[Series]) -> None:
        """These series are in the store now."""
        for series in new:
            self._known.add(series)
            extra = dict(series.extra)
            if "category" in extra:
                self._names.setdefault(extra["feature"], set()).add(extra["category"])

    def _named(self, cells: Mapping[CellKey, Sequence[_T]]) -> tuple[Mapping[CellKey, Sequence[_T]], int]:
        """The same with at most ``NAMES`` names of each model input, others as one, and how many those are."""
        if not any(key.measure == FEATURE_CATEGORY.name for key in cells):
            return cells, 0
        kept: dict[CellKey, Sequence[_T]] = {}
        met: dict[str, set[str]] = {}
        unnamed = 0
        for key, values in cells.items():
            place = key
            if key.measure == FEATURE_CATEGORY.name:
                extra = dict(key.series.extra)
                names = met.setdefault(extra["feature"], set(self._names.get(extra["feature"], ())))
                if len(names) < NAMES:
                    names.add(extra["category"])
                elif extra["category"] not in names:
                    unnamed += len(values)
                    place = key._replace(series=_unnamed(key.series))
            kept[place] = [*kept[place], *values] if place in kept else values
        return kept, unnamed


def _unnamed(series: Series) -> Series:
    """The same without its name."""
    return Series(
        series.labels, tuple((label, OVERFLOW if label == "category" else text) for label, text in series.extra)
    )


def _overflow(series: Series) -> Series:
    return Series(_OVERFLOW, tuple((name, OVERFLOW) for name, _ in series.extra))

"""The limit on label sets: what is beyond it is still counted, in one visible overflow series of each measure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from hybridobs.contract import LABELS, OVERFLOW, Labels
from hybridobs.kpi.catalog.measures import FEATURE_CATEGORY
from hybridobs.kpi.fold import CellKey, Series

NAMES = 100  # different names of one model input; somebody will send an order number as a category
_OVERFLOW = Labels(*([OVERFLOW] * len(LABELS)))

Cells = dict[CellKey, Sequence[int]]
_T = TypeVar("_T")


class SeriesLimit:
    """Knows every series that the store has. Not for several threads at once."""

    def __init__(self, most: int, known: Iterable[Series] = ()) -> None:
        self._most = most
        self._known = set(known)
        self._names: dict[str, set[str]] = {}
        self._hear(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def admit(self, cells: Mapping[CellKey, Sequence[_T]]) -> tuple[dict[CellKey, Sequence[_T]], set[Series], int]:
        """The cells to store, the series new to it, and how many values went to overflow series."""
        admitted: dict[CellKey, Sequence[_T]] = {}
        new: set[Series] = set()
        cells, overflow = self._named(cells)
        for key, values in cells.items():
            if key.series not in self._known and key.series not in new:
                if len(self._known) + len(new) < self._most:
                    new.add(key.series)
                else:
                    overflow += len(values)
                    over = CellKey(key.window, _overflow(key.series), key.measure)
                    admitted[over] = [*admitted.get(over, ()), *values]
                    continue
            admitted[key] = values
        return admitted, new, overflow

    def settle(self, new: set[Series]) -> None:
        """These series are in the store now."""
        self._known |= new
        self._hear(new)

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

    def _hear(self, series: Iterable[Series]) -> None:
        """Remember the names that are stored."""
        for one in series:
            extra = dict(one.extra)
            if "category" in extra:
                self._names.setdefault(extra["feature"], set()).add(extra["category"])


def _unnamed(series: Series) -> Series:
    """The same without its name."""
    return Series(
        series.labels, tuple((label, OVERFLOW if label == "category" else text) for label, text in series.extra)
    )


def _overflow(series: Series) -> Series:
    return Series(_OVERFLOW, tuple((name, OVERFLOW) for name, _ in series.extra))

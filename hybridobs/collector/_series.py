"""The limit on label sets: what is beyond it is still counted, in one visible overflow series of each measure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hybridobs.contract import LABELS, OVERFLOW, Labels
from hybridobs.kpi.fold import CellKey, Series

_OVERFLOW = Labels(*([OVERFLOW] * len(LABELS)))

Cells = dict[CellKey, list[int]]


class SeriesLimit:
    """Knows every series that the store has. Not for several threads at once."""

    def __init__(self, most: int, known: Iterable[Series] = ()) -> None:
        self._most = most
        self._known = set(known)

    def __len__(self) -> int:
        return len(self._known)

    def admit(self, cells: Mapping[CellKey, list[int]]) -> tuple[Cells, set[Series], int]:
        """The cells to store, the series new to it, and how many values went to overflow series."""
        admitted: Cells = {}
        new: set[Series] = set()
        overflow = 0
        for key, values in cells.items():
            if key.series not in self._known and key.series not in new:
                if len(self._known) + len(new) < self._most:
                    new.add(key.series)
                else:
                    overflow += len(values)
                    over = CellKey(key.window, _overflow(key.series), key.measure)
                    admitted[over] = admitted.get(over, []) + values
                    continue
            admitted[key] = values
        return admitted, new, overflow

    def settle(self, new: set[Series]) -> None:
        """These series are in the store now."""
        self._known |= new


def _overflow(series: Series) -> Series:
    return Series(_OVERFLOW, tuple((name, OVERFLOW) for name, _ in series.extra))

"""Arithmetic on whole columns with numpy, equal to :class:`hybridobs.kpi.fold_alike.Plain` in what it gives."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybridobs.kpi.fold_alike import Plain
from hybridobs.kpi.histogram import LIMIT


def runs(lists: Sequence[Sequence[int]]) -> list[range]:
    """All numbers of up to 63 bits in ``lists`` as ascending runs; one that is there twice is in two runs."""
    if not lists:
        return []
    numbers = np.sort(np.concatenate([np.asarray(some, np.int64) for some in lists]))
    ends = [*(np.flatnonzero(np.diff(numbers) != 1) + 1).tolist(), len(numbers)]
    return [range(int(numbers[start]), int(numbers[end - 1]) + 1) for start, end in pairwise([0, *ends]) if start < end]


class Vectors(Plain):
    """For columns packed as ``array``, which numpy sees without a copy; others are left to Python."""

    def ends(self, values: Sequence[int]) -> tuple[int, int]:
        """The least and the greatest."""
        if not isinstance(values, array):
            return super().ends(values)
        column: NDArray[Any] = np.asarray(values)
        return int(column.min()), int(column.max())

    def quanta(self, values: Sequence[float], resolution: int) -> Sequence[int] | None:
        """Values in quanta; beyond the limit counts what a double cannot tell from it."""
        if not isinstance(values, array):
            return super().quanta(values, resolution)
        with np.errstate(over="ignore"):  # the product of Python: integers are exact below the limit
            scaled = np.asarray(values) * float(resolution)
        if not (scaled.min() > -LIMIT and scaled.max() < LIMIT):  # a NaN is neither
            return None
        return array("q", np.rint(scaled).astype(np.int64).tobytes())

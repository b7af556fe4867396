"""Ids of series: made of their labels, so that every replica finds the same without asking the database."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b

from hybridobs.kpi.fold import Series

SAY_AGAIN_S = 86_400  # a writer notes so often that it uses a series
MARK = 1 << 31  # ids are taken modulo this for a sum that 64 bits hold


class SeriesIds:
    """Ids of series, and which of them the database is known to hold; belongs to one store."""

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._ids: dict[Series, int] = {}
        self._said: dict[int, int] = {}

    def id_of(self, series: Series) -> int:
        """63 bits of a hash of the labels: the same on every replica, without asking the database."""
        found = self._ids.get(series)
        if found is None:
            if len(self._ids) >= self._most:
                self._ids.clear()
            text = json.dumps([*series.labels, *series.extra])
            found = self._ids[series] = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
        return found

    def unsaid(self, ids: Iterable[int], now_s: int) -> set[int]:
        """Those whose rows this store did not write in the last ``SAY_AGAIN_S``."""
        before = now_s - SAY_AGAIN_S
        return {number for number in ids if self._said.get(number, before) <= before}

    def committed(self, ids: Iterable[int], now_s: int) -> None:
        """Remember that these rows exist; nobody removes them while they are used, see ``SAY_AGAIN_S``."""
        if len(self._said) >= self._most:
            self._said.clear()
        self._said.update(dict.fromkeys(ids, now_s))

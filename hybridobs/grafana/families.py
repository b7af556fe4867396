"""Which KPIs belong on one panel: the percentiles of one time, the limits it is held against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

from hybridobs.kpi.kpi import Kpi, Overlap, Quantile, Share


@dataclass(frozen=True, slots=True)
class Family:
    """KPIs read from the same measures in the same way, under one title; most are a family of one."""

    title: str
    kpis: tuple[Kpi, ...]

    @property
    def first(self) -> Kpi:
        return self.kpis[0]

    @property
    def ladder(self) -> bool:
        """Whether it says how much lies under each of many limits."""
        return len(self.kpis) > 3 and isinstance(self.first.formula, Share)

    def named(self, kpi: Kpi) -> str:
        """What tells the KPI from the rest of its family: ``p95``, ``300 ms``; nothing where it is alone."""
        return kpi.title.removeprefix(self.title).strip() if len(self.kpis) > 1 else ""


def families(kpis: Iterable[Kpi]) -> Iterator[Family]:
    """All of them, in the order of the catalogue; only neighbours are put together."""
    together: list[Kpi] = []
    for kpi in kpis:
        if together and not _alike(together, kpi):
            yield _family(together)
            together = []
        together.append(kpi)
    if together:
        yield _family(together)


def _alike(together: list[Kpi], kpi: Kpi) -> bool:
    first = together[0]
    same = type(first.formula) is type(kpi.formula) and first.direction is kpi.direction
    return same and _subject(first) == _subject(kpi) != None and bool(_shared([*together, kpi]))  # noqa: E711


def _subject(kpi: Kpi) -> tuple[str, bool] | None:
    """What it is about, where several KPIs may be about the same."""
    match kpi.formula:
        case Quantile(measure):
            return measure.name, False
        case Share(measure, _, above):
            return measure.name, above
        case Overlap(measure):
            return measure.name, False
        case _:
            return None


def _family(kpis: list[Kpi]) -> Family:
    return Family(kpis[0].title if len(kpis) == 1 else _shared(kpis), tuple(kpis))


def _shared(kpis: list[Kpi]) -> str:
    """The words with which all titles begin."""
    columns = zip(*(kpi.title.split() for kpi in kpis), strict=False)
    return " ".join(words[0] for words in takewhile(lambda words: len(set(words)) == 1, columns))

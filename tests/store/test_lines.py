"""Charts: the windows of many series side by side are those that ``read`` has, as columns."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from hybridobs.contract import Labels
from hybridobs.errors import ConfigError
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.store import Detail, Store
from tests.store.conftest import Clock

BEGIN = 1_760_000_400
DURATION = "inference.duration"


def fill(store: Store) -> None:
    """An hour of two versions; some minutes are empty."""
    luck = Random(3)
    with store.begin() as tx:
        for version in ("1", "2"):
            for minute in range(60):
                series = Series(Labels(version=version, cohort=f"c{minute % 3}"))
                values = [int(luck.lognormvariate(18, 1)) for _ in range(luck.choice((0, 1, 9)))]
                tx.add({CellKey(BEGIN + 60 * minute, series, DURATION): values})


def by_version(series: Series) -> tuple[str, ...]:
    return (series.labels.version,)


@pytest.mark.parametrize("width", [60, 300, 3600])
@pytest.mark.parametrize("detail", Detail)
@pytest.mark.parametrize("rolled", ["fresh", "rolled up", "hours left", "hours left and some of them fresh"])
def test_lines_are_what_read_says(store: Store, clock: Clock, width: int, detail: Detail, rolled: str) -> None:
    """Each cell has the count and the sum of its group and window, however wide the rows are by now."""
    fill(store)
    if rolled != "fresh":
        clock.advance(86_400 * (30 if "left" in rolled else 1))
        list(store.upkeep())
    if "some" in rolled:
        fill(store)
    cuts = range(BEGIN, BEGIN + 3601, width)
    found = store.lines(DURATION, cuts, group_of=by_version, detail=detail)
    read = store.read([DURATION], by=("version", "window"), since=BEGIN, until=BEGIN + 3600, width=width)
    shown = {
        (*found.groups[line], str(cuts[window])): (int(n), int(total))
        for line, window, n, total in zip(found.line, found.window, found.n, found.sum, strict=True)
    }
    expected = {group: (each[DURATION].n, each[DURATION].sum) for group, each in read.items()}
    assert shown == expected
    if found.hists is not None:
        edges = [each[DURATION].within for _, each in sorted(read.items())]
        assert (found.hists.within.tolist() == edges) is (detail in (Detail.EDGES, Detail.ALL))
        assert bool(len(found.hists.counted)) is (detail in (Detail.BUCKETS, Detail.ALL))


def test_buckets_are_what_read_says(store: Store) -> None:
    """Every bucket, every edge, of windows of any length."""
    fill(store)
    cuts = [BEGIN, BEGIN + 60, BEGIN + 1800, BEGIN + 3600]
    found = store.lines(DURATION, cuts, group_of=by_version)
    assert found.hists is not None
    for cell, (line, window) in enumerate(zip(found.line, found.window, strict=True)):
        since, until = list(pairwise(cuts))[window]
        where = {"version": found.groups[line][0]}
        summary = store.read([DURATION], since=since, until=until, where=where)[()][DURATION]
        own = found.hists.of == cell
        places = zip(found.hists.place[own].tolist(), found.hists.counted[own].tolist(), strict=True)
        assert dict(places) == summary.positive
        assert found.hists.within[cell].tolist() == summary.within


def test_a_group_may_be_left_out(store: Store) -> None:
    """What is no group has no line."""
    fill(store)
    found = store.lines(
        DURATION, [BEGIN, BEGIN + 3600], group_of=lambda one: None if one.labels.version == "1" else ("all",)
    )
    assert found.groups == [("all",)]
    assert np.unique(found.line).tolist() == [0]


def test_lines_have_limits(store: Store) -> None:
    """Too many rows are no answer, and cuts are whole minutes."""
    fill(store)
    with pytest.raises(ConfigError, match="more than 10 stored rows"):
        store.lines(DURATION, [BEGIN, BEGIN + 3600], group_of=by_version, most=10)
    for cuts in ([BEGIN], [BEGIN, BEGIN + 61], [BEGIN + 60, BEGIN]):
        with pytest.raises(ConfigError, match="multiples of 60"):
            store.lines(DURATION, cuts, group_of=by_version)
    with pytest.raises(ConfigError, match="no windows"):
        store.lines("session.active", [BEGIN, BEGIN + 60], group_of=by_version)

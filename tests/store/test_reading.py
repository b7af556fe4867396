"""Questions: which windows, which labels, grouped how; and how exact the answer is."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from hybridobs.contract import Labels
from hybridobs.errors import ConfigError
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.store import Store

DURATION, PHASE = "inference.duration", "phase.duration"


def cell(measure: str = DURATION, window: int = 60, *extra: tuple[str, str], **labels: str) -> CellKey:
    return CellKey(window, Series(Labels(**labels), extra), measure)


@pytest.fixture
def filled(store: Store) -> Store:
    """Two tiers, two versions, three windows; the value says where it belongs."""
    with store.begin() as tx:
        tx.add(
            {
                cell(window=60, tier="device", version="1"): [1],
                cell(window=60, tier="cloud", version="1"): [10],
                cell(window=120, tier="device", version="2"): [100],
                cell(window=180, tier="device", version="1"): [1000],
                cell(PHASE, 60, ("phase", "network"), tier="device"): [5],
                cell(PHASE, 60, ("phase", "decode"), tier="device"): [7],
            }
        )
    return store


def sums(store: Store, measure: str = DURATION, **question: Any) -> dict[tuple[str, ...], int]:
    return {group: read[measure].sum for group, read in store.read([measure], **question).items()}


def test_without_a_question_everything_is_one_group(filled: Store) -> None:
    """All windows and series merge into the group of no labels."""
    assert sums(filled) == {(): 1111}


def test_since_is_included_and_until_is_not(filled: Store) -> None:
    """Windows are chosen by their start."""
    assert sums(filled, since=120) == {(): 1100}
    assert sums(filled, until=120) == {(): 11}
    assert sums(filled, since=60, until=61) == {(): 11}


def test_groups_follow_the_order_of_the_labels_asked_for(filled: Store) -> None:
    """by=(a, b) gives (value of a, value of b), and the window as text."""
    assert sums(filled, by=["version", "tier"]) == {("1", "device"): 1001, ("1", "cloud"): 10, ("2", "device"): 100}
    assert sums(filled, by=["tier", "window"], until=120) == {("device", "60"): 1, ("cloud", "60"): 10}


def test_labels_must_all_match(filled: Store) -> None:
    """where is an and; a value that does not exist matches nothing."""
    assert sums(filled, where={"tier": "device", "version": "1"}) == {(): 1001}
    assert sums(filled, where={"tier": "moon"}) == {}


def test_extra_labels_group_and_match_like_any_other(filled: Store) -> None:
    """phase is a label of one measure; the other has the empty text there."""
    assert sums(filled, PHASE, by=["phase"]) == {("network",): 5, ("decode",): 7}
    assert sums(filled, PHASE, where={"phase": "network"}) == {(): 5}
    assert sums(filled, by=["phase"]) == {("",): 1111}


def test_several_measures_are_read_at_once(filled: Store) -> None:
    """A group holds those measures that have data, and no empty ones."""
    found = filled.read([DURATION, PHASE, "tokens.input"], by=["tier"])
    names = {group: sorted(read) for group, read in found.items()}
    assert names == {("device",): [DURATION, PHASE], ("cloud",): [DURATION]}


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ({"by": ["planet"]}, "by='planet'"),
        ({"where": {"planet": "mars"}}, "where='planet'"),
        ({"where": {"window": "60"}}, "window"),
    ],
)
def test_a_label_that_does_not_exist_is_an_error(store: Store, question: dict[str, Any], named: str) -> None:
    """A misspelt label names itself and what there is, instead of reading nothing."""
    with pytest.raises(ConfigError, match=named) as refused:
        store.read([DURATION], **question)
    assert "device_class" in str(refused.value)


def test_a_measure_that_does_not_exist_is_an_error(store: Store) -> None:
    """So does a misspelt measure."""
    with pytest.raises(ConfigError, match=r"inference\.duratoin"):
        store.read(["inference.duratoin"])


def test_big_answers_are_read_in_parts(filled: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are merged a bounded number at a time, with the same result."""
    whole = filled.read([DURATION, PHASE], by=["tier"])
    monkeypatch.setattr("hybridobs.store._read._ROWS", 2)
    assert filled.read([DURATION, PHASE], by=["tier"]) == whole


DISTRIBUTIONS: dict[str, Callable[[random.Random], float]] = {
    "lognormal": lambda rng: rng.lognormvariate(-3, 0.8),
    "bimodal": lambda rng: rng.gauss(0.02, 0.002) if rng.random() < 0.7 else rng.gauss(0.5, 0.03),
    "pareto": lambda rng: 0.01 * rng.paretovariate(1.5),
    "constant": lambda rng: 0.3,
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_quantiles_from_the_store_are_within_1_1_percent(store: Store, name: str) -> None:
    """p50, p95 and p99 of 20,000 values, spread over commits, windows and series; the share within 300 ms is exact."""
    rng = random.Random(11)
    values = [max(1, round(DISTRIBUTIONS[name](rng) * 1e9)) for _ in range(20_000)]
    for part in range(4):
        with store.begin() as tx:
            tx.add({cell(window=60 * (at % 5), model=f"m{at}"): values[part::4][at::10] for at in range(10)})
    summaries = store.read([DURATION])[()]
    ordered = sorted(values)
    for q in (0.5, 0.95, 0.99):
        assert summaries[DURATION].quantile(q) == pytest.approx(ordered[round(q * 20_000) - 1] / 1e9, rel=0.011)
    assert KPIS["within_300ms"].value(summaries).value == sum(value <= 300_000_000 for value in values) / 20_000


def test_info_says_what_is_there(filled: Store) -> None:
    """Rows by kind, and the first and last window."""
    info = filled.info()
    assert (info.cells, info.series, info.streams, info.spans) == (6, 5, 0, 0)
    assert (info.first_window, info.last_window, info.created, info.schema_version) == (60, 180, 1_760_000_000, 2)


def test_an_empty_store_answers_every_question(store: Store) -> None:
    """Nothing there is nothing found, never an error."""
    assert store.read(list(MEASURES), by=["tier"]) == {}
    assert (store.series(), store.streams(), store.trace("0" * 32), store.traces()) == ([], [], [], [])
    assert store.info().first_window is None


def test_every_series_can_be_listed(filled: Store) -> None:
    """Labels come back as they were written, extra ones included."""
    assert Series(Labels(tier="device"), (("phase", "network"),)) in filled.series()
    assert len(filled.series()) == 5


def test_a_wider_window_holds_the_narrower_ones(filled: Store) -> None:
    """Windows of two minutes start at whole multiples of two minutes."""
    assert sums(filled, by=["window"], width=120) == {("0",): 11, ("120",): 1100}


@pytest.mark.parametrize("width", [0, 30, 90])
def test_a_window_is_whole_minutes(filled: Store, width: int) -> None:
    """What the store cannot add up to is refused with the way out."""
    with pytest.raises(ConfigError, match="multiple of 60"):
        filled.read([DURATION], by=["window"], width=width)

"""Adding a column of events is adding each of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hybridobs import contract as c
from hybridobs.kpi.event import Alike
from hybridobs.kpi.fold import Fold
from hybridobs.kpi.fold_alike import ColumnFold

MINUTE = 60 * 10**9
KEYS = [
    c.CONFIDENCE,
    c.ENERGY,
    c.COST,
    c.FIRST_OUTPUT,
    c.INPUT_TOKENS,
    c.LATENESS,
    c.CACHE_WRONG,
    f"{c.PHASE_PREFIX}network.duration",
    f"{c.FEATURE_PREFIX}brightness",
    "read.by.nothing",
]
TEXTS = {
    c.ROUTE_TO: ["cloud", "device"],
    c.ROUTE_REASON: ["cost_cap"],
    c.ROUTE_DECISION: ["split"],
    c.CONNECTIVITY: ["offline", "online"],
    c.CURRENCY: ["USD"],
    c.CACHE_RESULT: ["hit", "stale"],
    c.ROLE: ["shadow"],
}
NUMBERS = st.one_of(st.floats(0, 1), st.integers(0, 3), st.sampled_from([1e300, -1e300, 0.0]))


@st.composite
def columns(draw: st.DrawFn) -> Alike:
    """Up to five events, now and then with values beyond their measures and in two minutes."""
    size = draw(st.integers(0, 5))
    start = draw(st.sampled_from([MINUTE, 2 * MINUTE - 3]))

    def column(values: st.SearchStrategy[float]) -> list[float]:
        return draw(st.lists(values, min_size=size, max_size=size))

    times = [start + int(step) for step in column(st.integers(0, 5))]
    durations = [int(value) for value in column(st.sampled_from([0, 5, 10**9, 2**53 + 1]))]
    numbers = {key: column(NUMBERS) for key in draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=4))}
    texts = {key: draw(st.sampled_from(TEXTS[key])) for key in draw(st.sets(st.sampled_from(sorted(TEXTS))))}
    labels = c.Labels(tier=draw(st.sampled_from(["device", "cloud"])))
    error = draw(st.sampled_from(["", "ValueError"]))
    return Alike(c.EventKind.INFERENCE, labels, draw(st.booleans()), error, texts, times, durations, numbers)


@given(st.lists(columns(), max_size=3))
def test_a_column_is_its_events(many: list[Alike]) -> None:
    """Whatever the columns hold, the cells and the refusals are those of adding one by one."""
    fast, plain = ColumnFold(), Fold()
    for alike in many:
        fast.add_alike(alike)
        for event in alike.events():
            plain.add(event)
    assert {key: sorted(values) for key, values in fast.cells.items()} == {
        key: sorted(values) for key, values in plain.cells.items()
    }
    assert fast.refused == plain.refused


@given(columns())
def test_some_of_a_column(alike: Alike) -> None:
    """``only`` leaves the wanted events and no others."""
    wanted = [index % 2 == 0 for index in range(len(alike.times_ns))]
    assert list(alike.only(wanted).events()) == list(alike.events())[::2]

"""What an event adds, and that folding is exactly that."""

from __future__ import annotations

from math import inf, nan

import pytest

from hybridobs import contract as c
from hybridobs.kpi.event import Event
from hybridobs.kpi.fold import CellKey, Fold, Series, adds

MINUTE = 1_760_000_040  # a multiple of 60
LABELS = c.Labels(tier="device", model="digits", version="1.3.0")
INFERENCE = c.EventKind.INFERENCE


def _event(
    *,
    root: bool = False,
    error: str = "",
    duration_ns: int = 120_000_000,
    numbers: dict[str, float] | None = None,
    texts: dict[str, str] | None = None,
) -> Event:
    return Event(INFERENCE, MINUTE * 10**9, LABELS, duration_ns, root, error, numbers or {}, texts or {})


def _added(event: Event) -> dict[str, int]:
    return {measure: quanta for measure, _, quanta in adds(event)}


def test_an_inference_adds_its_duration() -> None:
    """A call nobody waits for and with no numbers adds its duration and nothing else."""
    assert list(adds(_event())) == [("inference.duration", (), 120_000_000), ("inference.at_edge", (), 1)]


def test_an_interaction_adds_what_a_person_waits_for() -> None:
    """The outermost call adds its duration as an interaction; without streaming the first output is the last."""
    added = _added(_event(root=True))
    assert (added["interaction.duration"], added["interaction.time_to_first_output"]) == (120_000_000, 120_000_000)


def test_a_streaming_interaction_adds_its_first_output() -> None:
    """First output counts for the call and for the interaction."""
    added = _added(_event(root=True, numbers={c.FIRST_OUTPUT: 0.041}))
    assert (added["inference.time_to_first_output"], added["interaction.time_to_first_output"]) == (41_000_000,) * 2


def test_an_inner_streaming_call_is_no_interaction() -> None:
    """First output of an inner call is not what a person sees first."""
    assert set(_added(_event(numbers={c.FIRST_OUTPUT: 0.041}))) == {
        "inference.duration",
        "inference.at_edge",
        "inference.time_to_first_output",
    }


def test_a_failure_adds_an_error_by_class() -> None:
    """A failed call is also a call."""
    assert list(adds(_event(error="TimeoutError"))) == [
        ("inference.duration", (), 120_000_000),
        ("inference.at_edge", (), 1),
        ("inference.errors", (("error_type", "TimeoutError"),), 1),
    ]


@pytest.mark.parametrize(("error", "failed"), [("", 0), ("OSError", 1)])
def test_an_offline_interaction_adds_its_outcome(error: str, failed: int) -> None:
    """Offline interactions are counted, and those that failed."""
    added = _added(_event(root=True, error=error, texts={c.CONNECTIVITY: "offline"}))
    assert (added["interaction.offline"], added.get("interaction.offline_failed", 0)) == (1, failed)


@pytest.mark.parametrize(("root", "connectivity"), [(True, "online"), (True, "degraded"), (False, "offline")])
def test_only_offline_interactions_are_offline(root: bool, connectivity: str) -> None:
    """A weak network is a network, and an inner call is not an interaction."""
    assert "interaction.offline" not in _added(_event(root=root, texts={c.CONNECTIVITY: connectivity}))


@pytest.mark.parametrize(
    ("key", "text", "measure", "extra", "quanta"),
    [
        (c.CONFIDENCE, {}, "inference.confidence", (), 500_000_000),
        (c.INPUT_TOKENS, {}, "tokens.input", (), 0),
        (c.ENERGY, {c.ENERGY_METHOD: "counter"}, "inference.energy", (("energy_method", "counter"),), 500_000_000),
        (c.ENERGY, {}, "inference.energy", (("energy_method", "unknown"),), 500_000_000),
        (c.COST, {c.CURRENCY: "EUR"}, "inference.cost", (("currency", "EUR"),), 500_000_000),
        (f"{c.PHASE_PREFIX}network.duration", {}, "phase.duration", (("phase", "network"),), 500_000_000),
        (f"{c.FEATURE_PREFIX}brightness", {}, "feature.value", (("feature", "brightness"),), 500_000),
        (c.LATENESS, {}, "ingest.lateness", (), 500_000),
    ],
)
def test_a_number_adds_to_its_measure(
    key: str, text: dict[str, str], measure: str, extra: tuple[tuple[str, str], ...], quanta: int
) -> None:
    """Each number goes to one measure, with the label that says what kind of number it is."""
    assert (measure, extra, quanta) in list(adds(_event(numbers={key: 0.5}, texts=text)))


def test_numbers_nobody_reads_add_nothing() -> None:
    """The start of a phase is for the trace only."""
    event = _event(numbers={f"{c.PHASE_PREFIX}network.start": 0.1, "foreign": 1.0})
    assert list(adds(event)) == list(adds(_event()))


@pytest.mark.parametrize(
    ("texts", "route", "also"),
    [
        ({c.ROUTE_TO: "cloud"}, "device>cloud", {"route.to_cloud"}),
        ({c.ROUTE_TO: "device"}, "device>device", set()),
        ({c.ROUTE_TO: "site", c.ROUTE_FROM: "cloud"}, "cloud>site", {"route.to_edge"}),
        ({c.ROUTE_TO: "cloud", c.ROUTE_FROM: "cloud"}, "cloud>cloud", set()),
    ],
)
def test_a_routing_decision_adds_where_the_task_went(texts: dict[str, str], route: str, also: set[str]) -> None:
    """Every decision is in the matrix; crossing between cloud and edge is counted by direction."""
    routed = [item for item in adds(_event(texts=texts)) if item[0].startswith("route")]
    assert routed[0] == ("route.decisions", (("reason", "unknown"), ("route", route)), 1)
    assert {measure for measure, _, _ in routed[1:]} == also


def test_other_events_add_nothing() -> None:
    """What is not an inference has no duration."""
    event = _event(root=True, error="x")._replace(kind=c.EventKind.LOST)
    fold = Fold()
    fold.add(event)
    assert (list(adds(event)), fold.cells) == ([], {})


def test_cells_are_keyed_by_the_minute_of_the_event() -> None:
    """The last nanosecond of a minute belongs to it, the next one to the next."""
    fold = Fold()
    for offset in (0, 60 * 10**9 - 1, 60 * 10**9):
        fold.add(_event()._replace(time_ns=MINUTE * 10**9 + offset))
    first, second = (CellKey(start, Series(LABELS, ()), "inference.duration") for start in (MINUTE, MINUTE + 60))
    found = {key: values for key, values in fold.cells.items() if key.measure == "inference.duration"}
    assert found == {first: [120_000_000] * 2, second: [120_000_000]}


@pytest.mark.parametrize("value", [nan, inf, 1e12])
def test_an_impossible_number_is_refused_and_the_event_counts(value: float) -> None:
    """One bad number costs that number only, and is counted."""
    fold = Fold()
    fold.add(_event(numbers={c.CONFIDENCE: value, c.INPUT_TOKENS: 3.0}))
    assert fold.refused == 1
    assert {key.measure for key in fold.cells} == {"inference.duration", "inference.at_edge", "tokens.input"}


def test_an_impossible_duration_is_refused() -> None:
    """A call of a hundred days is a broken clock; its other numbers still count."""
    fold = Fold()
    fold.add(_event(root=True, duration_ns=1 << 54, numbers={c.CONFIDENCE: 0.9}))
    assert fold.refused == 1
    assert {key.measure for key in fold.cells} == {"inference.confidence"}

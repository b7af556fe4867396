"""What an application says about a call reaches the wire with its type; what makes no sense is ignored and counted."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hybridobs
from hybridobs import Call, contract
from hybridobs.sdk._guard import ignored_values
from tests.sdk.conftest import Wire

observed = hybridobs.observe(model="digits", version="1.3.0")
Say = Callable[[Call], object]


def said(wire: Wire, say: Say) -> dict[str, Any]:
    """Return the attributes of a call that says this."""
    with observed as call:
        say(call)
    return wire.values(wire.span())


@pytest.mark.parametrize(
    ("say", "expected"),
    [
        (lambda call: call.confidence(0.93), {contract.CONFIDENCE: 0.93}),
        (lambda call: call.confidence(1), {contract.CONFIDENCE: 1.0}),
        (lambda call: call.confidence(np.float32(0.5)), {contract.CONFIDENCE: 0.5}),
        (lambda call: call.tokens(input=12, output=0), {contract.INPUT_TOKENS: 12, contract.OUTPUT_TOKENS: 0}),
        (lambda call: call.tokens(output=np.int64(300)), {contract.OUTPUT_TOKENS: 300}),
        (lambda call: call.cost(0.0001), {contract.COST: 0.0001, contract.CURRENCY: "USD"}),
        (lambda call: call.cost(2, currency="EUR"), {contract.COST: 2.0, contract.CURRENCY: "EUR"}),
        (lambda call: call.energy(0.2, method="counter"), {contract.ENERGY: 0.2, contract.ENERGY_METHOD: "counter"}),
        (lambda call: call.energy(1, method="measured"), {contract.ENERGY: 1.0, contract.ENERGY_METHOD: "measured"}),
        (lambda call: call.features(a=-1, b="x"), {"hybridobs.feature.a": -1.0, "hybridobs.feature.b": "x"}),
        (lambda call: call.connectivity("offline"), {contract.CONNECTIVITY: "offline"}),
        (lambda call: call.cache("hit"), {contract.CACHE_RESULT: "hit"}),
        (lambda call: call.batch(8), {contract.BATCH_SIZE: 8}),
        (lambda call: call.attempt(2), {contract.ATTEMPT: 2}),
        (lambda call: call.spent("network", 0.25), {"hybridobs.phase.network.duration": 0.25}),
        (lambda call: call.attribute("app.key", ["a", "b"]), {"app.key": ["a", "b"]}),
        (lambda call: call.attribute(contract.BATCH_SIZE, 3), {contract.BATCH_SIZE: 3}),
        (
            lambda call: call.model(name="other", version="9"),
            {contract.MODEL_NAME: "other", contract.MODEL_VERSION: "9"},
        ),
        (lambda call: call.attribute(contract.COHORT, "b"), {contract.COHORT: "b"}),
    ],
)
def test_a_value_arrives(wire: Wire, say: Say, expected: dict[str, object]) -> None:
    """Each thing said is an attribute of the contract's type, and no key is there twice."""
    found = said(wire, say)
    assert {key: found.get(key) for key in expected} == expected
    assert all(type(found[key]) is type(value) for key, value in expected.items())
    assert ignored_values() == {}


@pytest.mark.parametrize("number", [0, 1, 127, 128, 16383, 16384, 2**21 - 1, 2**21, 2**31, 2**53])
def test_counts_of_every_length(wire: Wire, number: int) -> None:
    """Every length of an encoded integer is right."""
    found = said(wire, lambda call: call.tokens(input=number, output=number))
    assert (found[contract.INPUT_TOKENS], found[contract.OUTPUT_TOKENS]) == (number, number)


@pytest.mark.parametrize(
    ("say", "key"),
    [
        (lambda call: call.confidence(math.nan), contract.CONFIDENCE),
        (lambda call: call.confidence(1.01), contract.CONFIDENCE),
        (lambda call: call.confidence(-0.1), contract.CONFIDENCE),
        (lambda call: call.confidence("0.9"), contract.CONFIDENCE),
        (lambda call: call.confidence(True), contract.CONFIDENCE),
        (lambda call: call.confidence(np.array([0.1, 0.2])), contract.CONFIDENCE),
        (lambda call: call.tokens(input=-1), contract.INPUT_TOKENS),
        (lambda call: call.tokens(output=1.5), contract.OUTPUT_TOKENS),
        (lambda call: call.tokens(output=2**60), contract.OUTPUT_TOKENS),
        (lambda call: call.cost(math.inf), contract.COST),
        (lambda call: call.cost(0.1, currency="dollars"), contract.COST),
        (lambda call: call.cost(1, currency=["USD"]), contract.COST),
        (lambda call: call.energy(0.1, method="guessed"), contract.ENERGY),
        (lambda call: call.energy(-0.1, method="counter"), contract.ENERGY),
        (lambda call: call.features(a=math.nan), "hybridobs.feature.a"),
        (lambda call: call.connectivity("sometimes"), contract.CONNECTIVITY),
        (lambda call: call.spent("thinking", 1), "hybridobs.phase.thinking.duration"),
        (lambda call: call.spent("network", -1), "hybridobs.phase.network.duration"),
        (lambda call: call.attribute("app.key", object()), "app.key"),
        (lambda call: call.attribute("app.key", 2**70), "app.key"),
        (lambda call: call.attribute(contract.CONFIDENCE, 7), contract.CONFIDENCE),
    ],
)
def test_what_makes_no_sense_is_ignored_counted_and_said_once(
    wire: Wire, caplog: pytest.LogCaptureFixture, say: Say, key: str
) -> None:
    """The call itself is recorded all the same."""

    def twice(call: Call) -> None:
        say(call)
        say(call)

    assert key not in said(wire, twice)
    assert list(ignored_values().values()) == [2]
    assert len(caplog.records) == 1


def test_the_last_word_counts(wire: Wire) -> None:
    """A value said twice is there once."""

    def twice(call: Call) -> None:
        call.confidence(0.1)
        call.confidence(0.2)

    assert said(wire, twice)[contract.CONFIDENCE] == 0.2


def test_a_route_names_both_ends(wire: Wire) -> None:
    """Going to another tier is an offload, unless said otherwise."""
    found = said(wire, lambda call: call.route(to="cloud", reason="low_confidence"))
    assert found[contract.ROUTE_FROM] == "device"
    assert found[contract.ROUTE_TO] == "cloud"
    assert found[contract.ROUTE_REASON] == "low_confidence"
    assert found[contract.ROUTE_DECISION] == "offload"


def test_phases_add_up_and_keep_their_first_start(wire: Wire) -> None:
    """A phase entered twice has the sum of both, from the first start."""

    def work(call: Call) -> None:
        for _ in range(2):
            with call.phase("decode"):
                pass
        with pytest.raises(ZeroDivisionError), call.phase("render"):
            raise ZeroDivisionError

    found = said(wire, work)
    assert 0 <= found["hybridobs.phase.decode.start"] < found["hybridobs.phase.render.start"]
    assert found["hybridobs.phase.render.duration"] > 0


def test_a_call_carries_no_more_than_its_limit(wire: Wire) -> None:
    """Attributes beyond the limit are ignored and counted, so one call cannot fill the queue."""
    found = said(wire, lambda call: call.features(**{f"f{number}": number for number in range(200)}))
    assert 128 <= len(found) <= 140
    assert ignored_values() == {"attributes: too_long": 72}


def test_long_text_is_cut(wire: Wire) -> None:
    """A text of a megabyte does not travel."""
    assert len(said(wire, lambda call: call.attribute("app.key", "x" * 1_000_000))["app.key"]) == 1024


def test_outside_a_call_everything_is_ignored(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """Library code need not ask whether it is observed."""
    call = hybridobs.current()
    with call.phase("decode"):
        call.confidence(0.5)
        call.tokens(input=1)
        call.cost(0.1)
        call.energy(0.1, method="counter")
        call.features(a=1)
        call.route(to="cloud", reason="policy")
        call.attribute("a", 1)
    assert not call.is_recording()
    assert not call.get_span_context().is_valid
    assert wire.spans() == []
    assert not caplog.records


def test_after_its_end_a_call_takes_nothing(wire: Wire) -> None:
    """A late word changes nothing and breaks nothing."""
    with observed as call:
        pass
    call.confidence(0.5)
    call.features(a=1)
    call.set_attribute("a", 1)
    call.add_event("late")
    call.end()
    assert contract.CONFIDENCE not in wire.values(wire.span())


def test_the_cohort_changes_while_running(wire: Wire) -> None:
    """A call has the cohort of its beginning, the next one the new cohort."""
    with observed:
        hybridobs.set_cohort("control")
    with observed:
        pass
    assert [wire.values(span)[contract.COHORT] for span in wire.spans()] == ["canary", "control"]

"""What an application may say wrong: nothing is raised, what is wrong is left out, counted and explained once."""

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import pytest

import hybridobs
from hybridobs import contract, events
from hybridobs.sdk.queue import Priority
from hybridobs.testing import Capture


class Awkward:
    """Raises whatever is asked of it."""

    def __float__(self) -> float:
        raise RuntimeError

    def __index__(self) -> int:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("value", [Awkward(), object(), float("nan"), "1", b"1", True, [1], np.ones(2), 1e300, -1])
def test_a_bad_number_is_left_out(hybridobs_capture: Capture, value: object) -> None:
    """The event is recorded without it."""
    events.session_end(outcome="completed", duration=value)  # type: ignore[arg-type]
    (event,) = hybridobs_capture.events
    assert contract.SESSION_DURATION not in event.numbers
    assert sum(hybridobs_capture.ignored.values()) == 1


@pytest.mark.parametrize(
    "act",
    [
        lambda: events.session_end(outcome="fine"),
        lambda: events.release_action("promote", trigger="me"),
        lambda: events.model_trained("d", "1", kind="distilled"),
        lambda: events.safety_check("violence", "maybe"),
        lambda: events.business_outcome(7),  # type: ignore[arg-type]
        lambda: events.device_posture(),
        lambda: events.evaluation_result("relevance"),
        lambda: events.shadow_pair("nobody"),
        lambda: events.crash(""),
    ],
)
def test_an_event_without_what_it_is_about_is_not_made(hybridobs_capture: Capture, act: Callable[[], object]) -> None:
    """It would count for nothing, so no number is spent on it."""
    act()
    assert hybridobs_capture.events == [] and hybridobs_capture.ignored


def test_an_unknown_word_is_answered_with_the_known_ones(
    hybridobs_capture: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    """The list is in the log, once."""
    with caplog.at_level(logging.WARNING, "hybridobs"):
        for _ in range(2):
            events.session_end(outcome="fine")
    assert [record for record in caplog.messages if "use one of completed, abandoned, crashed" in record] == [
        caplog.messages[0]
    ]
    assert hybridobs_capture.ignored["hybridobs.session.outcome: out_of_range"] == 2


def test_scalars_of_numpy_are_numbers_and_booleans(hybridobs_capture: Capture) -> None:
    """They are what models answer with."""
    events.evaluation_result("relevance", np.float32(0.25))
    events.business_outcome("sale", success=np.bool_(True), value=np.int64(3))  # type: ignore[arg-type]
    score, sale = hybridobs_capture.events
    assert score.numbers[contract.EVALUATION_SCORE] == 0.25
    assert (sale.numbers[contract.BUSINESS_SUCCESS], sale.numbers[contract.BUSINESS_VALUE]) == (1, 3)


def test_what_must_not_be_lost_is_dropped_last(hybridobs_capture: Capture) -> None:
    """Feedback and crashes go before calls, shadow pairs after them."""
    with hybridobs.observe(model="digits") as call:
        ref = call.ref()
    hybridobs.feedback(ref, outcome="true_accept")
    events.crash("segfault")
    events.shadow_pair(ref)
    events.session_start()
    priorities = [kept.record.priority for kept in hybridobs_capture._kept]
    assert priorities == [Priority.NORMAL, Priority.HIGH, Priority.HIGH, Priority.LOW, Priority.NORMAL]


def test_a_disabled_sdk_records_nothing(hybridobs_capture: Capture) -> None:
    """And still gives sessions their ids."""
    hybridobs.configure(disabled=True)
    assert events.session_start()
    hybridobs.feedback("", outcome="true_accept")
    assert hybridobs_capture.events == []

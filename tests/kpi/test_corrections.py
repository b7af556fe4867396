"""What turns out to be wrong is taken back in the window in which it was told."""

from __future__ import annotations

from hybridobs import contract as c
from hybridobs.contract import EventKind as Kind
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.event import Event
from hybridobs.kpi.fold import Fold
from hybridobs.kpi.kpi import Status
from hybridobs.kpi.summary import Summary

NOON = 1_760_011_200


def _event(kind: Kind, sign: int = 1, *, minute: int = 0, **texts: str) -> Event:
    said = {getattr(c, name.upper()): text for name, text in texts.items()}
    return Event(kind, (NOON + 60 * minute) * 10**9, c.Labels(), numbers={c.CORRECTION: sign}, texts=said)


def _summaries(*events: Event) -> dict[str, Summary]:
    fold = Fold()
    for event in events:
        fold.add(event)
    parts: dict[str, list[Summary]] = {}
    for sign, cells in ((1, fold.cells), (-1, fold.taken)):
        for key, values in cells.items():
            one = Summary.of(MEASURES[key.measure], values)
            parts.setdefault(key.measure, []).append(one if sign > 0 else -one)
    return {name: Summary.merged(MEASURES[name], found) for name, found in parts.items()}


def test_a_label_that_was_wrong() -> None:
    """Taken back and told again, a label counts once, as what it is now."""
    found = _summaries(
        _event(Kind.FEEDBACK, feedback_outcome="true_accept"),
        _event(Kind.FEEDBACK, feedback_outcome="true_accept"),
        _event(Kind.FEEDBACK, -1, feedback_outcome="true_accept"),
        _event(Kind.FEEDBACK, feedback_outcome="false_reject"),
    )
    assert KPIS["false_reject_rate"].value(found)[:2] == (0.5, 2)
    assert KPIS["accuracy"].value(found)[:2] == (0.5, 2)


def test_a_success_that_was_none() -> None:
    """An update that fell back to the old version moves from success to rolled back."""
    found = _summaries(
        _event(Kind.OTA_UPDATE, ota_outcome="succeeded"),
        _event(Kind.OTA_UPDATE, -1, ota_outcome="succeeded"),
        _event(Kind.OTA_UPDATE, ota_outcome="rolled_back"),
    )
    assert KPIS["ota_failure_rate"].value(found)[:2] == (1.0, 1)
    assert KPIS["ota_unconfirmed_rate"].value(found).status is Status.NO_DATA
    assert KPIS["rollbacks"].value(found).value == 1


def test_all_taken_back_is_no_data() -> None:
    """With nothing left there is no rate, and it is not zero."""
    found = _summaries(*(_event(Kind.SAFETY, sign, safety_verdict="violation") for sign in (1, -1)))
    assert KPIS["safety_violation_rate"].value(found).status is Status.NO_DATA


def test_a_call_is_a_fact() -> None:
    """A call cannot be taken back, whatever it says."""
    fold = Fold()
    fold.add(Event(Kind.INFERENCE, NOON * 10**9, c.Labels(), numbers={c.CORRECTION: -1}))
    assert fold.taken == {}
    assert {key.measure for key in fold.cells} == {"inference.duration"}


def test_a_correction_says_nothing_about_lateness() -> None:
    """Lateness is that of what was told, not of the second thought."""
    late = _event(Kind.CRASH, -1)._replace(numbers={c.CORRECTION: -1, c.LATENESS: 9e4})
    assert set(_summaries(late)) == {"model.crashes"}


def test_sessions_are_counted_for_the_days_before() -> None:
    """Who comes today is in today's set and in those of one, seven and thirty days ago."""
    fold = Fold()
    fold.add(_event(Kind.SESSION_START, installation_id="till-7"))
    days = {key.measure: (NOON - key.window) // 86_400 for key in fold.cells if key.measure != "session.started"}
    assert days == {"session.active": 0, "session.again_1d": 1, "session.again_7d": 7, "session.again_30d": 30}

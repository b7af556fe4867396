"""Delivery completeness out of the streams: counted, lost by reason, outstanding, per cohort and device class."""

from __future__ import annotations

import pytest

from hybridobs.kpi.catalog import KPIS
from hybridobs.store import Store, StreamInfo

NAMES = ("telemetry.counted", "telemetry.lost", "telemetry.outstanding")
CANARY = StreamInfo("a", tier="device", device_class="till", cohort="canary")
STABLE = StreamInfo("b", tier="device", device_class="phone", cohort="stable")


@pytest.fixture
def delivered(store: Store) -> Store:
    """Canary: 1 to 9 counted, 10 to 12 lost for two reasons, 13 outstanding, 14 counted; stable: all of 5 counted."""
    with store.begin() as tx:
        tx.claim(CANARY, [*range(1, 10), 14])
        tx.lose(CANARY, 9, 11, "spool_full")
        tx.lose(CANARY, 11, 12, "expired")
        tx.claim(STABLE, [*range(1, 6)])
    return store


def counts(store: Store, *by: str, **where: str) -> dict[tuple[str, ...], dict[str, int]]:
    """Group -> last word of the measure -> how many."""
    found = store.read(NAMES, by=by, where=where)
    return {group: {name.split(".")[1]: read.count for name, read in own.items()} for group, own in found.items()}


def test_every_number_is_in_one_part(delivered: Store) -> None:
    """Counted, lost and outstanding add up to the highest number; what was counted is not lost."""
    assert counts(delivered) == {(): {"counted": 15, "lost": 3, "outstanding": 1}}


def test_by_cohort_and_device_class(delivered: Store) -> None:
    """A stream belongs to the cohort and the class with which it began; it has no window and no model."""
    assert counts(delivered, "cohort", "device_class", "model", "window") == {
        ("canary", "till", "unknown", ""): {"counted": 10, "lost": 3, "outstanding": 1},
        ("stable", "phone", "unknown", ""): {"counted": 5},
    }


def test_lost_by_reason(delivered: Store) -> None:
    """A number that was given up for two reasons is in one of them only."""
    assert counts(delivered, "reason", cohort="canary")["expired",] == {"lost": 2}
    assert counts(delivered, reason="spool_full") == {(): {"lost": 1}}


@pytest.mark.parametrize(("cohort", "value"), [("canary", 10 / 14), ("stable", 1.0)])
def test_the_kpi(delivered: Store, cohort: str, value: float) -> None:
    """Counted of all that is known to have been sent."""
    kpi = KPIS["delivery_completeness"]
    [summaries] = delivered.read(kpi.measures, where={"cohort": cohort}).values()
    assert kpi.value(summaries).value == pytest.approx(value)


def test_beside_measures_of_events(delivered: Store) -> None:
    """Both kinds are answered by one question, and a window does not choose among streams."""
    assert set(delivered.read(["telemetry.counted", "inference.duration"], since=10**9)[()]) == {"telemetry.counted"}

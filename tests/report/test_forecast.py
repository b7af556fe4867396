"""Whether the last day is as those before it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.forecast import LEAST, forecast
from hybridobs.kpi.lights import LIGHTS


def test_by_hand() -> None:
    """Mean 4, deviation sqrt(14/3), t(6) = 2.447: the band is the textbook's."""
    found = forecast([1, 2, 3, 4, 5, 6, 7, 30])
    assert found is not None and found.days == 7 and found.surprising
    assert found.high == pytest.approx(4 + 2.4469 * (28 / 6) ** 0.5 * (8 / 7) ** 0.5, rel=1e-4)


@given(st.lists(st.floats(0, 1e6), max_size=LEAST))
def test_a_week_is_needed(days: list[float]) -> None:
    """With fewer than seven days before it nobody knows what is usual."""
    assert forecast(days) is None


@given(st.floats(0, 1e9), st.integers(LEAST + 1, 40))
def test_the_same_again_is_no_surprise(value: float, days: int) -> None:
    """However little the days before it differ."""
    found = forecast([value] * days)
    assert found is not None and not found.surprising


def test_less_is_no_breach() -> None:
    """A day that cost nothing is outside the band and nobody minds."""
    found = forecast([10.0, 11, 9, 10, 11, 9, 10, 0])
    assert found is not None and found.value < found.low and not found.surprising


def test_lights_name_kpis() -> None:
    """Every light is decided by a KPI that is there; all but the forecast need an objective to be judged."""
    for light in LIGHTS:
        first, *others = light.kpis
        assert light.forecast or first.objective is not None
        assert all(kpi.objective is not None for kpi in others) and set(light.also) <= KPIS.keys()

"""What a person writes is a number in the unit of the KPI, or an error that says how to write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.quantity import currency, parsed, points, quantity


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("300ms", "s", 0.3),
        ("2 s", "s", 2.0),
        ("8.33 ms", "s", 0.00833),
        ("1.5h", "s", 5400.0),
        ("20mJ", "J", 0.02),
        ("5MB", "By", 5e6),
        ("99.9%", "1", 0.999),
        ("0.95", "1", 0.95),
        ("95%", "1", 0.95),
        ("0.005 USD", "{currency}", 0.005),
        ("3 rollback", "{rollback}", 3.0),
        ("-10", "Cel", -10.0),
        ("1e-4", "{currency}", 1e-4),
    ],
)
def test_read(text: str, unit: str, value: float) -> None:
    """A number with its unit, equal to the number that is meant and not only near it."""
    assert parsed(text, unit) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "unit", "says"),
    [
        ("300", "s", "no unit"),
        ("nan", "s", "not a number"),
        ("5 km", "s", "'km'"),
        ("", "1", "not a number"),
        ("9e999 s", "s", "too large"),
    ],
)
def test_refused(text: str, unit: str, says: str) -> None:
    """What could mean two things is refused."""
    with pytest.raises(ValueError, match=says):
        parsed(text, unit)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.5, "50 %"),
        (0.99543, "99.5 %"),
        (0.9995, "99.95 %"),
        (0.99964, "99.964 %"),
        (0.99999, "99.999 %"),
        (1, "100 %"),
    ],
)
def test_nearly_all(share: float, text: str) -> None:
    """Near the whole the digits are those of what is missing: nothing but all of it reads 100 %."""
    assert quantity(share, "1", percent=True) == text


@given(st.floats(0.9, 1, exclude_max=True))
def test_never_more_than_there_is(share: float) -> None:
    """What is missing is seen as long as it is a billionth."""
    text = quantity(share, "1", percent=True)
    assert (text != "100 %") == (share < 1 - 1e-14) and float(text[:-2]) / 100 == pytest.approx(share, abs=6e-4)


def test_beside_a_limit() -> None:
    """A value has as many digits as tell it from its limit, and a limit all that it was given."""
    p95, within = KPIS["latency_p95"], KPIS["within_300ms"]
    assert (p95.beside(0.30004, 0.3), p95.beside(0.4, 0.3), p95.beside(0.3, 0.3)) == ("300.04 ms", "400 ms", "300 ms")
    assert (within.exactly(0.99975), p95.exactly(0.3333)) == ("99.975 %", "333.3 ms")


def test_share() -> None:
    """A share beyond the whole is a slip of the pen."""
    with pytest.raises(ValueError, match="write one from 0% to 100%"):
        parsed("120%", "1", share=True)


def test_points() -> None:
    """A difference of shares is in points, on either side of zero."""
    assert (points("1pp"), points("-0.5 pp")) == (0.01, -0.005)
    for text, says in (("1%", "write points"), ("0.01", "write points"), ("101pp", "from -100pp to 100pp")):
        with pytest.raises(ValueError, match=says):
            points(text)


def test_currency() -> None:
    """What a number of money says it is in; a unit is none."""
    assert [currency(text) for text in ("0.02 EUR", "0.02", "5%")] == ["EUR", "", ""]

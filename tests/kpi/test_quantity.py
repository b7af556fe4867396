"""What a person writes is a number in the unit of the KPI, or an error that says how to write it."""

from __future__ import annotations

import pytest

from hybridobs.kpi.quantity import currency, parsed, points


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

"""How numbers and tables read."""

from __future__ import annotations

import click
import pytest

from hybridobs.cli._table import Cell, Column, table
from hybridobs.kpi.quantity import digits, quantity


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0123, "s", "12.3 ms"),
        (0.000000412, "s", "0.412 µs"),
        (2.0, "s", "2 s"),
        (0.0031, "J", "3.1 mJ"),
        (1234.0, "{call}", "1,234"),
        (0.9312, "1", "0.931"),
        (0.00002, "{currency}", "0.00002"),
        (-0.5, "s", "-500 ms"),
        (0.0, "s", "0 µs"),
    ],
)
def test_quantity(value: float, unit: str, text: str) -> None:
    """Three digits and a unit of the right size."""
    assert quantity(value, unit) == text


def test_percent() -> None:
    """A share is a percentage."""
    assert quantity(0.03333, "1", percent=True) == "3.33 %"


def test_digits_of_the_very_small() -> None:
    """What would be nothing but zeros gets an exponent."""
    assert digits(1.234e-9) == "1.23e-09"


def test_table_fits() -> None:
    """A table wider than the terminal goes on in a second block with its first column repeated."""
    columns = [Column("tier"), Column("first", right=True), Column("second", right=True)]
    lines = list(table(columns, [[Cell("device"), Cell("1"), Cell("2")]], width=16, keep=1))
    assert [click.unstyle(line) for line in lines] == [
        "tier    first",
        "device      1",
        "",
        "tier    second",
        "device       2",
    ]


def test_colour_repeats_the_text() -> None:
    """Colour is added around the text and never instead of it."""
    (_, row) = table([Column("a")], [[Cell("TOO LITTLE", "yellow")]], width=80)
    assert row != "TOO LITTLE" and click.unstyle(row) == "TOO LITTLE"

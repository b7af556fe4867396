"""How a number reads: three significant digits and the unit a person would choose."""

from __future__ import annotations

import math

_STEPS: dict[str, tuple[tuple[float, str], ...]] = {
    "s": ((1e-6, "µs"), (1e-3, "ms"), (1.0, "s")),
    "J": ((1e-6, "µJ"), (1e-3, "mJ"), (1.0, "J"), (1e3, "kJ")),
    "By": ((1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")),
}


def quantity(value: float, unit: str, *, percent: bool = False) -> str:
    """``0.0123, "s"`` reads ``12.3 ms``; a count (a unit in braces, except a currency) reads as it is."""
    if percent:
        return f"{digits(100 * value)} %"
    if steps := _STEPS.get(unit):
        factor, name = next((step for step in reversed(steps) if abs(value) >= step[0]), steps[0])
        return f"{digits(value / factor)} {name}"
    if unit in ("", "1"):
        return digits(value)
    name = unit.strip("{}")
    return f"{digits(value)} {name}" if name.isupper() else digits(value)


def digits(value: float) -> str:
    """Three significant digits at most; whole numbers in full, an exponent only below a millionth."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if not 1e-6 <= abs(value) < 1e15:
        return f"{value:.3g}"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text

"""How a number reads, in a few significant digits and the unit a person would choose; and what a person wrote."""

from __future__ import annotations

import math
import re

FIGURES = 3  # significant digits of what was measured
EXACT = 12  # and of what somebody wrote, which has no more than that
_NEARLY_ALL = 0.999
_STEPS: dict[str, tuple[tuple[float, str], ...]] = {
    "s": ((1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (3600.0, "h"), (86400.0, "d")),
    "J": ((1e-6, "µJ"), (1e-3, "mJ"), (1.0, "J"), (1e3, "kJ")),
    "By": ((1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")),
}


def quantity(value: float, unit: str, *, percent: bool = False, figures: int = FIGURES) -> str:
    """``0.0123, "s"`` reads ``12.3 ms``; a count (a unit in braces, except a currency) reads as it is."""
    if percent:
        return f"{_percent(value, figures)} %"
    factor, name = unit_for(value, unit)
    return f"{digits(value / factor, figures)} {name}".rstrip()


def _percent(share: float, figures: int) -> str:
    """Near the whole a share says what is missing, so the digits of that count: 0.9996 reads 99.96, and never 100."""
    if not _NEARLY_ALL <= share < 1:
        return digits(100 * share, figures)
    places = min(EXACT, figures - 2 - math.floor(math.log10(100 * (1 - share))))
    return _plain(100 * share, places)


def unit_for(value: float, unit: str, *, percent: bool = False) -> tuple[float, str]:
    """The unit in which a value of this size reads well, and how many of ``unit`` it is: ``0.0123, "s"`` is in ms.

    A chart asks it for its largest value. The name is empty for a count.
    """
    if percent:
        return 0.01, "%"
    if steps := _STEPS.get(unit):
        return next((step for step in reversed(steps) if abs(value) >= step[0]), steps[0])
    name = unit.strip("{}")
    return 1.0, "" if unit in ("", "1") or not name.isupper() else name


def digits(value: float, figures: int = FIGURES) -> str:
    """So many significant digits at most; whole numbers in full, an exponent only below a millionth."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if not 1e-6 <= abs(value) < 1e15:
        return f"{value:.{figures}g}"
    return _plain(value, max(0, figures - 1 - math.floor(math.log10(abs(value)))))


def _plain(value: float, places: int) -> str:
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


_WRITTEN = re.compile(r"([-+]?[0-9][0-9_]*\.?[0-9]*(?:[eE][-+]?[0-9]+)?)\s*(.*)")
_FACTORS: dict[str, dict[str, float]] = {
    "s": {"ns": 1e9, "us": 1e6, "µs": 1e6, "ms": 1e3, "s": 1, "min": 1 / 60, "h": 1 / 3600, "d": 1 / 86400},
    "J": {"uJ": 1e6, "µJ": 1e6, "mJ": 1e3, "J": 1, "kJ": 1e-3},
    "By": {"B": 1, "kB": 1e-3, "MB": 1e-6, "GB": 1e-9},
    "1": {"": 1, "%": 100},
}


def parsed(text: str, unit: str, *, share: bool = False) -> float:
    """``"300ms", "s"`` is 0.3 and ``"99.9%", "1"`` is 0.999; ValueError says how to write it.

    A time, an energy and a size need their unit, because nobody can see whether 300 is in seconds. A ``share`` is at
    most 1 or 100 %. Any other unit may be left out.
    """
    number, name = _written(text, _example(unit))
    factors = _FACTORS.get(unit)
    if factors is None:
        own = unit.strip("{}")
        if name and name != own and not (own == "currency" and name.isalpha() and name.isupper()):
            raise ValueError(f"has the unit {name!r}, but this is in {own}")
        return number
    if name not in factors:
        units = ", ".join(filter(None, factors))
        raise ValueError(f"has {f'the unit {name!r}' if name else 'no unit'}; the units are {units}{_example(unit)}")
    value = number / factors[name]  # a division: 95 / 100 is the same number as 0.95, 95 * 0.01 is not
    if share and not 0 <= value <= 1:
        raise ValueError("is no share; write one from 0% to 100%, for example 99.9%")
    return value


def points(text: str) -> float:
    """``"1pp"`` is 0.01: a difference of shares, from -100pp to 100pp; ValueError says how to write it."""
    number, name = _written(text, ", for example 1pp")
    if name != "pp":
        raise ValueError("is a difference of shares; write points, for example 1pp")
    if not -100 <= number <= 100:
        raise ValueError("is no difference of shares; write one from -100pp to 100pp")
    return number / 100


def currency(text: str) -> str:
    """``"0.02 EUR"`` is in EUR; empty where none is said."""
    name = _written(text, "")[1]
    return name if name.isalpha() and name.isupper() else ""


def _written(text: str, example: str) -> tuple[float, str]:
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        raise ValueError(f"is not a number{example}")
    number = float(written[1])
    if not math.isfinite(number):
        raise ValueError("is too large for a number")
    return number, written[2]


def _example(unit: str) -> str:
    found = {"s": "300ms", "J": "20mJ", "By": "5MB", "1": "99.9%"}.get(unit)
    return f", for example {found}" if found else ""


def age(seconds: float) -> str:
    """About how long ago: two digits are enough."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"

"""One bracketed root finder, so that no interval depends on a numerical library."""

from __future__ import annotations

from collections.abc import Callable


def root(f: Callable[[float], float], low: float, high: float, *, tolerance: float = 1e-15) -> float:
    """Where ``f`` crosses zero between ``low`` and ``high``; the nearer end when it does not cross.

    Chandrupatla's method (1997): inverse quadratic steps, bisection where they would not be safe.
    ``tolerance`` is relative to the root and, near zero, to the bracket.
    """
    a, b = high, low
    fa, fb = f(a), f(b)
    if fa * fb > 0:
        return a if abs(fa) < abs(fb) else b
    c, fc = a, fa
    step = 0.5
    floor = tolerance * abs(high - low)
    for _ in range(200):
        x = a + step * (b - a)
        fx = f(x)
        c, fc, a, b, fa, fb = (a, fa, x, b, fx, fb) if (fx > 0) == (fa > 0) else (b, fb, x, a, fx, fa)
        best, fbest = (a, fa) if abs(fa) < abs(fb) else (b, fb)
        limit = (2 * tolerance * abs(best) + floor) / (abs(b - a) or 1.0)
        if limit > 0.5 or fbest == 0:
            return best
        step = min(max(_step(a, b, c, fa, fb, fc), limit), 1 - limit)
    return best


def _step(a: float, b: float, c: float, fa: float, fb: float, fc: float) -> float:
    xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
    if phi * phi < xi and (1 - phi) * (1 - phi) < 1 - xi:
        return fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
    return 0.5

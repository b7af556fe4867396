"""How much of alpha each look may spend when the looks before it are known (Lan and DeMets 1983).

A bound that must hold whenever anybody might look pays for looks that nobody takes. Who remembers the looks pays for
those only: one look at the end of the plan costs nothing, fifty cost far less than a look at every event. The error is
spent as O'Brien and Fleming's bound spends it, almost all of it late.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

from hybridobs.kpi.stats._root import root
from hybridobs.kpi.stats.distributions import normal_quantile, normal_tail

_REACH = 6.0  # standard deviations beyond which a path is taken for impossible (1e-9)
_BAND = 6.5  # and a single step
_FINE = 4  # points of the grid in one standard deviation of a step
_NEGLIGIBLE = 1e-9  # below it the bound ignores that the path has not crossed before, which is safe

Shares = tuple[float, ...]


def spent(share: float, alpha: float) -> float:
    """What of ``alpha`` is spent when this share of the planned information is seen."""
    return 2 * normal_tail(normal_quantile(alpha / 2) / math.sqrt(min(share, 1.0))) if share > 0 else 0.0


def boundary(shares: Shares, alpha: float) -> float:
    """The critical value of the last of these looks, one-sided; they come at rising shares of the planned information.

    A standardised statistic without an effect exceeds the bound of any of them with probability
    ``spent(shares[-1], alpha)``, to 1e-5 of alpha. ValueError unless the shares rise from above 0.
    """
    if not shares or any(later <= earlier for earlier, later in zip((0.0, *shares), shares, strict=False)):
        raise ValueError(f"looks come at rising shares of the plan, got {shares}")
    return _walked(shares, alpha).top / math.sqrt(shares[-1])


class _Path(NamedTuple):
    """Where a Brownian path is that has not crossed: ``masses`` at even ``heights``; ``top`` is the last bound."""

    share: float
    heights: tuple[float, ...]
    masses: tuple[float, ...]
    top: float


_START = _Path(0.0, (0.0,), (1.0,), math.inf)


@lru_cache(maxsize=512)
def _walked(shares: Shares, alpha: float) -> _Path:
    """The path after these looks."""
    if not shares:
        return _START
    before, share = _walked(shares[:-1], alpha), shares[-1]
    deviation = math.sqrt(share - before.share)
    top = _top(before, share, deviation, spent(share, alpha) - spent(before.share, alpha))
    heights, weights = _grid(share, deviation, min(top, _REACH * math.sqrt(share)))
    masses = tuple(w * _density(before, height, deviation) for height, w in zip(heights, weights, strict=True))
    return _Path(share, heights, masses, top)


def _top(path: _Path, share: float, deviation: float, error: float) -> float:
    """The height that is crossed with probability ``error`` by the next step, and not before."""
    if error < _NEGLIGIBLE or path is _START:
        return normal_quantile(error) * math.sqrt(share) if error > 0 else math.inf

    def beyond(height: float) -> float:
        points = zip(path.heights, path.masses, strict=True)
        return sum(mass * normal_tail((height - x) / deviation) for x, mass in points)

    far = _REACH * math.sqrt(share)
    return root(lambda height: beyond(height) - error, -far, far, tolerance=1e-9)


def _grid(share: float, deviation: float, top: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Even heights up to the bound, and Simpson's weights."""
    low = -_REACH * math.sqrt(share)
    steps = 2 * max(32, math.ceil(_FINE * (top - low) / deviation / 2))
    width = (top - low) / steps
    inner = (width / 3 * (4 if place % 2 else 2) for place in range(1, steps))
    return tuple(low + width * place for place in range(steps + 1)), (width / 3, *inner, width / 3)


def _density(path: _Path, height: float, deviation: float) -> float:
    """Of being at a height after a step, coming from anywhere within reach."""
    first, last = _within(path, height, _BAND * deviation)
    points = zip(path.heights[first:last], path.masses[first:last], strict=True)
    total = sum(mass * math.exp(-0.5 * ((height - x) / deviation) ** 2) for x, mass in points)
    return total / (deviation * math.sqrt(2 * math.pi))


def _within(path: _Path, height: float, reach: float) -> tuple[int, int]:
    """The places of the grid that are at most ``reach`` away."""
    if path is _START:
        return 0, 1
    start, width = path.heights[0], path.heights[1] - path.heights[0]
    return (
        max(0, math.floor((height - reach - start) / width)),
        max(0, math.ceil((height + reach - start) / width) + 1),
    )

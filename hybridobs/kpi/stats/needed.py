"""How large a sample must be before a gate can answer; printed with every UNDECIDED.

All sizes are candidate events, for a candidate that has not changed against a limit, with ``power`` to see it.
``share`` is baseline events for each candidate event, ``effect`` the design effect. None: no sample would do.
"""

from __future__ import annotations

import math

from hybridobs.kpi.stats.distributions import normal_quantile

POWER = 0.9


def for_rate_ratio(
    p: float, limit: float, z: float, *, share: float = 1.0, effect: float = 1.0, power: float = POWER
) -> int | None:
    """For a ratio of rates at the common rate ``p``; a rare event against a tight ratio needs very many."""
    if not 0 < p < 1 or limit <= 0:
        return None
    variance = (1 - p) / p * (1 + 1 / share)
    return _size(variance, variance, math.log(limit), z, power, effect)


def for_rate_difference(
    p: float, limit: float, z: float, *, share: float = 1.0, effect: float = 1.0, power: float = POWER
) -> int | None:
    """For a difference of rates at the common rate ``p``."""
    shifted = min(1.0, max(0.0, p + limit))
    at_limit = shifted * (1 - shifted) + p * (1 - p) / share
    return _size(at_limit, p * (1 - p) * (1 + 1 / share), limit, z, power, effect)


def for_rate(p: float, limit: float, z: float, *, effect: float = 1.0, power: float = POWER) -> int | None:
    """For one rate near ``p`` against a limit, never below the clean run that a limit of this size asks for."""
    size = _size(limit * (1 - limit), p * (1 - p), limit - p, z, power, effect)
    clean = for_clean_run(limit, z)
    return None if size is None or clean is None else max(size, math.ceil(clean * effect))


def for_clean_run(limit: float, z: float) -> int | None:
    """How many trials without one failure put the exact upper bound of the rate below ``limit``.

    >>> for_clean_run(0.001, normal_quantile(0.05))
    2995
    """
    return math.ceil(math.log(math.erfc(z / math.sqrt(2)) / 2) / math.log1p(-limit)) if 0 < limit < 1 else None


def for_width(n: float, z: float, width: float, gap: float, final: float, *, power: float = POWER) -> int | None:
    """From an interval already seen: ``n`` events put the bound ``width`` away at ``z``; the limit is ``gap`` away."""
    if not 0 < width < math.inf or z <= 0:
        return None
    deviation = width / z * math.sqrt(n)
    return _size(deviation**2, deviation**2, gap, final, power, 1.0)


def for_rank(q: float, z: float, effect: float = 1.0) -> int:
    """The fewest values whose quantile ``q`` has both bounds."""
    tail = math.log(math.erfc(z / math.sqrt(2)) / 2)
    return math.ceil(effect * tail / math.log(max(q, 1 - q)))


def _size(at_limit: float, at_truth: float, gap: float, z: float, power: float, effect: float) -> int | None:
    if gap == 0 or math.isinf(z):
        return None
    reach = z * math.sqrt(at_limit) + normal_quantile(1 - power) * math.sqrt(at_truth)
    return math.ceil(effect * (reach / gap) ** 2)

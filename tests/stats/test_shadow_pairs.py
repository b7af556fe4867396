"""Shadow inference: two models, the same requests."""

from __future__ import annotations

import math

import pytest

from hybridobs.kpi.stats import Pairs, paired_interval
from hybridobs.kpi.stats.distributions import normal_quantile
from hybridobs.kpi.stats.paired import paired_score

tables = pytest.importorskip("statsmodels.stats.contingency_tables")
Z = normal_quantile(0.05)


def test_no_disagreement_is_no_evidence() -> None:
    """A score of zero."""
    assert paired_score(Pairs(50, 0, 0), 0) == 0


def test_the_score_at_zero_is_mcnemars_statistic() -> None:
    """(b - c) over the root of b + c, as statsmodels squares it."""
    expected = tables.mcnemar([[400, 30], [18, 52]], exact=False, correction=False).statistic
    assert paired_score(Pairs(500, 30, 18), 0) == pytest.approx(math.sqrt(expected))


def test_the_score_uses_the_most_likely_shares_under_the_limit() -> None:
    """Its variance at the limit, by searching the likelihood."""
    n, worse, better, limit = 200, 14, 6, 0.02

    def likelihood(share: float) -> float:
        return worse * math.log(share + limit) + better * math.log(share) + 180 * math.log1p(-2 * share - limit)

    best = max((i / 1e6 for i in range(1, 200_000)), key=likelihood)
    variance = n * (2 * best + limit * (1 - limit))
    assert paired_score(Pairs(n, worse, better), limit) == pytest.approx(
        (8 - n * limit) / math.sqrt(variance), abs=1e-4
    )


def test_the_interval_is_the_score_turned_around() -> None:
    """And encloses the observed difference."""
    pairs = Pairs(300, 21, 9)
    low, high = paired_interval(pairs, Z)
    assert (paired_score(pairs, low), paired_score(pairs, high)) == pytest.approx((Z, -Z), abs=1e-6)
    assert low < pairs.difference < high


def test_no_pairs_leave_everything_open() -> None:
    """No data is no evidence."""
    assert paired_interval(Pairs(0, 0, 0), Z) == (-1, 1)
    assert Pairs(0, 0, 0).difference == 0

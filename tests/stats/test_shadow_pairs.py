"""Shadow inference: two models, the same requests."""

from __future__ import annotations

import math
import random

import pytest

from hybridobs.kpi.stats import Pairs, exceedances, mcnemar, paired_interval, slower
from hybridobs.kpi.stats.distributions import normal_quantile
from hybridobs.kpi.stats.paired import paired_quantile_ratio, paired_score

tables = pytest.importorskip("statsmodels.stats.contingency_tables")
Z = normal_quantile(0.05)


@pytest.mark.parametrize(("worse", "better"), [(0, 5), (3, 9), (12, 12), (40, 25), (700, 640)])
def test_the_exact_test_equals_statsmodels(worse: int, better: int) -> None:
    """Twice the smaller side is its two-sided p-value."""
    sides = mcnemar(Pairs(2000, worse, better)), mcnemar(Pairs(2000, better, worse))
    expected = tables.mcnemar([[100, worse], [better, 100]], exact=True).pvalue
    assert min(1.0, 2 * min(sides)) == pytest.approx(expected, abs=1e-9)


def test_the_mid_p_counts_what_was_seen_half() -> None:
    """3 of 4: 5/16 exactly, 3/16 with half of the 4/16 of the seen case taken off."""
    assert (mcnemar(Pairs(9, 3, 1)), mcnemar(Pairs(9, 3, 1), mid=True)) == pytest.approx((5 / 16, 3 / 16))


def test_no_disagreement_is_no_evidence() -> None:
    """A p-value of one, and a score of zero."""
    assert mcnemar(Pairs(50, 0, 0)) == 1
    assert paired_score(Pairs(50, 0, 0), 0) == 0


def test_the_score_at_zero_is_mcnemars_statistic() -> None:
    """(b - c) over the root of b + c."""
    assert paired_score(Pairs(500, 30, 18), 0) == pytest.approx(12 / math.sqrt(48))


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


def test_agreement_is_a_share_of_the_pairs() -> None:
    """Both right and both wrong alike."""
    assert Pairs(100, 3, 5).agreement == (92, 100)


def test_the_sign_test_counts_the_slower_and_leaves_ties_out() -> None:
    """With a ratio of 2: 5 > 2 is slower, 2 = 2 is a tie, 1 < 2 is not."""
    assert slower([(5, 1), (2, 1), (1, 1)], ratio=2) == (1, 2)


def test_exceedances_compare_each_side_with_its_own_limit() -> None:
    """The baseline with 10, the candidate with 13."""
    times = [(14, 9), (12, 9), (12, 11), (14, 11)]
    assert exceedances(times, 10, 1.3) == (4, 1, 1)


def _times(draw: random.Random, n: int, ratio: float) -> list[tuple[float, float]]:
    sizes = [draw.lognormvariate(0, 0.6) for _ in range(n)]
    return [(ratio * size * draw.lognormvariate(0, 0.1), size * draw.lognormvariate(0, 0.1)) for size in sizes]


def test_pairing_sees_a_change_of_the_p95_in_few_requests() -> None:
    """200 requests put a rise of 15 % beyond a doubt, where two groups need thousands."""
    low, high = paired_quantile_ratio(_times(random.Random(17), 200, 1.15), 0.95, Z)
    assert 1.0 < low < 1.15 < high < 1.4


def test_the_paired_ratio_keeps_its_promise() -> None:
    """400 shadow runs of 200 requests at a true ratio of 1.3: neither side misses more often than 5 %, plus noise."""
    draw, missed = random.Random(18), [0, 0]
    for _ in range(400):
        low, high = paired_quantile_ratio(_times(draw, 200, 1.3), 0.95, Z)
        missed[0] += low > 1.3
        missed[1] += high < 1.3
    assert max(missed) <= 400 * 0.05 + 3 * math.sqrt(400 * 0.05 * 0.95)


def test_too_few_pairs_beyond_a_quantile_say_nothing_about_it() -> None:
    """A p95 needs a hundred."""
    assert paired_quantile_ratio(_times(random.Random(19), 99, 2), 0.95, Z) == (0, math.inf)

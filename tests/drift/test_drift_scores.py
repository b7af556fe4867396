"""Scores from counts against scipy and against the formulas on raw values, on real data sets."""

from __future__ import annotations

import math
from typing import Any

import pytest

from hybridobs.kpi import Measure, Shape, Summary
from hybridobs.kpi.drift import Bins, CategoryReference, Key, NumericReference, Verdict, compare, distances

np = pytest.importorskip("numpy")
stats = pytest.importorskip("scipy.stats")
spatial = pytest.importorskip("scipy.spatial.distance")
Pairs = dict[str, tuple[list[float], list[float]]]
KEY = Key("digits", "1.0", "brightness")
FEATURE = Measure("feature.value", "1", Shape.DISTRIBUTION, "A feature.", quantum=1e-6)


def raw_counts(was: list[float], now: list[float]) -> tuple[Any, Any]:
    """Counts of raw values in tenths of the reference, by numpy."""
    edges = np.quantile(was, np.arange(1, 10) / 10)
    return tuple(np.bincount(np.searchsorted(edges, side), minlength=10) for side in (was, now))


def test_psi_equals_the_formula_on_raw_values(pairs: Pairs) -> None:
    """Tenths of the reference, half a count added; so do the others that live on the same groups."""
    for was, now in pairs.values():
        reference = NumericReference.of_values(KEY, was)
        scores = compare(reference, reference.bins.count(now)).scores
        a, b = raw_counts(was, now)
        p, q = (a + 0.5) / (a.sum() + 5), (b + 0.5) / (b.sum() + 5)
        assert scores.psi == pytest.approx([((q - p) * np.log(q / p)).sum()] * 3, rel=1e-9)
        assert scores.kullback_leibler == pytest.approx(stats.entropy(q, p), rel=1e-9)
        assert scores.jensen_shannon == pytest.approx(spatial.jensenshannon(a, b, base=2), rel=1e-9)
        assert scores.hellinger == pytest.approx(
            math.sqrt(((np.sqrt(a / a.sum()) - np.sqrt(b / b.sum())) ** 2).sum() / 2), rel=1e-9
        )


def test_chi_square_equals_scipys_two_sample_test(pairs: Pairs) -> None:
    """Statistic, degrees and p."""
    for was, now in pairs.values():
        reference = NumericReference.of_values(KEY, was)
        found = compare(reference, reference.bins.count(now)).scores.chi_square
        expected = stats.chi2_contingency(np.array(raw_counts(was, now)), correction=False)
        assert found == pytest.approx((expected.statistic, expected.dof, expected.pvalue), rel=1e-9)


def test_kolmogorov_smirnov_is_bounded_by_the_fullest_bin(pairs: Pairs) -> None:
    """Never above scipy's, at most one bin below it, and ``high`` never below it."""
    for was, now in pairs.values():
        reference = NumericReference.of_values(KEY, was)
        current = reference.bins.count(now)
        found = compare(reference, current).scores.kolmogorov_smirnov
        truth = stats.ks_2samp(was, now).statistic
        fullest = max(max(side.counts) / side.n for side in (reference.binned, current))
        assert found is not None
        assert truth - fullest <= found.value <= truth + 1e-9
        assert truth <= found.high + 1e-9


def test_wasserstein_of_a_drift_is_within_half_a_percent(pairs: Pairs) -> None:
    """With the sums of 100 bins; never above scipy's, and ``high`` never below it."""
    for name, (was, now) in pairs.items():
        reference = NumericReference.of_values(KEY, was)
        found = compare(reference, reference.bins.count(now)).scores.wasserstein
        truth = stats.wasserstein_distance(was, now)
        assert found is not None
        assert found.value <= truth + 2e-6 and truth <= found.high + 2e-6
        if "same" not in name:
            assert found.value == pytest.approx(truth, rel=0.005)


def test_the_mean_shift_is_exact(pairs: Pairs) -> None:
    """To half a quantum of every value."""
    for was, now in pairs.values():
        reference = NumericReference.of_values(KEY, was)
        shift = compare(reference, reference.bins.count(now)).scores.mean_shift
        assert shift == pytest.approx(np.mean(now) - np.mean(was), abs=1e-6)


def test_one_outlier_does_not_hide_a_drift(pairs: Pairs) -> None:
    """Bins of reference and window together would put everything else into one."""
    scores = []
    for name in ("lognormal +20 %", "lognormal +20 % and an outlier"):
        reference = NumericReference.of_values(KEY, pairs[name][0])
        scores.append(compare(reference, reference.bins.count(pairs[name][1])).scores.psi.value)
    assert scores[1] == pytest.approx(scores[0], abs=0.001)


def test_the_verdict_on_real_data(pairs: Pairs) -> None:
    """What drifted alarms, what did not does not, and 89 wines are too few to say."""
    verdicts = {}
    for name, (was, now) in pairs.items():
        reference = NumericReference.of_values(KEY, was)
        verdicts[name] = compare(reference, reference.bins.count(now)).judgement.verdict
    assert verdicts["digits brightness x1.3"] is verdicts["cancer radius resampled"] is Verdict.ALARM
    assert verdicts["wine resampled"] is Verdict.TOO_LITTLE
    assert all(verdict is not Verdict.ALARM for name, verdict in verdicts.items() if "same" in name)


def test_scores_of_a_window_of_the_store_hold_the_true_ones(pairs: Pairs) -> None:
    """From log buckets, PSI, KS and Wasserstein are intervals, and the truth lies in them."""
    for was, now in pairs.values():
        reference = NumericReference.of_values(KEY, was)
        stored = reference.bins.count_summary(Summary.of(FEATURE, [round(value * 1e6) for value in now]))
        scores, truth = (compare(reference, side).scores for side in (stored, reference.bins.count(now)))
        for name in ("psi", "kolmogorov_smirnov", "wasserstein"):
            found, expected = getattr(scores, name), getattr(truth, name)
            assert found.low - 1e-9 <= expected.value <= found.high + 1e-9
        assert scores.mean_shift == truth.mean_shift


def test_a_reference_of_the_store_scores_a_window_of_the_store_exactly(pairs: Pairs) -> None:
    """Both are counted at the edges of log buckets: no interval is left in the PSI."""
    was, now = pairs["digits brightness x1.3"]
    summaries = [Summary.of(FEATURE, [round(value * 1e6) for value in side]) for side in (was, now)]
    reference = NumericReference.of_summary(KEY, summaries[0])
    psi = compare(reference, reference.bins.count_summary(summaries[1])).scores.psi
    assert psi.low == pytest.approx(psi.value) == pytest.approx(psi.high)
    assert psi.value == pytest.approx(compare(reference, reference.bins.count(now)).scores.psi.value)


def test_categories_equal_scipy() -> None:
    """Chi-square over names and one group of all others."""
    reference = CategoryReference.of_counts(KEY, {"a": 500, "b": 300, "c": 200})
    found = compare(reference, reference.bins.tally({"a": 400, "b": 350, "c": 200, "new": 50}))
    table = np.array([[500, 300, 200, 0], [400, 350, 200, 50]])
    expected = stats.chi2_contingency(table, correction=False)
    assert found.scores.chi_square == pytest.approx((expected.statistic, expected.dof, expected.pvalue), rel=1e-9)
    assert [bar.label for bar in found.overlay] == ["a", "b", "c", "other"]
    assert found.scores.wasserstein is None


def test_unsmoothed_scores_say_infinite_where_they_are() -> None:
    """An empty bin is no 2e-308."""
    assert distances.psi([5, 0], [5, 1], smoothing=0) == math.inf
    assert distances.kullback_leibler([5, 0], [5, 1], smoothing=0) == math.inf
    assert distances.kullback_leibler([5, 1], [5, 0], smoothing=0) == pytest.approx(math.log(6 / 5))
    assert distances.psi([5, 1], [10, 2], smoothing=0) == 0
    assert distances.jensen_shannon([1, 0], [0, 1]) == distances.hellinger([1, 0], [0, 1]) == 1


def test_no_data_scores_nothing() -> None:
    """And is never an alarm."""
    reference = NumericReference.of_values(KEY, [1.0, 2.0, 3.0])
    found = compare(reference, reference.bins.empty)
    assert (found.judgement.verdict, found.judgement.reason) == (Verdict.TOO_LITTLE, "no data")
    assert found.scores.wasserstein == (0, 0, 0) and found.scores.chi_square.p == 1


def test_the_overlay_shows_reference_and_now() -> None:
    """Shares that sum to one, with the ends of each group."""
    reference = NumericReference.of_values(KEY, [float(value) for value in range(1001)])
    bars = compare(reference, reference.bins.count([5.0, 5.0, 995.0])).overlay
    assert (bars[0].label, bars[1].low, bars[-1].high) == ("<= 100", 100.0, None)
    assert bars[0].now == pytest.approx(2 / 3)
    assert sum(bar.reference for bar in bars) == pytest.approx(1)


def test_a_bin_of_one_value_has_no_inside() -> None:
    """Whole numbers leave Kolmogorov-Smirnov nothing to be unsure of."""
    bins = Bins.of_values(sorted([0, 1, 2, 3] * 50), 1)
    reference, current = bins.count_quanta([0, 1, 2, 3] * 50), bins.count_quanta([0, 1, 1, 3] * 50)
    bound = distances.kolmogorov_smirnov(bins, reference, current)
    assert bound.value == bound.high == stats.ks_2samp([0, 1, 2, 3] * 50, [0, 1, 1, 3] * 50).statistic

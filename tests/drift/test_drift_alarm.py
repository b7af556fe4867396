"""The alarm rule: a drift alarms, chance does not, too little data says so, and devices are not independent values."""

from __future__ import annotations

import math
import random

import pytest

from hybridobs.errors import LayoutError
from hybridobs.kpi import Measure, Shape, Summary
from hybridobs.kpi.drift import (
    INDEPENDENT,
    NUMBERS,
    CategoryReference,
    Key,
    NumericReference,
    Rule,
    Side,
    Spread,
    Verdict,
    compare,
    judge,
    limit,
    spread,
)

stats = pytest.importorskip("scipy.stats")
KEY = Key("digits", "1.0", "brightness")
ALPHA = NUMBERS.alpha


def normal(draw: random.Random, n: int, middle: float = 0.0) -> list[float]:
    """``n`` standard normal numbers around ``middle``."""
    return [draw.gauss(middle, 1) for _ in range(n)]


def devices(draw: random.Random, number: int, each: int, between: float) -> list[list[float]]:
    """What devices send that each have a middle of their own."""
    within = math.sqrt(1 - between**2)
    return [[middle + within * draw.gauss(0, 1) for _ in range(each)] for middle in normal(draw, number)]


def test_the_limit_of_independent_values_is_that_of_yurdakul() -> None:
    """(1/n + 1/m) times the chi-square quantile."""
    expected = (1 / 200 + 1 / 500) * stats.chi2.isf(0.01, 9)
    assert limit(10, 0.01, [(200, INDEPENDENT), (500, INDEPENDENT)]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "runs"), [(200, 1000), (1000, 300), (10_000, 40)])
def test_without_a_drift_it_alarms_no_more_often_than_alpha(n: int, runs: int) -> None:
    """Seeded; three standard errors allowed. ``benchmarks/drift.py`` does the same at length."""
    draw, alarms = random.Random(n), 0
    for _ in range(runs):
        reference = NumericReference.of_values(KEY, [draw.random() for _ in range(n)])
        found = compare(reference, reference.bins.count([draw.random() for _ in range(n)]))
        alarms += found.judgement.verdict is Verdict.ALARM
    assert alarms <= runs * ALPHA + 3 * math.sqrt(runs * ALPHA * (1 - ALPHA))


def test_chance_alone_exceeds_the_convention_and_is_not_believed() -> None:
    """A PSI above 0.1 from 200 values is usual; it is too little data, with the number that would do."""
    draw = random.Random(3)
    judged = []
    for _ in range(100):
        reference = NumericReference.of_values(KEY, normal(draw, 200))
        judged.append(compare(reference, reference.bins.count(normal(draw, 200))).judgement)
    unsure = [one for one in judged if one.verdict is Verdict.TOO_LITTLE]
    assert len(unsure) > 20
    assert all(one.psi.value > 0.1 and "within chance" in one.reason for one in unsure)


def test_needed_values_bring_chance_down_to_the_threshold() -> None:
    """And one fewer does not; a reference that is too small itself needs no more."""
    judgement = judge(Side([1000] * 10), Side([9] * 5 + [21] * 4 + [16]))
    assert judgement.verdict is Verdict.TOO_LITTLE
    needed = judgement.needed or 0
    sides = [(needed, INDEPENDENT), (10_000, INDEPENDENT)]
    assert limit(10, ALPHA, sides) <= 0.1 < limit(10, ALPHA, [(needed - 1, INDEPENDENT), sides[1]])
    assert judge(Side([10] * 10), Side([10] * 9 + [30])).needed is None


def test_a_drift_alarms() -> None:
    """Half a standard deviation, from 300 values a side."""
    draw = random.Random(4)
    reference = NumericReference.of_values(KEY, normal(draw, 300))
    judgement = compare(reference, reference.bins.count(normal(draw, 300, 0.5))).judgement
    assert judgement.verdict is Verdict.ALARM and judgement.psi.value > judgement.limit > 0.1


def test_a_small_shift_is_no_alarm_however_much_data_there_is() -> None:
    """Certain, but below the threshold: OK."""
    judgement = judge(Side([10_000_000] * 10), Side([10_100_000, 9_900_000] * 5))
    assert judgement.verdict is Verdict.OK and judgement.limit == 0.1


def test_a_few_devices_are_no_drift() -> None:
    """20 devices with middles of their own: taken for independent they alarm, told apart they do not."""
    draw, told_apart, taken_alike, runs = random.Random(5), 0, 0, 60
    for _ in range(runs):
        reference = NumericReference.of_values(KEY, normal(draw, 2000))
        shards = [reference.bins.count(values) for values in devices(draw, 20, 50, 0.6)]
        window = sum(shards, start=reference.bins.empty)
        told_apart += compare(reference, window, shards).judgement.verdict is Verdict.ALARM
        taken_alike += compare(reference, window).judgement.verdict is Verdict.ALARM
    assert told_apart <= 2 < 20 < taken_alike


def test_a_drift_of_many_devices_alarms() -> None:
    """All of 100 devices moved by one standard deviation."""
    draw = random.Random(6)
    reference = NumericReference.of_values(KEY, normal(draw, 5000))
    shards = [reference.bins.count([x + 1 for x in values]) for values in devices(draw, 100, 50, 0.3)]
    judgement = compare(reference, sum(shards, start=reference.bins.empty), shards).judgement
    assert judgement.verdict is Verdict.ALARM and judgement.clustered
    assert judgement.n < 5000


def test_the_effect_of_independent_values_is_near_one() -> None:
    """And of whole shards that are one value each, the number of their values."""
    draw = random.Random(7)
    alike = [[draw.choices(range(5))[0] for _ in range(100)] for _ in range(32)]
    counts = [[values.count(group) for group in range(5)] for values in alike]
    assert 1 <= spread(counts).effect < 1.3
    single = [[30 * (draw.randrange(5) == group) or 0 for group in range(5)] for _ in range(200)]
    copies = [shard for shard in single if sum(shard) == 30]
    assert spread(copies).effect == pytest.approx(30, rel=0.2)


def test_one_shard_knows_nothing_of_the_spread() -> None:
    """So nothing is decided, however large the score."""
    judgement = judge(Side([100] * 10), Side([1000] + [0] * 9), shards=[[1000] + [0] * 9])
    assert judgement.verdict is Verdict.TOO_LITTLE and judgement.needed is None
    assert "device shards" in judgement.reason
    assert limit(10, 0.01, [(100, Spread(degrees=0)), (100, INDEPENDENT)]) == math.inf


def test_a_reference_of_a_few_devices_is_worth_less() -> None:
    """Its shards are kept as one effect, and raise the limit."""
    draw = random.Random(8)
    each = devices(draw, 20, 100, 0.6)
    plain = NumericReference.of_values(KEY, [x for values in each for x in values])
    known = plain.with_shards([plain.bins.count(values) for values in each])
    window = plain.bins.count(normal(draw, 2000))
    assert known.spread.effect > 5
    assert compare(known, window).judgement.limit > compare(plain, window).judgement.limit


def test_rare_names_are_judged_together() -> None:
    """Ten names of one in a thousand are one group of a hundredth, and no alarm."""
    names = {"usual": 9900, **{f"rare {place}": 10 for place in range(10)}}
    reference = CategoryReference.of_counts(KEY, names)
    found = compare(reference, reference.bins.tally({"usual": 990, "rare 1": 5, "rare 2": 5}))
    assert found.judgement.groups == 2 and found.judgement.verdict is Verdict.OK


def test_a_name_never_seen_before_alarms() -> None:
    """One value in ten."""
    reference = CategoryReference.of_counts(KEY, {"a": 500, "b": 500})
    found = compare(reference, reference.bins.tally({"a": 450, "b": 450, "new": 100}))
    assert found.judgement.verdict is Verdict.ALARM


def test_log_buckets_that_leave_it_open_say_so() -> None:
    """A temperature that varies by one percent is one log bucket: nothing is decided from it."""
    draw = random.Random(9)
    measure = Measure("feature.value", "1", Shape.DISTRIBUTION, "A feature.", quantum=1e-6)
    values = [20 + 0.05 * x for x in normal(draw, 1000)]
    reference = NumericReference.of_values(KEY, values)
    stored = reference.bins.count_summary(Summary.of(measure, [round(value * 1e6) for value in values]))
    judgement = compare(reference, stored).judgement
    assert judgement.verdict is Verdict.TOO_LITTLE and "log buckets" in judgement.reason


def test_the_share_of_missing_values_is_told() -> None:
    """A sensor that went dark has no distribution to drift."""
    reference = NumericReference.of_values(KEY, [1.0, 2.0, 3.0, None])
    found = compare(reference, reference.bins.count([None, None, 1.0]))
    assert [found.missing, found.reference_missing] == pytest.approx([2 / 3, 0.25])


def test_a_stricter_rule_is_obeyed() -> None:
    """Bonferroni over a hundred features, and a threshold of one's own."""
    loose, strict = (judge(Side([100] * 10), Side([80, 120] * 5), Rule(0.01, alpha)) for alpha in (0.01, 0.0001))
    assert loose.limit < strict.limit
    assert (loose.verdict, strict.verdict) == (Verdict.TOO_LITTLE, Verdict.TOO_LITTLE)
    assert judge(Side([100] * 10), Side([70, 130] * 5), Rule(0.01)).verdict is Verdict.ALARM


def test_counts_of_another_reference_are_refused() -> None:
    """They lie in other bins."""
    mine, other = NumericReference.of_values(KEY, [1.0, 2.0]), NumericReference.of_values(KEY, [1.0, 3.0])
    with pytest.raises(LayoutError, match="another reference"):
        compare(mine, other.bins.empty)

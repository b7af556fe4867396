"""Intervals and gates: what counts and histograms allow to say, with the error rate stated and simulated.

Start at :mod:`hybridobs.kpi.stats.gates`. Nothing here reads a clock, a store or a random number, so a verdict can be
recomputed from its inputs. ``benchmarks/gates.py`` measures the error rates and the power of every gate.
"""

from hybridobs.kpi.stats.clustering import (
    INDEPENDENT,
    Clustering,
    above,
    critical,
    design_effect,
    paired_design_effect,
    quantile_design_effect,
)
from hybridobs.kpi.stats.gates import (
    judge_paired_difference,
    judge_quantile,
    judge_quantile_ratio,
    judge_rate,
    judge_rate_difference,
    judge_rate_ratio,
)
from hybridobs.kpi.stats.intervals import Interval, Rate, clopper_pearson, wilson
from hybridobs.kpi.stats.paired import Pairs, paired_interval
from hybridobs.kpi.stats.quantiles import Estimate, quantile_estimate, rank_interval, ratio_bounds
from hybridobs.kpi.stats.rates import difference_interval, newcombe, ratio_interval
from hybridobs.kpi.stats.sequential import AnyTime, Looks, OneLook, Planned, PlannedLooks, RememberedLooks
from hybridobs.kpi.stats.spending import boundary
from hybridobs.kpi.stats.verdict import Judgement, Verdict, Worse, decide

__all__ = [
    "INDEPENDENT",
    "AnyTime",
    "Clustering",
    "Estimate",
    "Interval",
    "Judgement",
    "Looks",
    "OneLook",
    "Pairs",
    "Planned",
    "PlannedLooks",
    "Rate",
    "RememberedLooks",
    "Verdict",
    "Worse",
    "above",
    "boundary",
    "clopper_pearson",
    "critical",
    "decide",
    "design_effect",
    "difference_interval",
    "judge_paired_difference",
    "judge_quantile",
    "judge_quantile_ratio",
    "judge_rate",
    "judge_rate_difference",
    "judge_rate_ratio",
    "newcombe",
    "paired_design_effect",
    "paired_interval",
    "quantile_design_effect",
    "quantile_estimate",
    "rank_interval",
    "ratio_bounds",
    "ratio_interval",
    "wilson",
]

"""Business: what the product is for, beside the devices and models of the same cohort."""

from __future__ import annotations

from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog._board import Board, rate
from hybridobs.kpi.kpi import Count, Direction, Group, Mean

_ = Board(Group.BUSINESS)

KPIS = (
    _.told("business_outcomes", "Business outcomes", Count(h.BUSINESS_OUTCOMES), "T5", "Outcomes that count."),
    _.higher(
        "conversion_rate",
        "Conversion rate",
        rate(h.CONVERSIONS, h.BUSINESS_JUDGED),
        "T5",
        "Share of outcomes with a good end; ask by business to tell a sale from an unneeded recheck.",
    ),
    _.told(
        "business_value_mean",
        "Business value, mean",
        Mean(h.BUSINESS_VALUE),
        "T5",
        "Value of an outcome in the unit of its name: seconds of waiting, points, money.",
    ),
    *_.percentiles(
        "business_value",
        "Business value",
        h.BUSINESS_VALUE,
        (0.5, 0.95),
        "D14",
        "Value of an outcome in the unit of its name.",
        better=Direction.NONE,
    ),
)

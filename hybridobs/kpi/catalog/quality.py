"""Quality: how sure the model is of its answers."""

from __future__ import annotations

from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.catalog._families import percentiles
from hybridobs.kpi.kpi import Direction, Group, Kpi, Share

KPIS = (
    *percentiles(
        "confidence",
        "Confidence",
        m.CONFIDENCE,
        (0.5, 0.05),
        group=Group.QUALITY,
        direction=Direction.HIGHER,
        row="D1",
        brief="How sure the model is of its answers; the least sure ones are where errors and offloads come from.",
        default=(0.5,),
    ),
    Kpi(
        "low_confidence_share",
        "Low-confidence answers",
        Group.QUALITY,
        Direction.LOWER,
        Share(m.CONFIDENCE, 0.5),
        row="D1",
        brief="Share of answers that the model holds for no likelier than not (confidence 0.5 or less).",
    ),
)

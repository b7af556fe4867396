"""Quality: whether answers are right, safe, and how sure the model is of them."""

from __future__ import annotations

from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.catalog._board import Board, rate
from hybridobs.kpi.kpi import Count, Direction, Group, Ratio, Share

_ = Board(Group.QUALITY)

KPIS = (
    _.higher(
        "accuracy",
        "Accuracy",
        rate(h.RIGHT, h.OUTCOMES),
        "Q1a",
        "Share of labelled answers that were right; a label counts where its answer was given.",
    ),
    _.lower(
        "false_accept_rate",
        "False accepts",
        rate(h.FALSE_ACCEPTS, h.NEGATIVES),
        "Q1b",
        "Share of what should have been a no that was a yes: FA / (FA + TR).",
    ),
    _.lower(
        "false_reject_rate",
        "False rejects",
        rate(h.FALSE_REJECTS, h.POSITIVES),
        "Q1c",
        "Share of what should have been a yes that was a no: FR / (FR + TA). For an alarm: omissions.",
    ),
    _.higher(
        "precision",
        "Precision",
        rate(h.FALSE_ACCEPTS, h.ACCEPTED, complement=True),
        "D13",
        "Share of yes answers that were right: TA / (TA + FA).",
    ),
    *_.percentiles(
        "rewrite_quality",
        "Rewrite quality",
        h.SCORE,
        (0.5, 0.05),
        "Q2",
        "Score that an evaluation gave an output, for each evaluation.",
        better=Direction.HIGHER,
    ),
    _.lower(
        "low_score_share",
        "Outputs below the bar",
        Share(h.SCORE, 0.5),
        "Q2",
        "Share of evaluated outputs with a score of 0.5 or less.",
    ),
    _.lower(
        "rewritten_share",
        "Outputs rewritten",
        rate(h.REWRITTEN, h.READ_OVER),
        "Q2",
        "Share of outputs read over that the person had to rewrite.",
    ),
    _.lower(
        "safety_violation_rate",
        "Content safety violations",
        rate(h.VIOLATIONS, h.CHECKS),
        "Q3",
        "Share of checks that found a violation of a policy.",
        objective=0.0,
    ),
    _.higher(
        "audit_completeness",
        "Audited decisions",
        rate(h.AUDITED, h.AUDITABLE),
        "D12",
        "Share of policy decisions that are in the audit log.",
        objective=1.0,
        minimum_sample=1,
    ),
    *_.percentiles(
        "confidence",
        "Confidence",
        m.CONFIDENCE,
        (0.5, 0.05),
        "D1",
        "How sure the model is of its answers; the least sure ones are where errors and offloads come from.",
        better=Direction.HIGHER,
        default=(0.5,),
    ),
    _.lower(
        "low_confidence_share",
        "Low-confidence answers",
        Share(m.CONFIDENCE, 0.5),
        "D1",
        "Share of answers that the model holds for no likelier than not (confidence 0.5 or less).",
    ),
    _.told(
        "cross_validated_share",
        "Cross-checked in the cloud",
        Ratio(Count(m.UNSURE), Count(m.CONFIDENCE)),
        "G3",
        "Routing decisions for want of confidence, among answers that state one.",
    ),
    _.lower(
        "retry_rate",
        "Retries",
        Share(m.ATTEMPT, 1, above=True),
        "D13",
        "Share of calls that were not the first try.",
    ),
    _.lower(
        "schema_mismatch_rate",
        "Schema mismatches",
        rate(m.SCHEMA_MISMATCHED, m.SCHEMA_CHECKED),
        "D7",
        "Share of calls whose data had another schema than the model expects.",
        objective=0.0,
        minimum_sample=1,
    ),
    _.higher(
        "label_coverage",
        "Labelled answers",
        Ratio(Count(h.OUTCOMES), Count(m.DURATION)),
        "D6",
        "Labels for each inference call.",
    ),
    *_.percentiles("label_lag", "Label lag", h.LABEL_LAG, (0.5, 0.95), "D6", "From a call to the label it got."),
)

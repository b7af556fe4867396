"""Learning: how fresh what we know is, whether the world has moved, and what is learned from the field."""

from __future__ import annotations

from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.catalog._board import Board, rate
from hybridobs.kpi.kpi import Count, Direction, Group, Mean, Psi, Sum

_ = Board(Group.LEARNING)

KPIS = (
    *_.percentiles(
        "data_age",
        "Data freshness",
        m.DATA_AGE,
        (0.5, 0.95),
        "L1",
        "Age of the newest training data, feature or knowledge in use.",
    ),
    *_.percentiles(
        "lateness",
        "Telemetry lateness",
        m.LATENESS,
        (0.95,),
        "L1",
        "How long telemetry was on its way, time spent offline included.",
    ),
    _.lower(
        "drift_score",
        "Drift score",
        Psi(m.FEATURE, m.FEATURE_REFERENCE),
        "L2",
        "Population stability index of a model input against its reference: 0.1 is a shift, 0.25 a large one.",
        objective=0.1,
    ),
    _.told("retrainings", "Retrainings", Count(h.TRAININGS), "L3", "Trainings and fine-tunings that ended."),
    _.higher(
        "label_agreement",
        "Training label agreement",
        Mean(h.AGREEMENT),
        "D9",
        "How far those who labelled the training data agree (kappa).",
        minimum_sample=1,
    ),
    _.lower(
        "training_duplicates",
        "Training duplicates",
        Mean(h.DUPLICATES),
        "D9",
        "Share of training samples that repeat others.",
        minimum_sample=1,
    ),
    _.higher(
        "training_coverage",
        "Training coverage",
        Mean(h.COVERAGE),
        "D9",
        "Share of the fleet's cohorts and device classes that have training samples.",
        minimum_sample=1,
    ),
    _.higher(
        "model_card_share",
        "Models with a card",
        rate(h.CARDED, h.TRAININGS),
        "D16",
        "Share of trained models that have a card.",
        objective=1.0,
        minimum_sample=1,
    ),
    _.told("samples_uploaded", "Samples uploaded", Count(h.SAMPLES), "D5", "Samples sent for learning."),
    _.lower("sample_bytes", "Sample bytes", Sum(h.SAMPLE_IO), "D5", "Bytes of samples sent for learning."),
    _.told(
        "sample_selection_rate",
        "Samples selected",
        rate(h.SAMPLES, h.CANDIDATES),
        "D5",
        "Share of considered samples that were sent: only the suspicious ones should be.",
    ),
    _.higher(
        "pii_removed_share",
        "Personal data removed",
        rate(h.PII_REMOVED, h.PII_SAID),
        "D5",
        "Share of samples whose personal data were removed before sending.",
        objective=1.0,
        minimum_sample=1,
    ),
    _.told(
        "redactions",
        "Values redacted",
        Sum(h.REDACTIONS),
        "P1",
        "Values that devices changed or left out before anything was written or sent, by rule.",
    ),
    _.higher(
        "encrypted_share",
        "Samples encrypted",
        rate(h.ENCRYPTED, h.ENCRYPTION_SAID),
        "D5",
        "Share of samples that were encrypted before sending.",
        objective=1.0,
        minimum_sample=1,
    ),
    _.lower(
        "originals_sent",
        "Originals sent",
        Count(h.ORIGINALS),
        "P11",
        "Raw originals that left the device; each needs a reason.",
    ),
    _.told("federation_rounds", "Federated rounds", Count(h.ROUNDS), "D10", "Rounds of federated learning."),
    *_.percentiles("round_time", "Round time", h.ROUND_TIME, (0.5, 0.95), "D10", "Length of one federated round."),
    *_.percentiles(
        "update_norm",
        "Update norm",
        h.UPDATE_NORM,
        (0.5,),
        "D10",
        "Size of the aggregated update: it shrinks as learning settles.",
        better=Direction.NONE,
    ),
)

"""Experience: how fast it feels, whether it works without a network, and whether people come back."""

from __future__ import annotations

from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.catalog import reported
from hybridobs.kpi.catalog._board import Board, rate
from hybridobs.kpi.kpi import Count, Direction, Distinct, Group, Mean, Overlap, Ratio, Share

# What a latency is asked for; a frame at 120 a second has a KPI of its own.
EDGES = (0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.45, 0.8, 2.0)

_ = Board(Group.EXPERIENCE)

KPIS = (
    *_.percentiles(
        "first_output",
        "Time to first output",
        m.INTERACTION_FIRST_OUTPUT,
        (0.5, 0.95, 0.99),
        "E1",
        "From input to the first thing a person sees, network and rendering inside.",
        objectives={0.95: 0.3},
    ),
    *_.shares_within(
        "first_output_within",
        "First output within",
        m.INTERACTION_FIRST_OUTPUT,
        EDGES,
        "E1",
        "Share of interactions that showed something in time.",
        objectives={0.3: 0.95},
    ),
    *_.percentiles(
        "latency",
        "Latency",
        m.DURATION,
        (0.5, 0.95, 0.99),
        "N17",
        "Time of one inference call, failures included.",
        objectives={0.95: 0.3},
        default=(0.5, 0.95, 0.99),
    ),
    _.lower(
        "latency_mean",
        "Latency, mean",
        Mean(m.DURATION),
        "N4",
        "The mean, to be seen beside p95 and p99: it looks acceptable when they do not.",
    ),
    *_.shares_within(
        "within",
        "Answered within",
        m.DURATION,
        EDGES,
        "N1",
        "Share of inference calls that ended in time.",
        objectives={0.3: 0.95},
        default=(0.3,),
    ),
    _.higher(
        "within_frame",
        "Within a frame at 120 fps",
        Share(m.DURATION, 0.00833),
        "N16",
        "Share of calls that ended within 8.33 ms. Exact: counted, not estimated.",
    ),
    *_.percentiles(
        "stream_start",
        "Start of the stream",
        m.FIRST_OUTPUT,
        (0.5, 0.95),
        "N12",
        "Start to first output of a call that streams its answer.",
    ),
    *_.percentiles(
        "phase", "Time in phase", m.PHASE_DURATION, (0.95,), "N21", "Where the time of a call goes, for each phase."
    ),
    *_.percentiles(
        "network",
        "Latency by network",
        m.BY_NETWORK,
        (0.5, 0.95),
        "T10",
        "What a person waits for, by the network of the moment: the laboratory has another one.",
    ),
    _.higher(
        "offline_success_rate",
        "Offline success rate",
        rate(m.OFFLINE_FAILED, m.OFFLINE, complement=True),
        "E3",
        "Share of interactions without a network that succeeded all the same.",
        objective=0.99,
    ),
    *_.percentiles(
        "reinforced",
        "Time to reinforced answer",
        m.REINFORCED,
        (0.5, 0.95),
        "G5",
        "First answer local, better answer from the cloud: how long until the second.",
    ),
    _.told(
        "reinforced_share",
        "Answers reinforced",
        Ratio(Count(m.REINFORCED), Count(m.INTERACTION_DURATION)),
        "G5",
        "Share of interactions whose first answer was reinforced by a second.",
    ),
    _.higher(
        "reinforced_better_share",
        "Reinforced answers that were better",
        rate(m.REINFORCED_BETTER, m.REINFORCED_JUDGED),
        "G5",
        "Share of compared reinforced answers that were better than the first.",
    ),
    _.higher(
        "active_installations",
        "Active installations",
        Distinct(h.ACTIVE),
        "E2",
        "Different installations that began a session; from hashed ids, exact below 4,096.",
    ),
    *(
        _.higher(
            f"retention_d{days}",
            f"Retention D{days}",
            Overlap(h.ACTIVE, again),
            "E2",
            f"Share of the installations of a day that came back {days} d later; ask for whole days, one at a time.",
        )
        for days, again in ((1, h.AGAIN_1D), (7, h.AGAIN_7D), (30, h.AGAIN_30D))
    ),
    _.higher(
        "session_completion_rate",
        "Sessions completed",
        rate(h.COMPLETED, h.ENDED),
        "T12",
        "Share of sessions that reached their end: neither abandoned nor crashed.",
    ),
    *_.percentiles(
        "session_duration",
        "Session length",
        h.SESSION_DURATION,
        (0.5,),
        "E2",
        "How long people stay.",
        better=Direction.NONE,
    ),
    *reported.KPIS,
)

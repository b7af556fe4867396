"""Experience: how fast it feels, and whether it works without a network."""

from __future__ import annotations

from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.catalog._families import percentiles, shares_within
from hybridobs.kpi.kpi import Count, Direction, Group, Kpi, Ratio

# What is usually asked of a latency; the other exact edges are there for objectives that name them.
USUAL_EDGES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.8, 2.0)

KPIS = (
    *percentiles(
        "first_output",
        "Time to first output",
        m.INTERACTION_FIRST_OUTPUT,
        (0.5, 0.95, 0.99),
        group=Group.EXPERIENCE,
        direction=Direction.LOWER,
        row="E1",
        brief="From input to the first thing a person sees, network and rendering inside.",
        objectives={0.95: 0.3},
    ),
    *shares_within(
        "first_output_within",
        "First output within",
        m.INTERACTION_FIRST_OUTPUT,
        USUAL_EDGES,
        group=Group.EXPERIENCE,
        row="E1",
        brief="Share of interactions that showed something in time.",
        objectives={0.3: 0.95},
    ),
    *percentiles(
        "latency",
        "Latency",
        m.DURATION,
        (0.5, 0.95, 0.99),
        group=Group.EXPERIENCE,
        direction=Direction.LOWER,
        row="N17",
        brief="Time of one inference call, failures included.",
        objectives={0.95: 0.3},
        default=(0.5, 0.95, 0.99),
    ),
    *shares_within(
        "within",
        "Answered within",
        m.DURATION,
        USUAL_EDGES,
        group=Group.EXPERIENCE,
        row="N1",
        brief="Share of inference calls that ended in time.",
        objectives={0.3: 0.95},
        default=(0.3,),
    ),
    *percentiles(
        "phase",
        "Time in phase",
        m.PHASE_DURATION,
        (0.95,),
        group=Group.EXPERIENCE,
        direction=Direction.LOWER,
        row="N21",
        brief="Where the time of a call goes, for each phase.",
    ),
    Kpi(
        "offline_success_rate",
        "Offline success rate",
        Group.EXPERIENCE,
        Direction.HIGHER,
        Ratio(Count(m.OFFLINE_FAILED), Count(m.OFFLINE), complement=True),
        row="E3",
        brief="Share of interactions without a network that succeeded all the same.",
        objective=0.99,
    ),
)

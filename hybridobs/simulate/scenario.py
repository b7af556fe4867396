"""What a scenario is made of: a table of rates, spreads and shares, and the numbers that must come out of it.

Shares are 0 to 1, times in seconds, money in USD, energy in joules. A scenario has one arm after the other (before and
after an improvement): each fills an equal part of the simulated time, on the same devices.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hybridobs.simulate.draws import Draw, Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """The service that devices ask; if they ``wait`` for it its time is theirs, else it confirms what was said."""

    model: str
    version: str
    latency: Spread
    cost: float
    wait: bool
    reason: str
    tokens: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Who finds out whether answers were right: of what share, how many should have been a yes, how many were wrong."""

    source: str
    share: float = 1.0
    positives: float
    false_accept: float
    false_reject: float
    lag: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the business counts: after a ``share`` of the calls, or ``a_day`` times a day and device."""

    name: str
    share: float = 0.0
    a_day: float = 0.0
    success: float | None = None
    value: Draw | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What devices report each hour of their cameras."""

    frames_per_second: float
    dropped: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """How the fleet does in one part of the time; ``latency`` is the device's own part of an answer."""

    cohort: str
    version: str
    calls_a_day: float
    latency: Spread
    confidence: tuple[float, float] = (9.0, 1.0)  # of a beta distribution: mean 0.9
    errors: float = 0.0
    cost: float = 0.0
    energy: Spread | None = None
    offload: float = 0.0
    cloud: Cloud | None = None
    retries: float = 0.0
    offline: float = 0.0
    offline_errors: float = 0.0
    labels: Labels | None = None
    outcomes: tuple[Outcome, ...] = ()
    health: Health | None = None
    trainings: tuple[tuple[str, float], ...] = ()  # kind, every so many days; by one device
    update_bytes: int = 0  # of the update with which the arm begins
    posture: bool = False
    peak: float = 1.0  # the busiest hour of a day over the mean one


class Way(StrEnum):
    """How a number of the scenario is compared with the KPI."""

    EQUAL = "equal"  # within the sampling error
    AT_MOST = "at most"
    AT_LEAST = "at least"
    RATIO = "of before"  # this arm's KPI over the first one's, within the sampling error
    SPARED = "of before, the rest"  # one less this arm's KPI, over one less the first one's


@dataclass(frozen=True, slots=True)
class Claim:
    """A number that must come out: of a KPI in one cohort, of one business outcome where it is one."""

    kpi: str
    cohort: str
    value: float
    way: Way = Way.EQUAL
    business: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A fleet and what becomes of it; ``devices`` and ``days`` are what it takes unless somebody says otherwise."""

    name: str
    title: str
    brief: str
    model: str
    task: str
    device_class: str
    power_source: str
    site: str
    devices: int
    days: float
    arms: tuple[Arm, ...]
    claims: tuple[Claim, ...]

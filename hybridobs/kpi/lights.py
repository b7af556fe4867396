"""The four things a customer feels: it is fast, it does not stop, it is safe, and the bill is predictable.

Each is decided by one KPI of the catalogue and can be broken by others (mission map, G16).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Kpi


@dataclass(frozen=True, slots=True)
class Light:
    """One light: ``decides`` is the KPI without which nobody can say, ``also`` are those that can break it too.

    ``forecast``: what decides is not an objective but whether its last whole day is as the days before it were
    (:mod:`hybridobs.kpi.forecast`).
    """

    id: str
    title: str
    promise: str
    decides: str
    also: tuple[str, ...] = ()
    forecast: bool = False

    @property
    def kpis(self) -> Iterator[Kpi]:
        """What it looks at, the one that decides first."""
        return (KPIS[name] for name in (self.decides, *self.also))


LIGHTS = (
    Light(
        "fast",
        "Fast",
        "It answers when it is pressed.",
        "first_output_within_300ms",
        ("first_output_p95",),
    ),
    Light(
        "uninterrupted",
        "Uninterrupted",
        "It goes on when the network does not.",
        "offline_success_rate",
        ("delivery_completeness",),
    ),
    Light(
        "safe",
        "Safe",
        "What is private stays private.",
        "pii_removed_share",
        ("encrypted_share", "safety_violation_rate", "ota_verified_share", "posture_share"),
    ),
    Light(
        "predictable",
        "Predictable",
        "The bill holds no surprise.",
        "cost_total",
        ("over_ceiling_share",),
        forecast=True,
    ),
)

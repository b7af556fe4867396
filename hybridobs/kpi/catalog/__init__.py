"""Every measure and every KPI, by name: the one place where names get their meaning.

Dashboards, documents, SLO checks and the exposition follow from these two tables.
:mod:`hybridobs.kpi.catalog.mission` says where each row of the mission map went.
"""

from __future__ import annotations

from itertools import chain

from hybridobs.kpi.catalog import (
    business,
    cost,
    delivery,
    device,
    experience,
    learning,
    pattern,
    quality,
    release,
    stability,
)
from hybridobs.kpi.catalog._shapes import MEASURES
from hybridobs.kpi.kpi import Kpi

__all__ = ["BOARDS", "KPIS", "MEASURES"]

BOARDS = (experience, quality, cost, stability, learning, release, pattern, device, business, delivery)
KPIS: dict[str, Kpi] = {kpi.id: kpi for kpi in chain.from_iterable(board.KPIS for board in BOARDS)}

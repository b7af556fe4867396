"""Every measure and every KPI, by name: the one place where names get their meaning.

Dashboards, documents, SLO checks and the exposition follow from these two tables.
"""

from __future__ import annotations

from hybridobs.kpi.catalog import cost, experience, learning, quality, stability
from hybridobs.kpi.catalog.measures import MEASURES
from hybridobs.kpi.kpi import Kpi

__all__ = ["KPIS", "MEASURES"]

KPIS: dict[str, Kpi] = {kpi.id: kpi for board in (experience, quality, cost, stability, learning) for kpi in board.KPIS}

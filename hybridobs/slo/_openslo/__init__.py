"""OpenSLO v1 (openslo.com): its files are read like our own, and our objectives are written as such.

A metric source of ``type: hybridobs`` names what is measured: ``spec: {kpi: latency_p95, where: {tier: device}}``, or a
``measure`` whose share within a threshold or whose percentile is a KPI. What another system's query measures nobody but
that system knows, so such a file is refused with the way out.
"""

from __future__ import annotations

from hybridobs.slo._openslo._read import is_openslo, objectives
from hybridobs.slo._openslo._write import Written, written

__all__ = ["Written", "is_openslo", "objectives", "written"]

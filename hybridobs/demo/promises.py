"""What the demo promises, and what its gate looks at: the SLO file that it leaves beside its store."""

from __future__ import annotations

from pathlib import Path

_PROMISES = """\
version: 1

defaults:
  window: 1h

tiers:
  device:
    - kpi: first_output_within_300ms
      target: 95%
    - kpi: offline_success_rate
      target: 99%
  cloud:
    - kpi: error_rate
      target: 1%

gates:
  - kpi: latency_p95
    limit: {rel: 30%}
  - kpi: error_rate
    limit: {abs: 5pp}
"""


def write(directory: Path) -> Path:
    """Write the file into ``directory``; its path."""
    path = directory / "slo.yaml"
    path.write_text(_PROMISES)
    return path

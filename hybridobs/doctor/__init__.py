"""Looks at the whole way of telemetry, device to collector to store to Prometheus: what is wrong, and how to mend it.

``examine`` yields findings as they are made, in the order of the way. Nothing is changed but one probe: a span of no
model, which is kept in the trace store and adds to no measure.
"""

from __future__ import annotations

from hybridobs.doctor._examine import Wanted, examine
from hybridobs.doctor._finding import Finding, Level

__all__ = ["Finding", "Level", "Wanted", "examine"]

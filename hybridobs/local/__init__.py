"""The whole stack of one machine as plain processes: a collector, and a Prometheus and an Alertmanager if installed.

A :class:`Plan` says what runs and where; :class:`Supervisor` starts it in order, waits until it is well, starts again
what dies, and stops it in reverse; :class:`Place` is the private directory that holds everything, and the lock that
keeps a second supervisor out of it.
"""

from __future__ import annotations

from hybridobs.local.part import Part, PartFailed, answers
from hybridobs.local.place import Place, State, default_directory
from hybridobs.local.plan import Addresses, Alerting, Plan, plan
from hybridobs.local.supervisor import Supervisor

__all__ = [
    "Addresses",
    "Alerting",
    "Part",
    "PartFailed",
    "Place",
    "Plan",
    "State",
    "Supervisor",
    "answers",
    "default_directory",
    "plan",
]

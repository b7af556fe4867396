"""How a collector keeps account of a fleet: settings with defaults to be argued with."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from hybridobs.errors import ConfigError
from hybridobs.kpi.rollout import Rules as Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Time limits of updates (``rules``), and how long devices and attempts are remembered.

    ConfigError when a number is not positive.
    """

    rules: Rules = field(default_factory=Rules)
    device_days: float = 400.0  # a device silent for longer is forgotten
    devices: int = 100_000  # beyond this the longest silent are forgotten
    attempt_days: float = 90.0  # an attempt about which nothing was heard for longer is forgotten
    sweep_seconds: float = 60.0  # how often it is looked for attempts that stall

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name != "rules" and not value > 0:
                raise ConfigError(f"fleet.{one.name}", value, "give a number above 0")

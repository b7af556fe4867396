"""What is known of one device: for each fact the latest value that was told, in any order.

A fact is told with the second in which it was so, kept to the minute; of two told in the same minute the greater wins,
so that every replica and every replay keeps the same one.
"""

from __future__ import annotations

from typing import Any

from hybridobs import contract as c
from hybridobs.kpi.sightings import whole_minute

Value = str | float
LABELS = ("tier", "device_class", "cohort", "channel", "site")
HEALTH = {
    "battery": c.BATTERY_CHARGE,
    "temperature": c.TEMPERATURE,
    "disk_free": c.DISK_FREE,
    "backlog": c.BUFFER_USAGE,
    "backlog_age": c.BUFFER_AGE,
}
"""Name here -> attribute of a health report."""
PROVISIONED, DECOMMISSIONED = c.CHOICES[c.LIFECYCLE_STATE]
_MOST_CHARS = c.LABEL_MAX_CHARS


class Facts:
    """Name -> value and the minute in which it was so."""

    def __init__(self, stored: dict[str, list[Any]] | None = None) -> None:
        self.stored = stored or {}

    def put(self, name: str, value: Value, second: int) -> None:
        """Note that this was so; what is known to be later stays."""
        text = value[:_MOST_CHARS] if isinstance(value, str) else float(value)
        minute = whole_minute(second)
        old = self.stored.get(name)
        if old is None or (minute, str(text)) > (old[1], str(old[0])):
            self.stored[name] = [text, minute]

    def get(self, name: str) -> Any:
        """The value, None if it was never told."""
        found = self.stored.get(name)
        return None if found is None else found[0]

    def when(self, name: str) -> int | None:
        """The minute in which it was so, Unix seconds."""
        found = self.stored.get(name)
        return None if found is None else int(found[1])

    def service(self) -> tuple[int | None, int | None]:
        """When the device was put into service and taken out of it; the second is None if it is in service again."""
        put_in, taken_out = self.when(PROVISIONED), self.when(DECOMMISSIONED)
        gone = taken_out is not None and (put_in is None or put_in <= taken_out)
        return put_in, taken_out if gone else None

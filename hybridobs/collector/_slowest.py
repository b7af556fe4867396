"""The slowest call of each minute and label set so far: the ones to look at when something is slow."""

from __future__ import annotations

from hybridobs.collector._records import Decoded
from hybridobs.contract import Labels

_MAX_LABELS = 4_096
_MAX_MINUTES = 1_440  # of one label set


class Slowest:
    """Durations in ns by labels and minute (Unix). Not for several threads at once."""

    def __init__(self) -> None:
        self._seen: dict[Labels, dict[int, int]] = {}

    def note(self, decoded: Decoded) -> None:
        """Note those calls of a request that are slower than all before them; a graver reason stays."""
        for (labels, minute), (duration, trace_id, span_id) in decoded.longest.items():
            minutes = self._of(labels)
            if duration > minutes.get(minute, -1):
                if len(minutes) > _MAX_MINUTES:
                    minutes.clear()
                minutes[minute] = duration
                spans = decoded.worthy.setdefault(trace_id, {})
                if spans.get(span_id) != "error":
                    spans[span_id] = "slow"

    def forget(self) -> None:
        """Take everything back."""
        self._seen.clear()

    def _of(self, labels: Labels) -> dict[int, int]:
        found = self._seen.get(labels)
        if found is None:
            if len(self._seen) >= _MAX_LABELS:
                self._seen.clear()
            found = self._seen[labels] = {}
        return found

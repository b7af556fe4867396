"""The second pass: what senders left in their texts is taken out before anything is counted or kept.

Labels and texts are remembered by whoever reads them (nodes, resources), so each distinct value is looked at once and
a span costs nothing. Ids keep their form: stream ids and sequence numbers are what exactly-once rests on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from hybridobs.collector._attributes import Value
from hybridobs.errors import ConfigError
from hybridobs.privacy import DECIMALS, Rule, Scanner, compiled, is_place, is_version

_LONGEST = 8192


class Screen:
    """Counts what it takes out, by rule; ``patterns`` are own rules by name. For one thread."""

    def __init__(self, patterns: Mapping[str, re.Pattern[str]] | None = None) -> None:
        self._scanner = Scanner(self._note, patterns)
        self._taken: Counter[str] = Counter()

    @classmethod
    def of(cls, patterns: Mapping[str, str]) -> Screen:
        """With own rules as text; ConfigError for one that cannot be used."""
        try:
            return cls(compiled(patterns))
        except ValueError as wrong:
            raise ConfigError("redact", dict(patterns), str(wrong)) from None

    def text(self, key: str, text: str) -> str:
        """A text as it may be kept; "" if that cannot be told."""
        return self._scanner.text(text, _LONGEST, version=is_version(key)) or ""

    def fit(self, key: str) -> bool:
        """Whether a key is no text about a person itself."""
        return self._scanner.text(key, _LONGEST) == key

    def value(self, key: str, value: Value) -> Value:
        """A value of any type as it may be kept."""
        if isinstance(value, str):
            return self.text(key, value)
        if isinstance(value, list):
            return [self.value(key, item) for item in value]  # type: ignore[arg-type]
        if isinstance(value, dict):
            return {name: self.value(name, item) for name, item in value.items() if self.fit(name)}  # type: ignore[arg-type]
        if isinstance(value, float) and is_place(key):
            return round(value, DECIMALS)
        return value

    def taken(self) -> Counter[str]:
        """What was taken out since this was last asked, by rule."""
        taken, self._taken = self._taken, Counter()
        return taken

    def _note(self, rule: str) -> None:
        if rule != Rule.TOO_LONG:  # lengths are whoever's who keeps the text
            self._taken[rule] += 1

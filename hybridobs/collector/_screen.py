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
from hybridobs.privacy import DECIMALS, SMALLEST_CARD, Rule, Scanner, compiled, is_count, is_place, is_version

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
        return self._scanner.fit(key, _LONGEST)

    def value(self, key: str, value: Value) -> Value:
        """A value of any type as it may be kept."""
        if isinstance(value, str):
            return self._place(key, value) if is_place(key) else self.text(key, value)
        if isinstance(value, bool):
            return value
        if isinstance(value, int):
            return value if value < SMALLEST_CARD or is_count(key) else self._whole(value)
        if isinstance(value, bytes):
            return self._bytes(value)
        if isinstance(value, list):
            return [self.value(key, item) for item in value]  # type: ignore[arg-type]
        if isinstance(value, dict):
            return {name: self.value(name, item) for name, item in value.items() if self.fit(name)}  # type: ignore[arg-type]
        if isinstance(value, float) and is_place(key):
            return self._rounded(value)
        return value

    def _rounded(self, number: float) -> float:
        near = round(number, DECIMALS)
        if near != number:
            self._note(Rule.LOCATION)
        return near

    def _place(self, key: str, text: str) -> str:
        try:
            number = float(text)
        except ValueError:
            return self.text(key, text)
        near = self._rounded(number)
        return text if near == number else str(near)

    def _whole(self, value: int) -> int | str:
        """A whole number, or the mark of the rule that says whose number it is."""
        said = self.text("", str(value))
        return value if said == str(value) else said

    def _bytes(self, value: bytes) -> bytes | str:
        """Bytes may be a text in disguise; what is found cannot be mended, so all of them go."""
        for encoding in ("utf-8", "latin-1"):
            text = value[:_LONGEST].decode(encoding, "replace")
            if self._scanner.text(text, len(text)) != text:
                return ""
        return value

    def taken(self) -> Counter[str]:
        """What was taken out since this was last asked, by rule."""
        taken, self._taken = self._taken, Counter()
        return taken

    def _note(self, rule: str) -> None:
        if rule != Rule.TOO_LONG:  # lengths are whoever's who keeps the text
            self._taken[rule] += 1

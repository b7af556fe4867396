"""One attribute, one text or one id at a time: what of it may leave.

What happens in every call costs a few look-ups: a key is judged once, and a text that was clean is remembered. When
something in here fails, the value is left out and counted, never sent as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import translate
from functools import cached_property
from typing import Any, NamedTuple

from hybridobs import contract
from hybridobs.privacy import DECIMALS, SMALLEST_CARD, Rule, Scanner, is_count, is_place, is_version
from hybridobs.sdk._guard import failed, log
from hybridobs.sdk.redact._counts import count, first_time
from hybridobs.sdk.redact._keys import Key, is_hash

LEFT_OUT: Any = object()
"""What a value that must not leave is replaced by."""

MAX_KEY = 255
MAX_TEXT = 1024
MAX_ITEMS = 128
_MOST_KEYS = 4096

# What goes into a model and comes out of it, by the names that instrumentations use.
CONTENT = (
    *(
        "gen_ai.prompt*",
        "gen_ai.completion*",
        "gen_ai.input.*",
        "gen_ai.output.messages*",
        "gen_ai.system_instructions*",
    ),
    *("gen_ai.tool.call.arguments*", "gen_ai.tool.call.result*", "gen_ai.tool.definitions*", "gen_ai.retrieval.*"),
    *("llm.prompts*", "llm.completions*", "llm.input_messages*", "llm.output_messages*", "input.value", "output.value"),
    *("traceloop.entity.input", "traceloop.entity.output", "db.query.text", "db.query.parameter.*", "db.statement"),
    *("http.request.body", "http.response.body", "http.request.header.*", "http.response.header.*", "url.query"),
)
_contents = re.compile("|".join(translate(pattern) for pattern in CONTENT)).match


class _Judged(NamedTuple):
    """What is known of a key; ``rule`` says why it may not leave."""

    rule: Rule | None
    version: bool = False
    place: bool = False
    hashed: bool = False
    whole: bool = False


class Policy:
    """What ``configure`` says about privacy: ``allow`` are patterns of further keys, ``find_key`` is asked once."""

    def __init__(
        self,
        *,
        allow: Sequence[str] = (),
        patterns: Mapping[str, re.Pattern[str]] | None = None,
        content: bool = False,
        decimals: int = DECIMALS,
        find_key: Callable[[], Key | None] = lambda: None,
    ) -> None:
        self._allowed = re.compile("|".join(translate(pattern) for pattern in allow) or r"(?!)").match
        self._content = content
        self._decimals = decimals
        self._find_key = find_key
        self._scanner = Scanner(count, patterns, decimals)
        self._judged: dict[str, _Judged] = {}

    def attribute(self, key: str, value: Any, most: int = MAX_TEXT) -> Any:
        """Return the value that may leave under ``key``, or ``LEFT_OUT``; raises TypeError for a key that is none."""
        judged = self._judged.get(key) or self._judge(key)
        if judged.rule is not None:
            count(judged.rule)
            self._say(key, judged.rule)
            return LEFT_OUT
        try:
            return self._value(judged, value, most)
        except Exception:
            count(Rule.FAILED)
            failed("redact")
            return LEFT_OUT

    def attributes(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of many attributes that may leave."""
        left = {key: self.attribute(key, value) for key, value in values.items()}
        return {key: value for key, value in left.items() if value is not LEFT_OUT}

    def text(self, text: str, most: int = MAX_TEXT) -> str:
        """Return a text that belongs to no attribute as it may leave; "" if that cannot be told."""
        return self._scanner.text(text, most) or ""

    def label(self, key: str, text: str, most: int = contract.LABEL_MAX_CHARS) -> str:
        """Return a label that the application declared as it may leave; "" if that cannot be told."""
        return self._scanner.text(text, most, version=is_version(key)) or ""

    def hashed(self, value: str) -> str | None:
        """Return the keyed hash of an id, or itself if it is one; None, counted, without a key."""
        try:
            if is_hash(value):
                return value
            if self._key is not None:
                count(Rule.HASHED)
                return self._key.hashed(value)
            count(Rule.NO_KEY)
        except Exception:
            count(Rule.FAILED)
            failed("hash_id")
        return None

    @cached_property
    def _key(self) -> Key | None:
        return self._find_key()

    def _judge(self, key: str) -> _Judged:
        if not isinstance(key, str):
            raise TypeError("the key of an attribute is a string")
        judged = self._new(key)
        if len(self._judged) >= _MOST_KEYS:
            self._judged.clear()
        if len(key) <= MAX_KEY:
            self._judged[key] = judged
        return judged

    def _new(self, key: str) -> _Judged:
        if len(key) > MAX_KEY:
            return _Judged(Rule.TOO_LONG)
        place = is_place(key)
        if key in contract.ATTRIBUTES or key in contract.ALIASES:
            return _Judged(None, is_version(key), place, key == contract.PSEUDO_ID, is_count(key))
        own = key.startswith((contract.FEATURE_PREFIX, contract.PHASE_PREFIX))
        if not own and self._allowed(key) is None:
            return _Judged(Rule.NOT_ALLOWED)
        if not self._content and _contents(key):
            return _Judged(Rule.CONTENT)
        # A key that is made of data, as in f"seen.{address}", is itself a text that leaves.
        return _Judged(None, False, place) if self._scanner.fit(key, MAX_KEY) else _Judged(Rule.NOT_ALLOWED)

    def _value(self, judged: _Judged, value: Any, most: int) -> Any:
        if isinstance(value, str):
            return self._text(judged, value, most)
        if isinstance(value, bool):
            return value
        if isinstance(value, bytes):
            return self._bytes(value)
        if isinstance(value, list | tuple):
            items = [self._value(judged, item, most) for item in value[:MAX_ITEMS]]
            return [item for item in items if item is not LEFT_OUT]
        if judged.place and hasattr(type(value), "__float__"):
            return self._rounded(float(value))
        if isinstance(value, int) and value >= SMALLEST_CARD and not judged.whole:
            return value if self._scanner.text(str(value), most, version=judged.version) == str(value) else LEFT_OUT
        return value

    def _text(self, judged: _Judged, text: str, most: int) -> Any:
        if judged.hashed:
            made = self.hashed(text)
        elif judged.place:
            made = self._place(text)
        else:
            made = self._scanner.text(text, most, version=judged.version)
        return LEFT_OUT if made is None else made

    def _place(self, text: str) -> str | None:
        try:
            return str(self._rounded(float(text)))
        except ValueError:  # whatever it says, it says it about a place
            count(Rule.LOCATION)
            return None

    def _bytes(self, value: bytes) -> Any:
        """Bytes may be a text in disguise; they cannot be mended."""
        for encoding in ("utf-8", "latin-1"):
            text = value[: MAX_TEXT * 2].decode(encoding, "replace")
            if self._scanner.text(text, len(text)) != text:
                return LEFT_OUT
        return value[:MAX_TEXT]

    def _rounded(self, number: float) -> float:
        near = round(number, self._decimals)
        if near != number:
            count(Rule.LOCATION)
        return near

    def _say(self, key: str, rule: Rule) -> None:
        if not first_time(key):
            return
        way = "configure(content=True) sends it" if rule is Rule.CONTENT else "name it in configure(allow=[...])"
        shown = self._scanner.text(key, MAX_KEY) or "an attribute"
        log.warning("hybridobs does not send %s (%s): %s if it must leave; said once a key", shown, rule.value, way)

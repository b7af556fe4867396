"""Label matchers as Prometheus means them, with its own regular expressions.

RE2 takes time in proportion to the text whatever the pattern, so no pattern can hang the collector.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import re2

from hybridobs.errors import ConfigError
from hybridobs.serve.remote._wire import Kind, Matcher

MOST_MATCHERS = 64
_PATTERN_MEMORY = 8 << 20  # bytes that one compiled pattern may take

_Test = Callable[[str], bool]


class Matchers:
    """All matchers of one query; a label that is absent has the empty text."""

    def __init__(self, matchers: Iterable[Matcher]) -> None:
        self._tests: dict[str, list[_Test]] = {}
        self._known: dict[tuple[str, str], bool] = {}
        self.equal: dict[str, str] = {}
        for number, matcher in enumerate(matchers):
            if number >= MOST_MATCHERS:
                raise ConfigError("matchers", number + 1, f"one query has at most {MOST_MATCHERS}")
            if matcher.kind is Kind.EQUAL and matcher.value:
                self.equal.setdefault(matcher.name, matcher.value)
            self._tests.setdefault(matcher.name, []).append(_test(matcher))

    def allow(self, name: str, value: str) -> bool:
        """Whether a label may have this value."""
        key = (name, value)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = all(test(value) for test in self._tests.get(name, ()))
        return found

    def match(self, labels: Mapping[str, str], aside: Iterable[str] = ()) -> bool:
        """Whether all labels fit, those in ``aside`` not looked at."""
        return all(self.allow(name, labels.get(name, "")) for name in self._tests if name not in aside)


def _test(matcher: Matcher) -> _Test:
    wanted = matcher.value
    match matcher.kind:
        case Kind.EQUAL:
            return lambda value: value == wanted
        case Kind.NOT_EQUAL:
            return lambda value: value != wanted
    pattern = _compiled(wanted)
    if matcher.kind is Kind.REGEX:
        return lambda value: pattern.fullmatch(value) is not None
    return lambda value: pattern.fullmatch(value) is None


def _compiled(text: str) -> re2._Regexp:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _PATTERN_MEMORY
    options.dot_nl = True  # as Prometheus 3 has it; a label has no line ends in practice
    try:
        return re2.compile(text, options)
    except re2.error as fault:
        shown = text if len(text) <= 80 else f"{text[:80]}…"
        said = fault.args[0] if fault.args else fault
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        raise ConfigError("matcher", shown, f"no RE2 regular expression: {words}") from None

"""One text against all detectors: what is left of it, and which rules had something to say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial

from hybridobs import contract
from hybridobs.privacy._detectors import Detector, detectors
from hybridobs.privacy._finding import Finding, Rule, marked

DECIMALS = 2  # places that are kept of a coordinate: about 1 km
SMALLEST_CARD = 10**12  # a whole number of 13 digits and more may be the number of a card
MARGIN = 256  # characters read behind a limit, so that what begins before it is still recognised

_SUSPECT = re.compile(r"[0-9@%\\]|/home/|/Users/").search
_PART = re.compile(r"\.(?=[0-9])")
_BLANK = re.compile(r"\s").search
_MOST_CLEAN = 4096  # texts remembered as clean, of each kind
_LONGEST_CLEAN = 256
_PLACE = re.compile(r"(?:^|[._-])(?:lat|latitude|lon|lng|longitude)$", re.I)
_VERSION = re.compile(r"[._]version$")

Noted = Callable[[str], None]


class Scanner:
    """Takes personal data out of texts, and tells ``noted`` the rule of each finding.

    ``patterns`` are own rules by name. A detector that fails takes the whole text with it: nothing leaks. What is
    remembered are texts in which nothing was found.
    """

    def __init__(
        self, noted: Noted, patterns: Mapping[str, re.Pattern[str]] | None = None, decimals: int = DECIMALS
    ) -> None:
        own = tuple(partial(_matches, rule, pattern) for rule, pattern in (patterns or {}).items())
        self._noted = noted
        self._always = bool(own)
        self._detectors: dict[bool, tuple[Detector, ...]] = {
            False: (*own, *detectors(decimals)),
            True: (*own, *detectors(decimals, addresses=False)),
        }
        self._clean: dict[bool, set[str]] = {False: set(), True: set()}

    def text(self, text: str, most: int, *, version: bool = False) -> str | None:
        """``text`` without personal data and at most ``most`` characters long; None if that cannot be told.

        ``version`` says that four numbers with dots between them are no address, if they are one word.
        """
        version = version and _BLANK(text) is None
        clean = self._clean[version]
        if len(text) <= min(most, _LONGEST_CLEAN) and text in clean:
            return text
        try:
            return self._scanned(text, most, version, clean)
        except Exception:
            self._noted(Rule.FAILED)
            return None

    def fit(self, key: str, most: int) -> bool:
        """Whether a key is no text about a person; what is behind a dot of it is looked at alone: ``app.10.1.2.3``."""
        tails = (key[found.end() :] for found in _PART.finditer(key))
        return self.text(key, most) == key and all(self.text(tail, most) == tail for tail in tails)

    def _scanned(self, text: str, most: int, version: bool, clean: set[str]) -> str:
        whole = len(text) <= most
        text = str(text)[: most + MARGIN]  # a plain string, whatever class it came as
        if not self._always and not _SUSPECT(text):
            found: list[Finding] = []
        else:
            found = _merged([finding for detect in self._detectors[version] for finding in detect(text)])
        for finding in found:
            self._noted(finding.rule)
        if not whole:
            self._noted(Rule.TOO_LONG)
        elif not found and len(text) <= _LONGEST_CLEAN:
            if len(clean) >= _MOST_CLEAN:
                clean.clear()
            clean.add(text)
        return _without(text, found, most)


def compiled(patterns: Mapping[str, str]) -> dict[str, re.Pattern[str]]:
    """Own rules, ready; ValueError names the one that is no regular expression."""
    found: dict[str, re.Pattern[str]] = {}
    for rule, pattern in patterns.items():
        if not rule.isidentifier():
            raise ValueError(f"{rule!r} is no name for a rule: use letters, digits and _")
        try:
            found[rule] = re.compile(pattern)
        except (re.error, TypeError) as wrong:
            raise ValueError(f"{rule} is no regular expression: {wrong}") from None
        if found[rule].search("") is not None:
            raise ValueError(f"{rule} matches the empty text, so it would match everything")
    return found


@lru_cache(maxsize=4096)
def is_place(key: str) -> bool:
    """Whether an attribute is half of a pair of coordinates."""
    return _PLACE.search(key) is not None


@lru_cache(maxsize=4096)
def is_count(key: str) -> bool:
    """Whether the contract says that an attribute is a whole number: a count, bytes or a time, and never a card."""
    known = contract.ATTRIBUTES.get(key)
    return known is not None and known.type == "int"


@lru_cache(maxsize=4096)
def is_version(key: str) -> bool:
    """Whether the contract says that an attribute is a version."""
    return key in contract.ATTRIBUTES and _VERSION.search(key) is not None


def _matches(rule: str, pattern: re.Pattern[str], text: str) -> Iterator[Finding]:
    for found in pattern.finditer(text):
        if found.end() > found.start():
            yield marked(*found.span(), rule)


def _merged(found: list[Finding]) -> list[Finding]:
    """Findings in the order of the text; those that overlap become one, by the rule that was asked first."""
    if len(found) < 2:
        return found
    ranked = sorted(enumerate(found), key=lambda pair: (pair[1].start, pair[0]))
    order, last = ranked[0]
    merged: list[Finding] = []
    for rank, finding in ranked[1:]:
        if finding.start < last.end:
            rule = last.rule if order < rank else finding.rule
            same = last.rule == finding.rule and finding.end <= last.end
            last = last if same else marked(last.start, max(last.end, finding.end), rule)
            order = min(order, rank)
        else:
            merged.append(last)
            order, last = rank, finding
    return [*merged, last]


def _without(text: str, found: list[Finding], most: int) -> str:
    """The first ``most`` characters of a text, and each finding that begins in them replaced."""
    parts: list[str] = []
    at = 0
    for start, end, _, instead in found:
        if start >= most:
            break
        parts += [text[at:start], instead]
        at = end
    parts.append(text[at:most] if at < most else "")
    return "".join(parts)[:most]

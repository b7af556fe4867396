"""Numbers that people and banks use: phone and card numbers, told from dates, versions, ids and measurements.

One linear pattern finds runs of digits with the separators that people write between them; what a run may be is decided
by its groups of digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridobs.privacy._finding import Finding, Rule, marked

# Possessive, so that a run is read once; letters on either side make it an id.
_RUN = re.compile(r"(?<![0-9A-Za-z])(?:\+ ?|00(?=[1-9]))?\(?[0-9](?:[ \u00a0\u2009\u202f()./\-]{0,3}+[0-9])*+")
_GROUP = re.compile(r"[0-9]+")
_HINT = re.compile(r"(?:tel|telephone|telefon|phone|mobile|handy|cell|fax|sms|whatsapp|call|msisdn)\W{0,4}\Z", re.I)
_DATE = re.compile(r"(?:\d{1,2}([./-])\d{1,2}\1\d{4}|\d{4}([./-])\d{1,2}\2\d{1,2})(?!\d)")
_DECIMAL = re.compile(r"\d+\.\d+(?: |\Z)")  # 0.123456789 is a measurement
_HINT_CHARS = 16
_PHONE_DIGITS = range(8, 16)  # E.164: at most 15
_HINTED_DIGITS = range(7, 16)
_NATIONAL_DIGITS = range(9, 12)
_CARD_DIGITS = range(13, 20)
_CARD_SHAPES = frozenset({(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 6, 5), (4, 6, 4), (4, 4, 5)})
_MOST_GROUPS = max(map(len, _CARD_SHAPES))
# First digits of an issuer -> lengths of its numbers (ISO/IEC 7812 ranges in use).
_ISSUERS: tuple[tuple[range, int, frozenset[int]], ...] = (
    (range(4, 5), 1, frozenset({13, 16, 18, 19})),  # Visa
    (range(51, 56), 2, frozenset({16})),  # Mastercard
    (range(2221, 2721), 4, frozenset({16})),
    (range(34, 35), 2, frozenset({15})),  # American Express
    (range(37, 38), 2, frozenset({15})),
    (range(36, 37), 2, frozenset({14, 16, 19})),  # Diners
    (range(38, 40), 2, frozenset({14, 16, 19})),
    (range(300, 306), 3, frozenset({14, 16, 19})),
    (range(3528, 3590), 4, frozenset({16, 17, 18, 19})),  # JCB
    (range(6011, 6012), 4, frozenset({16, 19})),  # Discover
    (range(644, 660), 3, frozenset({16, 19})),
    (range(62, 63), 2, frozenset({16, 17, 18, 19})),  # UnionPay
    (range(50, 51), 2, frozenset({13, 16, 19})),  # Maestro
    (range(56, 59), 2, frozenset({13, 16, 19})),
    (range(63, 64), 2, frozenset({16, 19})),
    (range(67, 68), 2, frozenset({16, 18, 19})),
    (range(2200, 2205), 4, frozenset({16, 17, 18, 19})),  # Mir
)


def numbers(text: str) -> Iterator[Finding]:
    """Every phone and card number in ``text``."""
    for run in _RUN.finditer(text):
        start, end = run.span()
        groups = [(start + found.start(), found.group()) for found in _GROUP.finditer(run.group())]
        if text[end : end + 1].isalnum():  # the last group is part of a word: 12 345ms
            at, last = groups.pop()
            end = at
            if not groups:
                continue
            end = groups[-1][0] + len(groups[-1][1])
        cards = list(_cards(groups))
        yield from cards
        if not cards and _is_phone(text, start, end, [group for _, group in groups]):
            yield marked(start, end, Rule.PHONE)


def is_card(digits: str) -> bool:
    """Whether this is the number of a card: a known issuer, a length of theirs, and Luhn's check digit."""
    if len(digits) not in _CARD_DIGITS:
        return False
    known = any(int(digits[:size]) in first and len(digits) in lengths for first, size, lengths in _ISSUERS)
    return known and _luhn(digits)


def _cards(groups: list[tuple[int, str]]) -> Iterator[Finding]:
    """Cards in groups of digits; a quantity before or a code behind the number does not hide it."""
    at = 0
    while at < len(groups):
        for count in range(min(_MOST_GROUPS, len(groups) - at), 0, -1):
            part = groups[at : at + count]
            shape = tuple(len(group) for _, group in part)
            if (count == 1 or shape in _CARD_SHAPES) and is_card("".join(group for _, group in part)):
                yield marked(part[0][0], part[-1][0] + shape[-1], Rule.CARD)
                at += count - 1
                break
        at += 1


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 + place % 2)
        total += number - 9 if number > 9 else number
    return total % 10 == 0


def _is_phone(text: str, start: int, end: int, groups: list[str]) -> bool:
    run = text[start:end]
    count = sum(map(len, groups))
    if run.startswith("+") or (run.startswith("00") and len(groups) > 1):
        return count in _PHONE_DIGITS or (run.startswith("00") and count - 2 in _PHONE_DIGITS)
    if _DATE.match(run):
        return False
    if _HINT.search(text[max(0, start - _HINT_CHARS) : start]):
        return count in _HINTED_DIGITS
    if _DECIMAL.match(run):
        return False
    return _is_national(groups, count)


def _is_national(groups: list[str], count: int) -> bool:
    """Whether groups of digits are as people of one country write a number at home."""
    shape = tuple(map(len, groups))
    if groups[0] == "1":  # trunk prefix of North America
        groups, shape = groups[1:], shape[1:]
    if shape == (3, 3, 4):
        return groups[0][0] in "23456789" and groups[1][0] in "23456789"
    if not re.match("0[1-9]", groups[0]) or count not in _NATIONAL_DIGITS:
        return False
    rest = shape[1:]
    if not rest:
        return count in (10, 11)
    if len(groups[0]) > 5:
        return False
    if len(rest) == 1:
        return rest[0] >= 5
    return set(rest) == {2} and count == 10 or (len(rest) in (2, 3) and all(size in (3, 4) for size in rest))

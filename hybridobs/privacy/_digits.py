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
_UUID = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])")
_UUID_MASK = "x" * 36  # of the same length, so that places stay
_GROUP = re.compile(r"[0-9]+")
_HINT = re.compile(r"(?:tel|telephone|telefon|phone|mobile|handy|cell|fax|sms|whatsapp|call|msisdn)\W{0,4}\Z", re.I)
_DATE = re.compile(r"(?:\d{1,2}([./-])\d{1,2}\1\d{4}|\d{4}([./-])\d{1,2}\2\d{1,2})(?!\d)")
_EXIT = re.compile("00[1-9]")  # what is dialled to leave a country
_FRACTION = re.compile(r"\d\.$")
_HINT_CHARS = 16
Groups = list[tuple[int, str]]  # where each group of digits begins, and its digits
_MOST_PHONE_DIGITS = 15  # E.164
_LEAST_INTERNATIONAL = 8
_LEAST_HINTED = 7
_LEAST_UNSEPARATED = 12  # 00 and a number; what is shorter is as likely an id with leading zeros
_NATIONAL_DIGITS = range(9, 12)
_CARD_DIGITS = range(13, 20)
_CARD_GROUP = 4  # digits of the first group, where there are groups
_AREA_DIGITS = 3  # of North America
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
    if text.count("-") >= 4:
        text = _UUID.sub(_UUID_MASK, text)
    for run in _RUN.finditer(text):
        start, end = run.span()
        groups = [(start + found.start(), found.group()) for found in _GROUP.finditer(run.group())]
        if text[end : end + 1].isalnum():  # the last group is part of a word: 12 345ms
            groups.pop()
        cards = list(_cards(groups))
        yield from cards or _phones(text, start, groups)


def is_card(digits: str) -> bool:
    """Whether this is the number of a card: a known issuer, a length of theirs, and Luhn's check digit."""
    if len(digits) not in _CARD_DIGITS:
        return False
    known = any(int(digits[:size]) in first and len(digits) in lengths for first, size, lengths in _ISSUERS)
    return known and _luhn(digits)


def _cards(groups: Groups) -> Iterator[Finding]:
    """Cards in groups of digits; a quantity before or a code behind the number does not hide it."""
    at = 0
    while at < len(groups):
        first = len(groups[at][1])
        longest = _MOST_GROUPS if first == _CARD_GROUP else int(first in _CARD_DIGITS)
        for count in range(min(longest, len(groups) - at), 0, -1):
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


def _phones(text: str, start: int, groups: Groups) -> Iterator[Finding]:
    """Phone numbers in groups of digits: with a country's code, called so, or as one country writes them."""
    if not groups:
        return
    first = text[start] == "+"
    start = start if first else groups[0][0]
    hinted = _HINT.search(text[max(0, start - _HINT_CHARS) : start]) is not None
    count, taken = 0, 0
    for at, (_, digits) in enumerate(groups):
        if count + len(digits) > _MOST_PHONE_DIGITS:
            break
        count, taken = count + len(digits), at + 1
    known = first or bool(_EXIT.match(groups[0][1]) and (taken > 1 or count >= _LEAST_UNSEPARATED))
    if (known and count >= _LEAST_INTERNATIONAL) or (hinted and count >= _LEAST_HINTED and not _dated(text, groups)):
        yield _phone(start, groups[:taken])
        groups = groups[taken:]
    yield from _national(text, groups)


def _dated(text: str, groups: Groups) -> bool:
    return _DATE.match(text, groups[0][0]) is not None


def _phone(start: int, groups: Groups) -> Finding:
    return marked(start, groups[-1][0] + len(groups[-1][1]), Rule.PHONE)


def _national(text: str, groups: Groups) -> Iterator[Finding]:
    """Numbers as people of one country write them at home; other numbers before and behind do not hide them."""
    at = 0
    while at < len(groups):
        first = groups[at][1]
        longest = _MOST_GROUPS if first[0] == "0" or len(first) == _AREA_DIGITS else 0
        for count in range(min(longest, len(groups) - at), 0, -1):
            if count == 1 and _FRACTION.search(text[max(0, groups[at][0] - 2) : groups[at][0]]):
                break
            if _is_national([digits for _, digits in groups[at : at + count]]):
                yield _phone(groups[at][0], groups[at : at + count])
                at += count - 1
                break
        at += 1


def _is_national(groups: list[str]) -> bool:
    """Whether these groups are one number: (415) 555-2671, 0170 1234567, 01 23 45 67 89, 020 7946 0958."""
    shape = tuple(map(len, groups))
    if shape == (3, 3, 4):
        return groups[0][0] in "23456789" and groups[1][0] in "23456789"
    if not re.match("0[1-9]", groups[0]) or sum(shape) not in _NATIONAL_DIGITS:
        return False
    rest = shape[1:]
    if not rest:
        return sum(shape) > 9
    if len(groups[0]) > 5:
        return False
    if len(rest) == 1:
        return rest[0] >= 5
    if sum(shape) == 9:
        return False
    return (set(rest) == {2} and sum(shape) == 10) or (len(rest) in (2, 3) and all(size in (3, 4) for size in rest))

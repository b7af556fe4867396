"""What else has a form of its own: mail addresses, bank accounts, network addresses, coordinates, home directories.

Every pattern reads a text in time linear to its length: a run of characters is entered at its first one only (look
behind) and read once (possessive quantifiers), or is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from hybridobs.privacy._digits import numbers
from hybridobs.privacy._finding import Finding, Rule, marked

Detector = Callable[[str], Iterator[Finding]]

_EMAIL = re.compile(r"(?<![\w.+'-])[\w.+'-]++(?:@|%40)([\w-]++(?:\.[\w-]++)++)")
_IBAN = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{2}[0-9]{2}(?:[ \u00a0-]?[0-9A-Za-z]){11,30}")
# Country and length of its numbers, of the SWIFT registry.
_IBAN_LENGTHS = {
    code: int(size)
    for size, codes in {
        "15": "NO",
        "16": "BE",
        "18": "DK FI FO GL NL",
        "19": "MK SI",
        "20": "AT BA EE KZ LT LU XK",
        "21": "CH HR LI LV",
        "22": "BG BH CR DE GB GE IE ME RS VA",
        "23": "AE GI IL IQ OM SO TL",
        "24": "AD CZ DZ ES MD PK RO SA SE SK TN VG",
        "25": "AO LY PT ST",
        "26": "IS TR",
        "27": "FR GR IT MC MR SM",
        "28": "AL AZ BY CY DO GT HU LB PL SV",
        "29": "BR EG PS QA UA",
        "30": "JO KW MU YE",
        "31": "MT SC",
    }.items()
    for code in codes.split()
}
_IPV4 = re.compile(r"(?<![0-9A-Za-z.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9A-Za-z]|\.[0-9])")
_VERSION = re.compile(r"(?:version|ver|release|build)\W{0,3}\Z", re.I)
_COLONS = re.compile(r"(?<![0-9A-Fa-f:])[0-9A-Fa-f]*+:[0-9A-Fa-f:]*+")
# Six pairs, no more: a pair before or behind them makes it something else, a word such as mac: does not.
_MAC = re.compile(
    r"(?<![0-9A-Za-z])(?<!(?<![0-9A-Za-z])[0-9A-Fa-f]{2}[:-])"
    r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Za-z]|[:-][0-9A-Fa-f])"
)
_NUMBER = r"[+-]?[0-9]{1,3}\.[0-9]{3,18}"
_PAIR = re.compile(rf"(?<![0-9A-Za-z.])({_NUMBER})(°? ?[NSns]?[ ,;/]{{1,3}})({_NUMBER})(?![0-9A-Za-z]|\.[0-9])")
_NAMED = re.compile(
    rf"(?<![A-Za-z])(?:lat|latitude|lon|lng|long|longitude)[\"']?[ =:]{{1,3}}[\"']?({_NUMBER})(?![0-9A-Za-z]|\.[0-9])",
    re.I,
)
_DEGREES = re.compile(
    r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{3,18})?° ?"
    r"(?:[0-9]{1,2}['′] ?(?:[0-9]{1,2}(?:\.[0-9]{1,9})?(?:\"|″|'') ?)?)?[NSEWO]\b"
)
_HOME = re.compile(r"(?:/home/|/Users/|\\Users\\|\\Documents and Settings\\)([^/\\\s:\"'<>|()\[\],;]+)")
_NOBODY = frozenset({"shared", "public", "default", "runner"})
_HINT_CHARS = 12
_IPV6_GROUP = 4  # digits of a group at most
_LEAST_IPV6 = 6  # characters; 1::2 is a slice


def detectors(decimals: int, *, addresses: bool = True) -> tuple[Detector, ...]:
    """All of them, the gravest first; coordinates keep ``decimals`` places, versions have no IP ``addresses``."""
    rest: tuple[Detector, ...] = (_interfaces, lambda text: _places(text, decimals), _homes)
    return (_emails, _ibans, numbers, *((_addresses,) if addresses else ()), *rest)


def _emails(text: str) -> Iterator[Finding]:
    if "@" in text or "%40" in text:
        for found in _EMAIL.finditer(text):
            if (size := _domain(found[1])) > 0:
                yield marked(found.start(), found.start(1) + size, Rule.EMAIL)


def _domain(labels: str) -> int:
    """How many characters are a domain: its last label begins with a letter; foo@1.2.3 has none."""
    size = len(labels)
    while size > 0 and not labels[labels.rfind(".", 0, size) + 1].isalpha():
        size = labels.rfind(".", 0, size)
    return size if "." in labels[: max(size, 0)] else 0


def _ibans(text: str) -> Iterator[Finding]:
    for found in _IBAN.finditer(text):
        size = _IBAN_LENGTHS.get(found.group()[:2].upper())
        end = found.start()
        said = ""
        while size and len(said) < size and end < found.end():
            said += text[end] if text[end].isalnum() else ""
            end += 1
        if size == len(said) and not text[end : end + 1].isalnum() and _mod97(said.upper()):
            yield marked(found.start(), end, Rule.IBAN)


def _mod97(said: str) -> bool:
    return int("".join(str(int(char, 36)) for char in said[4:] + said[:4])) % 97 == 1


def _addresses(text: str) -> Iterator[Finding]:
    """IP addresses of others than the machine itself."""
    for found in _IPV4.finditer(text):
        parts = found.group().split(".")
        fine = all(int(part) <= 255 for part in parts) and parts[0] != "127" and set(parts) != {"0"}
        if fine and not _VERSION.search(text[max(0, found.start() - _HINT_CHARS) : found.start()]):
            yield marked(*found.span(), Rule.IP)
    if text.count(":") >= 2:
        for found in _COLONS.finditer(text):
            start, end = _without_marks(text, *found.span())
            said = text[start:end]
            if _LEAST_IPV6 <= len(said) <= 45 and any(char.isdigit() for char in said) and _is_ipv6(said):
                yield marked(start, end, Rule.IP)


def _without_marks(text: str, start: int, end: int) -> tuple[int, int]:
    """An address in a run of digits and colons, without the colon of a sentence: ``peer:2001:db8::1: refused``.

    Empty where the run is part of a word, as in ``std::vector``.
    """
    colon = text.index(":", start)
    named = text[max(0, start - 1) : start].isalnum() or colon - start > _IPV6_GROUP
    if named or colon == start:
        if text[colon + 1 : colon + 2] != ":":
            start = colon + 1
        elif named:
            return start, start
    if text[end - 1] == ":" and text[end - 2 : end - 1] != ":":
        return start, end - 1
    return (start, start) if text[end : end + 1].isalnum() else (start, end)


def _is_ipv6(text: str) -> bool:
    from ipaddress import AddressValueError, IPv6Address  # rarely needed, and not free to load

    try:
        address = IPv6Address(text)
    except AddressValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def _interfaces(text: str) -> Iterator[Finding]:
    for found in _MAC.finditer(text):
        yield marked(*found.span(), Rule.MAC)


def _places(text: str, decimals: int) -> Iterator[Finding]:
    """Coordinates: two numbers of a latitude's and a longitude's size, one number with its name, or degrees."""
    for found in _PAIR.finditer(text):
        first, second = abs(float(found[1])), abs(float(found[3]))
        if min(first, second) <= 90 and max(first, second) <= 180 and max(first, second) >= 1:
            kept = rounded(found[1], decimals) + found[2] + rounded(found[3], decimals)
            if kept != found.group():
                yield Finding(*found.span(), Rule.LOCATION, kept)
    for found in _NAMED.finditer(text):
        kept = rounded(found[1], decimals)
        if kept != found[1] and abs(float(found[1])) <= 180:
            yield Finding(*found.span(1), Rule.LOCATION, kept)
    if "°" in text:
        for found in _DEGREES.finditer(text):
            yield marked(*found.span(), Rule.LOCATION)


def rounded(number: str, decimals: int) -> str:
    """A number in text with at most so many places."""
    return number if len(number.partition(".")[2]) <= decimals else f"{float(number):.{decimals}f}"


def _homes(text: str) -> Iterator[Finding]:
    for found in _HOME.finditer(text):
        if found[1].lower() not in _NOBODY:
            yield marked(*found.span(1), Rule.USER)

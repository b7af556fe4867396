"""What a detector says: where in a text something is, by which rule, and what to write instead."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Rule(StrEnum):
    """Why a value was changed or did not leave; own patterns add rules of their own names."""

    EMAIL = "email"
    IBAN = "iban"  # international bank account number, check digits right
    CARD = "card"  # payment card number of a known issuer, check digit right
    IP = "ip"  # IPv4 or IPv6 address, but loopback
    MAC = "mac"  # hardware address of a network interface
    LOCATION = "location"  # coordinates, rounded
    PHONE = "phone"
    USER = "user"  # name of a user in the path of a home directory
    NOT_ALLOWED = "not_allowed"  # attribute of neither the contract nor configure(allow=...)
    CONTENT = "content"  # input or output of a model, without configure(content=True)
    HASHED = "hashed"  # id replaced by its keyed hash
    NO_KEY = "no_key"  # id left out, because there is no key to hash it with
    TOO_LONG = "too_long"  # text cut, or key too long
    FAILED = "failed"  # a detector failed; the value was left out


class Finding(NamedTuple):
    """``start`` and ``end`` in the text, the rule's name, and what stands there instead."""

    start: int
    end: int
    rule: str
    instead: str


def marked(start: int, end: int, rule: str) -> Finding:
    """A finding whose text gives way to the name of its rule."""
    return Finding(start, end, rule, f"[{rule}]")

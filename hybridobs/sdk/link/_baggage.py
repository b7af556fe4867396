"""Our entries in a W3C ``baggage`` header, beside those of the application, which stay byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote_plus

from hybridobs.sdk._origin import PREFIX, labels_of

_MOST_BYTES = 8192  # of a whole header, W3C


def merged(header: str, labels: Mapping[str, str]) -> str:
    """Return ``header`` with exactly these entries of ours: none stays that is not among them."""
    others = [member for member in _members(header) if not _name(member).startswith(PREFIX)]
    ours = [f"{key}={quote(value, safe='')}" for key, value in labels.items()]
    whole = ",".join([*others, *ours])
    return whole if len(whole) <= _MOST_BYTES else ",".join(others)


def labels(header: str) -> dict[str, str]:
    """Return our entries, those that are fit for a label."""
    if PREFIX not in header or len(header) > _MOST_BYTES:
        return {}
    pairs = (member.split(";")[0].partition("=") for member in _members(header))
    return labels_of({name.strip(): unquote_plus(value.strip()) for name, _, value in pairs})


def _members(header: str) -> list[str]:
    return [member.strip() for member in header.split(",") if member.strip()]


def _name(member: str) -> str:
    return unquote_plus(member.partition("=")[0].strip())

"""A question to a store and its answer as JSON, so that summaries travel whole: nothing is rounded on the way.

A question names what :meth:`hybridobs.store.Store.read` takes. An answer has one entry a group: the values of the
labels asked for, and by measure ``n``, ``sum``, ``min``, ``max`` and the packed histogram in base64.
"""

from __future__ import annotations

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple

from hybridobs.errors import ConfigError, LayoutError
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.fold import WIDTH
from hybridobs.kpi.summary import Summary

PATH = "/api/v1/summaries"
VERSION = 1
_NUMBERS = ("n", "sum", "min", "max")
Groups = Mapping[tuple[str, ...], Mapping[str, Summary]]


class Asked(NamedTuple):
    """One question, as keyword arguments of ``read``; ``width`` is that of a window in seconds."""

    measures: tuple[str, ...]
    since: int | None = None
    until: int | None = None
    by: tuple[str, ...] = ()
    where: Mapping[str, str] = {}
    width: int = WIDTH


def asking(question: Asked) -> bytes:
    """The question as the body of a request."""
    return json.dumps(question._asdict()).encode()


def asked(body: bytes) -> Asked:
    """The inverse of ``asking``; ConfigError names what is wrong with it."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ConfigError("question", body[:40], f"is no JSON: {error}") from error
    if not isinstance(said, dict):
        raise ConfigError("question", body[:40], "give a JSON object")
    if unknown := said.keys() - set(Asked._fields):
        raise ConfigError(min(unknown), said[min(unknown)], f"no such key; choose of: {', '.join(Asked._fields)}")
    return Asked(
        measures=_words("measures", said.get("measures")),
        since=_whole("since", said.get("since")),
        until=_whole("until", said.get("until")),
        by=_words("by", said.get("by", [])),
        where=_pairs("where", said.get("where", {})),
        width=_whole("width", said.get("width")) or WIDTH,
    )


def _words(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ConfigError(key, value, "give a list of names")
    return tuple(value)


def _whole(key: str, value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not abs(value) < 2**53):
        raise ConfigError(key, value, "give a whole number of seconds, or leave it out")
    return value


def _pairs(key: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(word, str) for word in value.values()):
        raise ConfigError(key, value, "give an object of labels and their values")
    return value


def telling(groups: Groups) -> bytes:
    """The answer as the body of a response."""
    told = [
        {"group": group, "measures": {name: _row(summary) for name, summary in summaries.items()}}
        for group, summaries in groups.items()
    ]
    return json.dumps({"version": VERSION, "groups": told}).encode()


def _row(summary: Summary) -> dict[str, object]:
    numbers = {name: getattr(summary, name) for name in _NUMBERS}
    return {**numbers, "layout": summary.measure.layout, "packed": b64encode(summary.pack()).decode()}


def told(body: bytes) -> dict[tuple[str, ...], dict[str, Summary]]:
    """The inverse of ``telling``; LayoutError for what another version of hybridobs means by a measure."""
    try:
        said = json.loads(body)
        if said["version"] != VERSION:
            raise LayoutError(f"the answer has version {said['version']}, this hybridobs reads {VERSION}")
        return {
            tuple(entry["group"]): {name: _summary(name, row) for name, row in entry["measures"].items()}
            for entry in said["groups"]
        }
    except (ValueError, KeyError, TypeError) as error:
        raise LayoutError(f"the answer is not of the form it should have: {error!r}") from error


def _summary(name: str, row: Mapping[str, Any]) -> Summary:
    measure = MEASURES.get(name)
    if measure is None or measure.layout != row["layout"]:
        raise LayoutError(f"{name}: the collector means something else by it; use the same hybridobs on both sides")
    try:
        packed = b64decode(row["packed"], validate=True)
    except binascii.Error as error:
        raise LayoutError(f"{name}: {error}") from error
    return Summary.unpack(measure, int(row["n"]), int(row["sum"]), int(row["min"]), int(row["max"]), packed)

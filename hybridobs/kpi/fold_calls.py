"""What one call adds to which measure, spelled out; :mod:`hybridobs.kpi.fold` does the same, fast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from hybridobs import contract as c
from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.event import Event, Extra
from hybridobs.kpi.fold_labels import TEXTS, extra_of
from hybridobs.kpi.histogram import LIMIT
from hybridobs.kpi.measure import Measure

Add = tuple[Measure, Extra, int | None]
"""Measure, extra labels, quanta; None for a number that is not finite or beyond its measure."""

Texts = frozenset[tuple[str, str]]

OFFLINE = "offline"
CLOUD = "cloud"
EDGE = frozenset({"device", "site"})
SPLIT = "split"
_NETWORK_PHASE = f"{c.PHASE_PREFIX}network.duration"
_PLATFORM = tuple(TEXTS[label] for label in m.PLATFORM.extra)
_BY_REASON = {
    "cost_cap": m.CAPPED,
    "energy_budget": m.ENERGY_AWARE,
    "battery": m.ENERGY_AWARE,
    "low_confidence": m.UNSURE,
}


class Flag(NamedTuple):
    """A yes or no: how often it was said, and how often it was yes."""

    said: Measure
    yes: Measure


_NUMBERS: dict[str, tuple[Measure, ...] | Flag] = {
    c.FIRST_OUTPUT: (m.FIRST_OUTPUT,),
    c.CONFIDENCE: (m.CONFIDENCE,),
    c.INPUT_TOKENS: (m.INPUT_TOKENS,),
    c.OUTPUT_TOKENS: (m.OUTPUT_TOKENS,),
    c.ENERGY: (m.ENERGY,),
    c.COST: (m.COST, m.CALL_COST),
    c.ATTEMPT: (m.ATTEMPT,),
    c.BATCH_SIZE: (m.BATCH_SIZE,),
    c.REQUEST_SIZE: (m.REQUEST_SIZE,),
    c.DATA_AGE: (m.DATA_AGE,),
    c.REINFORCED: (m.REINFORCED,),
    c.IMPROVED: Flag(m.REINFORCED_JUDGED, m.REINFORCED_BETTER),
    c.CACHE_AGE: (h.CACHE_AGE,),
    c.CACHE_WRONG: Flag(h.CACHE_JUDGED, h.CACHE_WRONG),
    c.COST_AVOIDED: (h.COST_AVOIDED,),
    c.LATENESS: (m.LATENESS,),
    c.CLOCK_OFFSET: (m.CLOCK_OFFSET,),
    c.CLOCK_CLAMPED: (m.CLAMPED,),
    **{f"{c.PHASE_PREFIX}{phase}.duration": (m.PHASE_DURATION,) for phase in c.PHASES},
}
NUMBERS = frozenset(_NUMBERS)
"""Keys of the numbers that a call's measures read; features come on top."""
TEXTS_READ = frozenset(
    {c.ROUTE_TO, c.ROUTE_FROM, c.ROUTE_REASON, c.ROUTE_DECISION, c.ROLE, c.MODEL_SCHEMA_HASH, c.DATA_SCHEMA_HASH}
    | {c.CURRENCY, c.PRICE_TABLE, c.ENERGY_METHOD, c.CONNECTIVITY, c.NETWORK_TYPE, c.CACHE_RESULT, c.DATA_SET}
    | {c.REGION, c.PROVIDER}
    | set(_PLATFORM)
)
"""Keys of the texts that a call's measures read, and its price."""


@lru_cache(maxsize=4096)
def number(key: str, texts: Texts) -> tuple[tuple[Measure, Extra], ...] | Flag:
    """What a number adds to; empty for one that no measure reads."""
    said = dict(texts)
    if key.startswith(c.FEATURE_PREFIX):
        return ((m.FEATURE, (("feature", key.removeprefix(c.FEATURE_PREFIX)),)),)
    found = _NUMBERS.get(key, ())
    if isinstance(found, Flag):
        return found
    phase = key.removeprefix(c.PHASE_PREFIX).removesuffix(".duration")
    targets = tuple((measure, extra_of(measure, said, phase=phase)) for measure in found)
    split = key == _NETWORK_PHASE and said.get(c.ROUTE_DECISION) == SPLIT
    return (*targets, (m.SPLIT_TRANSFER, ())) if split else targets


def counts(texts: Mapping[str, str], labels: c.Labels) -> Iterator[tuple[Measure, Extra]]:
    """What the texts of a call count, each once."""
    yield from routed(texts, labels)
    yield from cached(texts)
    if any(texts.get(key) for key in _PLATFORM):
        yield m.PLATFORM, extra_of(m.PLATFORM, texts)
    if accelerator := texts.get(c.ACCELERATOR):
        yield m.ACCELERATED_KNOWN, ()
        if accelerator == "cpu":
            yield m.ON_CPU, ()
    if mode := texts.get(c.MODE):
        yield m.MODE_KNOWN, ()
        if mode == "lightweight":
            yield m.LIGHTWEIGHT, ()
    expected, given = texts.get(c.MODEL_SCHEMA_HASH), texts.get(c.DATA_SCHEMA_HASH)
    if expected and given:
        yield m.SCHEMA_CHECKED, ()
        if expected != given:
            yield m.SCHEMA_MISMATCHED, ()
    if texts.get(c.ROLE) == "shadow":
        yield m.SHADOW_CALLS, ()
    yield from named(texts)


def named(texts: Mapping[str, str]) -> Iterator[tuple[Measure, Extra]]:
    """Model inputs that are names."""
    for key, name in texts.items():
        if key.startswith(c.FEATURE_PREFIX):
            yield m.FEATURE_CATEGORY, (("category", name), ("feature", key.removeprefix(c.FEATURE_PREFIX)))


def routed(texts: Mapping[str, str], labels: c.Labels) -> Iterator[tuple[Measure, Extra]]:
    """Where a task went, and what forced it."""
    to = texts.get(c.ROUTE_TO)
    if not to:
        return
    origin = texts.get(c.ROUTE_FROM) or labels.tier
    reason = texts.get(c.ROUTE_REASON) or c.UNKNOWN
    yield m.DECISIONS, (("reason", reason), ("route", f"{origin}>{to}"))
    if (origin == CLOUD) != (to == CLOUD):
        yield (m.TO_CLOUD if to == CLOUD else m.TO_EDGE), ()
    if forced := _BY_REASON.get(reason):
        yield forced, ()


def cached(texts: Mapping[str, str]) -> Iterator[tuple[Measure, Extra]]:
    """What the cache said."""
    result = texts.get(c.CACHE_RESULT)
    if result in ("hit", "miss", "stale"):
        yield m.CACHE_LOOKUPS, extra_of(m.CACHE_LOOKUPS, texts)
        if result != "miss":
            yield m.CACHE_HITS, ()
        if result == "stale":
            yield m.CACHE_STALE, ()


def durations(texts: Mapping[str, str]) -> Iterator[tuple[Measure, Extra]]:
    """Where else the duration of a call goes."""
    if texts.get(c.CACHE_RESULT):
        yield m.CACHE_DURATION, extra_of(m.CACHE_DURATION, texts)
    if texts.get(c.ROUTE_DECISION) == SPLIT:
        yield m.SPLIT_TIME, ()


def waits(texts: Mapping[str, str]) -> Iterator[tuple[Measure, Extra]]:
    """Where else the duration of an interaction goes."""
    if texts.get(c.CONNECTIVITY) or texts.get(c.NETWORK_TYPE):
        yield m.BY_NETWORK, extra_of(m.BY_NETWORK, texts)


def failures(event: Event) -> Iterator[tuple[Measure, Extra]]:
    """An error by class, and whether the network had to do with it."""
    if event.error:
        yield m.ERRORS, (("error_type", event.error),)
    if event.root and event.texts.get(c.CONNECTIVITY) == OFFLINE:
        yield m.OFFLINE, ()
        if event.error:
            yield m.OFFLINE_FAILED, ()


def first_output(event: Event) -> int | None:
    """First output of an interaction in ns: as measured, else the whole duration; None if it is beyond measure."""
    measured = event.numbers.get(c.FIRST_OUTPUT)
    if measured is not None:
        return m.INTERACTION_FIRST_OUTPUT.quantise(measured)
    return event.duration_ns if event.duration_ns <= LIMIT else None


def of_call(event: Event) -> Iterator[Add]:
    """Everything that one call adds."""
    yield from _times(event)
    for measure, extra in (*failures(event), *counts(event.texts, event.labels)):
        yield measure, extra, 1
    texts = frozenset(event.texts.items())
    for key, value in event.numbers.items():
        found = number(key, texts)
        if not isinstance(found, Flag):
            yield from ((measure, extra, measure.quantise(value)) for measure, extra in found)
        elif (quanta := found.said.quantise(value)) is not None:
            yield found.said, (), 1
            if quanta:
                yield found.yes, (), 1


def _times(event: Event) -> Iterator[Add]:
    duration = event.duration_ns
    if duration <= LIMIT:
        yield m.DURATION, (), duration
        if event.labels.tier in EDGE:
            yield m.AT_EDGE, (), 1
        for measure, extra in durations(event.texts):
            yield measure, extra, duration
        if event.root:
            yield m.INTERACTION_DURATION, (), duration
            for measure, extra in waits(event.texts):
                yield measure, extra, duration
    if event.root and (first := first_output(event)) is not None:
        yield m.INTERACTION_FIRST_OUTPUT, (), first

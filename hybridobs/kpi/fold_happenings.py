"""What everything beside a call adds to which measure: one rule for each kind of event.

Event time says which window counts, so what is learned late about something early carries the early time. Numbers
that belong to one measure are in a table; a rule says the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hybridobs import contract as c
from hybridobs.contract import EventKind as Kind
from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.distinct import hash_of
from hybridobs.kpi.event import Event
from hybridobs.kpi.fold_calls import Add, cached, routed
from hybridobs.kpi.fold_labels import extra_of
from hybridobs.kpi.measure import Measure

Rule = Callable[[Event], Iterator[Add]]

_DIRECT: dict[str, dict[str, Measure]] = {
    Kind.FEEDBACK: {c.FEEDBACK_LAG: h.LABEL_LAG},
    Kind.EVALUATION: {c.EVALUATION_SCORE: h.SCORE},
    Kind.SESSION_END: {c.SESSION_DURATION: h.SESSION_DURATION},
    Kind.OTA_UPDATE: {
        c.OTA_DURATION: h.OTA_DURATION,
        c.OTA_TIME_TO_CONFIRM: h.TIME_TO_CONFIRM,
        c.OTA_IO: h.OTA_IO,
    },
    Kind.MODEL_TRAINED: {
        c.TRAINING_AGREEMENT: h.AGREEMENT,
        c.TRAINING_DUPLICATES: h.DUPLICATES,
        c.TRAINING_COVERAGE: h.COVERAGE,
    },
    Kind.SAMPLE_UPLOADED: {c.SAMPLE_CANDIDATES: h.CANDIDATES},
    Kind.CACHE_RESULT: {c.CACHE_AGE: h.CACHE_AGE, c.COST_AVOIDED: h.COST_AVOIDED},
    Kind.SHADOW_PAIR: {c.SHADOW_DIFFERENCE: h.SHADOW_DIFFERENCE, c.SHADOW_COST: h.SHADOW_COST},
    Kind.BUSINESS_OUTCOME: {c.BUSINESS_VALUE: h.BUSINESS_VALUE},
    Kind.FEDERATION_ROUND: {
        c.FEDERATION_PARTICIPANTS: h.PARTICIPANTS,
        c.FEDERATION_DROPOUTS: h.DROPOUTS,
        c.FEDERATION_DURATION: h.ROUND_TIME,
        c.FEDERATION_UPDATE_NORM: h.UPDATE_NORM,
        c.FEDERATION_STALENESS: h.STALENESS,
        c.FEDERATION_EPSILON: h.EPSILON,
    },
    Kind.DEVICE_HEALTH: {
        c.BATTERY_CHARGE: h.CHARGE,
        c.DEVICE_POWER: h.POWER,
        c.TEMPERATURE: h.TEMPERATURE,
        c.MEMORY_USAGE: h.MEMORY,
        c.MEMORY_RATIO: h.MEMORY_RATIO,
        c.CPU_UTILIZATION: h.CPU,
        c.SYSTEM_MEMORY: h.SYSTEM_MEMORY,
        c.SYSTEM_CPU: h.SYSTEM_CPU,
        c.DISK_FREE: h.DISK_FREE,
        c.GPU_UTILIZATION: h.GPU,
        c.GPU_MEMORY: h.GPU_MEMORY,
        c.GPU_POWER: h.GPU_POWER,
        c.OBSERVED_TIME: h.OBSERVED,
        c.OPERATIONAL_TIME: h.OPERATIONAL,
        c.CRASHFREE_TIME: h.CRASHFREE,
        c.NETWORK_IO: h.NETWORK_IO,
        c.FRAMES_DROPPED: h.FRAMES_DROPPED,
        c.BUFFER_USAGE: h.BUFFER_USAGE,
        c.BUFFER_AGE: h.BUFFER_AGE,
    },
}
# A total that means something only beside the time in which it came together.
_OVER_TIME: dict[str, tuple[Measure, Measure]] = {
    c.BATTERY_DISCHARGE: (h.DISCHARGE, h.DISCHARGE_TIME),
    c.DEVICE_ENERGY: (h.DEVICE_ENERGY, h.ENERGY_TIME),
    c.CONNECTED_TIME: (h.CONNECTED, h.EXPECTED),
    c.FRAMES: (h.FRAMES, h.FRAME_TIME),
}
_CONFUSION: dict[str, tuple[Measure, ...]] = {
    "true_accept": (h.OUTCOMES, h.RIGHT, h.POSITIVES, h.ACCEPTED),
    "true_reject": (h.OUTCOMES, h.RIGHT, h.NEGATIVES),
    "false_accept": (h.OUTCOMES, h.NEGATIVES, h.ACCEPTED, h.FALSE_ACCEPTS),
    "false_reject": (h.OUTCOMES, h.POSITIVES, h.FALSE_REJECTS),
}
_FAILURES = frozenset({"failed", "rolled_back", "rollback_failed", "timed_out"})
_ROLLBACKS = frozenset({"rolled_back", "rollback_failed"})
_REFUSALS = frozenset({"rejected", "canceled", "skipped", "removed"})


def of_happening(event: Event) -> Iterator[Add]:
    """Everything that one event adds which is no call; nothing for a kind without a rule."""
    rule = _RULES.get(event.kind)
    if rule is None:
        return
    yield from rule(event)
    direct = _DIRECT.get(event.kind, {})
    for key, value in event.numbers.items():
        if measure := direct.get(key):
            yield measure, extra_of(measure, event.texts), measure.quantise(value)
    if c.LATENESS in event.numbers and not is_correction(event):
        yield m.LATENESS, (), m.LATENESS.quantise(event.numbers[c.LATENESS])


def is_correction(event: Event) -> bool:
    """Whether the event takes back what the same event had added; a call is a fact and never taken back."""
    return event.numbers.get(c.CORRECTION, 1) < 0 and event.kind != Kind.INFERENCE


def _one(event: Event, *measures: Measure, **given: str) -> Iterator[Add]:
    """One of each."""
    return ((measure, extra_of(measure, event.texts, **given), 1) for measure in measures)


def _flag(event: Event, key: str, said: Measure, yes: Measure, **given: str) -> Iterator[Add]:
    """One said, and one yes if it was yes."""
    if key in event.numbers:
        yield from _one(event, said, **given)
        if event.numbers[key]:
            yield from _one(event, yes, **given)


def _route(event: Event) -> Iterator[Add]:
    return ((measure, extra, 1) for measure, extra in routed(event.texts, event.labels))


def _cache(event: Event) -> Iterator[Add]:
    yield from ((measure, extra, 1) for measure, extra in cached(event.texts))
    yield from _flag(event, c.CACHE_WRONG, h.CACHE_JUDGED, h.CACHE_WRONG)


def _feedback(event: Event) -> Iterator[Add]:
    outcome = event.texts.get(c.FEEDBACK_OUTCOME, "")
    yield from _one(event, *_CONFUSION.get(outcome, ()), outcome=outcome)
    yield from _flag(event, c.FEEDBACK_REWRITTEN, h.READ_OVER, h.REWRITTEN)


def _safety(event: Event) -> Iterator[Add]:
    verdict = event.texts.get(c.SAFETY_VERDICT)
    if verdict in ("pass", "violation"):
        yield from _one(event, h.CHECKS)
        if verdict == "violation":
            yield from _one(event, h.VIOLATIONS)
    yield from _flag(event, c.SAFETY_AUDITED, h.AUDITABLE, h.AUDITED)


def _session_start(event: Event) -> Iterator[Add]:
    yield from _one(event, h.STARTED)
    if who := event.texts.get(c.INSTALLATION_ID) or event.texts.get(c.PSEUDO_ID):
        seen = hash_of(who)
        yield from ((measure, (), seen) for measure in (h.ACTIVE, h.AGAIN_1D, h.AGAIN_7D, h.AGAIN_30D))


def _session_end(event: Event) -> Iterator[Add]:
    outcome = event.texts.get(c.SESSION_OUTCOME, "")
    yield from _one(event, h.ENDED, outcome=outcome)
    if outcome == "completed":
        yield from _one(event, h.COMPLETED)


def _ota(event: Event) -> Iterator[Add]:
    outcome = event.texts.get(c.OTA_OUTCOME, "")
    ends = outcome == "succeeded" or outcome in _FAILURES
    if ends or outcome in _REFUSALS:
        yield from _one(event, h.ATTEMPTS, outcome=outcome, error_type=event.error)
        yield from _ota_facts(event)
    if ends:
        yield from _one(event, h.CONCLUDED)
    if outcome == "succeeded":
        confirmed = event.numbers.get(c.OTA_CONFIRMED, 0)
        yield from _one(event, h.SUCCEEDED) if confirmed else _one(event, h.SUCCEEDED, h.UNCONFIRMED)
    elif outcome in _FAILURES:
        yield from _one(event, h.FAILED)
    elif outcome in _REFUSALS:
        yield from _one(event, h.REFUSED, outcome=outcome)
    elif event.texts.get(c.OTA_PHASE):
        yield from _one(event, h.PHASES)
    if outcome in _ROLLBACKS:
        trigger = event.texts.get(c.OTA_TRIGGER, "")
        yield from _one(event, h.DEVICE_ROLLBACKS, trigger=trigger)
        yield from _one(event, h.ROLLBACKS, kind=event.texts.get(c.OTA_KIND, ""), trigger=trigger)
    stalled = {"stuck": h.STUCK, "unreachable": h.UNREACHABLE}.get(event.texts.get(c.OTA_STALLED, ""))
    if stalled:
        yield from _one(event, stalled)


def _ota_facts(event: Event) -> Iterator[Add]:
    """What is known of an attempt that ended."""
    if signature := event.texts.get(c.OTA_SIGNATURE):
        yield from _one(event, h.SIGNATURES)
        if signature == "verified":
            yield from _one(event, h.VERIFIED)
    if event.numbers.get(c.OTA_DELTA):
        yield from _one(event, h.DELTAS)


def _release(event: Event) -> Iterator[Add]:
    action = event.texts.get(c.RELEASE_ACTION, "")
    trigger = event.texts.get(c.RELEASE_TRIGGER, "")
    yield from _one(event, h.RELEASES, action=action, trigger=trigger, reason=event.texts.get(c.RELEASE_CAUSE, ""))
    if action == "promote":
        yield from _one(event, h.PROMOTIONS, trigger=trigger)
    if action == "rollback":
        yield from _one(event, h.ROLLBACKS, kind="release", trigger=trigger)
        if (took := event.numbers.get(c.RELEASE_DURATION)) is not None:
            yield h.TIME_TO_ROLLBACK, (), h.TIME_TO_ROLLBACK.quantise(took)


def _policy(event: Event) -> Iterator[Add]:
    policy, reason = (event.texts.get(key, "") for key in (c.POLICY_ID, c.POLICY_REASON))
    return _one(event, h.POLICY_CHANGES, policy=policy, reason=reason)


def _trained(event: Event) -> Iterator[Add]:
    carded = event.numbers.get(c.MODEL_CARD)
    kind = event.texts.get(c.TRAINING_KIND, "")
    return _one(event, h.TRAININGS, h.CARDED, kind=kind) if carded else _one(event, h.TRAININGS, kind=kind)


def _sample(event: Event) -> Iterator[Add]:
    reason = event.texts.get(c.SAMPLE_REASON, "")
    yield from _one(event, h.SAMPLES, reason=reason)
    yield from _flag(event, c.SAMPLE_PII_REMOVED, h.PII_SAID, h.PII_REMOVED)
    yield from _flag(event, c.SAMPLE_ENCRYPTED, h.ENCRYPTION_SAID, h.ENCRYPTED)
    if event.numbers.get(c.SAMPLE_ORIGINAL):
        yield from _one(event, h.ORIGINALS, reason=reason)
    if (size := event.numbers.get(c.SAMPLE_IO)) is not None:
        yield h.SAMPLE_IO, extra_of(h.SAMPLE_IO, event.texts, reason=reason), h.SAMPLE_IO.quantise(size)


def _shadow(event: Event) -> Iterator[Add]:
    yield from _one(event, h.PAIRS)
    yield from _flag(event, c.SHADOW_AGREED, h.COMPARED, h.AGREED)
    if c.SHADOW_CORRECT in event.numbers and c.SHADOW_PRIMARY_CORRECT in event.numbers:
        right, primary = bool(event.numbers[c.SHADOW_CORRECT]), bool(event.numbers[c.SHADOW_PRIMARY_CORRECT])
        alone = h.SHADOW_WON if right else h.SHADOW_LOST
        yield from _one(event, h.SHADOW_LABELLED, *([alone] if right != primary else []))
    if event.numbers.get(c.SHADOW_ANSWERED):
        yield from _one(event, h.SHADOW_ANSWERED)


def _crash(event: Event) -> Iterator[Add]:
    kind = event.error or event.texts.get(c.ERROR_TYPE, "")
    yield from _one(event, h.CRASHES, error_type=kind)
    if kind == "out_of_memory":
        yield from _one(event, h.MEMORY_CRASHES)


def _business(event: Event) -> Iterator[Add]:
    yield from _one(event, h.BUSINESS_OUTCOMES)
    yield from _flag(event, c.BUSINESS_SUCCESS, h.BUSINESS_JUDGED, h.CONVERSIONS)


def _posture(event: Event) -> Iterator[Add]:
    for control in c.POSTURE_CONTROLS:
        yield from _flag(event, f"{c.POSTURE_PREFIX}{control}", h.POSTURE_CHECKS, h.POSTURE_PASSED, control=control)


def _quarantined(event: Event) -> Iterator[Add]:
    return _one(event, m.QUARANTINED, reason=event.texts.get(c.CLOCK_DOUBT, ""))


def _redacted(event: Event) -> Iterator[Add]:
    number, rule = event.numbers.get(c.REDACTION_COUNT, 0), event.texts.get(c.REDACTION_RULE, "")
    yield h.REDACTIONS, extra_of(h.REDACTIONS, event.texts, reason=rule), h.REDACTIONS.quantise(number)


def _federation(event: Event) -> Iterator[Add]:
    return _one(event, h.ROUNDS)


def _health(event: Event) -> Iterator[Add]:
    yield from _one(event, h.REPORTS)
    observed = event.numbers.get(c.OBSERVED_TIME, 0)
    if observed <= 0:
        return
    for key, (total, time) in _OVER_TIME.items():
        if key in event.numbers:
            yield total, (), total.quantise(event.numbers[key])
            yield time, (), time.quantise(observed)
    if c.BATTERY_DISCHARGE in event.numbers:
        a_day = event.numbers[c.BATTERY_DISCHARGE] / observed * h.DAY
        yield h.DISCHARGE_RATE, (), h.DISCHARGE_RATE.quantise(a_day)


_RULES: dict[str, Rule] = {
    Kind.ROUTE: _route,
    Kind.FEEDBACK: _feedback,
    Kind.EVALUATION: lambda event: iter(()),
    Kind.SAFETY: _safety,
    Kind.SESSION_START: _session_start,
    Kind.SESSION_END: _session_end,
    Kind.OTA_UPDATE: _ota,
    Kind.RELEASE_ACTION: _release,
    Kind.POLICY_CHANGE: _policy,
    Kind.MODEL_TRAINED: _trained,
    Kind.SAMPLE_UPLOADED: _sample,
    Kind.CACHE_RESULT: _cache,
    Kind.SHADOW_PAIR: _shadow,
    Kind.CRASH: _crash,
    Kind.BUSINESS_OUTCOME: _business,
    Kind.DEVICE_POSTURE: _posture,
    Kind.DEVICE_HEALTH: _health,
    Kind.DEVICE_LIFECYCLE: lambda event: iter(()),  # the inventory of devices has it
    Kind.FEDERATION_ROUND: _federation,
    Kind.REDACTED: _redacted,
    Kind.QUARANTINED: _quarantined,
}
KINDS = frozenset(_RULES)
"""The kinds of events that add to measures, calls apart."""

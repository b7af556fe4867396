"""What happens beside a call: one function for each kind of event, and ``feedback`` for labels that come later.

Every function works from any thread, returns at once and raises nothing: a value that makes no sense is ignored,
counted and logged once. An event inside an observed call has its model and trace; ``model`` and ``version`` say another
one. ``ref`` is what ``current().ref()`` gave: the event then counts for the minute and the labels of that call.
"""

from __future__ import annotations

import uuid
from typing import SupportsFloat, SupportsIndex

from hybridobs import contract as c
from hybridobs.contract import EventKind as Kind
from hybridobs.contract import ValueFault
from hybridobs.sdk import _ids, _pipeline
from hybridobs.sdk._emit import Subject, emit
from hybridobs.sdk._guard import failed, ignored, quiet
from hybridobs.sdk._refs import Ref, parse

_REF = "ref"


@quiet
def feedback(
    ref: str,
    *,
    outcome: str | None = None,
    rewritten: bool | None = None,
    source: str | None = None,
    environment: str | None = None,
    take_back: bool = False,
) -> None:
    """Say whether an answer was right, as soon as anybody knows: it counts when and where the answer did.

    ``outcome`` is true_accept, false_accept, true_reject or false_reject; ``rewritten`` whether a person had to rewrite
    the output. The same label from the same ``source`` counts once. Whoever changes their mind says the old one again
    with ``take_back=True`` and then gives the new one.
    """
    about = _parse(ref)
    if about is None:
        return
    pipeline = _pipeline.active or _pipeline.first()
    values = {
        c.FEEDBACK_OUTCOME: outcome,
        c.FEEDBACK_REWRITTEN: rewritten,
        c.FEEDBACK_SOURCE: source,
        c.ENVIRONMENT_BUCKET: environment,
        c.FEEDBACK_LAG: max(pipeline.times.wall_ns() - about.time_ns, 0) * 1e-9,
        c.CORRECTION: -1 if take_back else None,
    }
    emit(Kind.FEEDBACK, values, any_of=(c.FEEDBACK_OUTCOME, c.FEEDBACK_REWRITTEN), about=Subject(about))


def session_start(session: str | None = None, *, previous: str | None = None, user: str | None = None) -> str:
    """Begin a session and return its id, a random one if none is given; ``user`` is a keyed hash, never a name."""
    given = session or str(uuid.UUID(int=_ids.random_bits(128), version=4))
    try:
        values = {c.SESSION_ID: given, c.SESSION_PREVIOUS: previous, c.PSEUDO_ID: user}
        emit(Kind.SESSION_START, values, need=(c.SESSION_ID,))
    except Exception:
        failed("session_start")
    return given


@quiet
def session_end(session: str | None = None, *, outcome: str, duration: SupportsFloat | None = None) -> None:
    """End a session: completed, abandoned or crashed, after ``duration`` seconds."""
    values = {c.SESSION_ID: session, c.SESSION_OUTCOME: outcome, c.SESSION_DURATION: duration}
    emit(Kind.SESSION_END, values, need=(c.SESSION_OUTCOME,))


@quiet
def route_decision(
    *,
    to: str,
    reason: str,
    origin: str | None = None,
    decision: str | None = None,
    model: str | None = None,
    version: str | None = None,
) -> None:
    """Say where a task goes and why, for a decision that no observed call tells with ``call.route``."""
    here = (_pipeline.active or _pipeline.first()).tags.tier or c.UNKNOWN
    values = {
        c.ROUTE_FROM: origin or here,
        c.ROUTE_TO: to,
        c.ROUTE_REASON: reason,
        c.ROUTE_DECISION: decision or ("local" if to == here else "offload"),
    }
    emit(Kind.ROUTE, values, need=(c.ROUTE_TO, c.ROUTE_REASON), about=Subject(None, model, version))


@quiet
def cache_result(
    result: str | None = None,
    *,
    age: SupportsFloat | None = None,
    wrong: bool | None = None,
    cost_avoided: SupportsFloat | None = None,
    currency: str = "USD",
    model: str | None = None,
    version: str | None = None,
) -> None:
    """Say what a cache did: hit, miss or stale, of what age (s), and the cost that it saved.

    Whether an answer from it was ``wrong`` may be said later, without a result.
    """
    values = {
        c.CACHE_RESULT: result,
        c.CACHE_AGE: age,
        c.CACHE_WRONG: wrong,
        c.COST_AVOIDED: cost_avoided,
        c.CURRENCY: None if cost_avoided is None else currency,
    }
    emit(Kind.CACHE_RESULT, values, any_of=(c.CACHE_RESULT, c.CACHE_WRONG), about=Subject(None, model, version))


@quiet
def safety_check(
    policy: str,
    verdict: str,
    *,
    stage: str | None = None,
    audited: bool | None = None,
    model: str | None = None,
    version: str | None = None,
) -> None:
    """Say what a policy found, pass or violation, in the input (``stage="pre"``) or the output (``"post"``)."""
    values = {c.SAFETY_POLICY: policy, c.SAFETY_VERDICT: verdict, c.SAFETY_STAGE: stage, c.SAFETY_AUDITED: audited}
    emit(Kind.SAFETY, values, need=(c.SAFETY_VERDICT,), about=Subject(None, model, version))


@quiet
def shadow_pair(
    ref: str,
    *,
    agreed: bool | None = None,
    correct: bool | None = None,
    primary_correct: bool | None = None,
    latency_difference: SupportsFloat | None = None,
    cost: SupportsFloat | None = None,
    currency: str = "USD",
    answered: bool = False,
    model: str | None = None,
    version: str | None = None,
) -> None:
    """Compare a shadow with its primary call, which is ``ref``; ``model`` and ``version`` are the shadow's.

    ``agreed`` says whether the answers were the same; where the truth is known, ``correct`` whether the shadow's was
    right and ``primary_correct`` whether the primary's was. ``latency_difference`` is the duration of the shadow less
    the primary's, in s. ``answered`` must stay False: it says that the shadow's answer was used.
    """
    about = _parse(ref)
    if about is None:
        return
    values = {
        c.SHADOW_AGREED: agreed,
        c.SHADOW_CORRECT: correct,
        c.SHADOW_PRIMARY_CORRECT: primary_correct,
        c.SHADOW_DIFFERENCE: latency_difference,
        c.SHADOW_COST: cost,
        c.CURRENCY: None if cost is None else currency,
        c.SHADOW_ANSWERED: answered,
    }
    emit(Kind.SHADOW_PAIR, values, about=Subject(about, model, version))


@quiet
def evaluation_result(
    name: str,
    score: SupportsFloat | None = None,
    *,
    label: str | None = None,
    ref: str | None = None,
    model: str | None = None,
    version: str | None = None,
) -> None:
    """Say how an answer, or a model, did in an evaluation: a score from 0 to 1, and the same in words."""
    about = None if ref is None else _parse(ref)
    if ref is not None and about is None:
        return
    values = {c.EVALUATION_NAME: name, c.EVALUATION_SCORE: score, c.EVALUATION_LABEL: label}
    scored = (c.EVALUATION_SCORE, c.EVALUATION_LABEL)
    emit(Kind.EVALUATION, values, need=(c.EVALUATION_NAME,), any_of=scored, about=Subject(about, model, version))


@quiet
def business_outcome(
    name: str, *, success: bool | None = None, value: SupportsFloat | None = None, ref: str | None = None
) -> None:
    """Say what came of it: whether a checkout, a part, a case ended well, and its value in a unit fixed by ``name``."""
    about = None if ref is None else _parse(ref)
    if ref is not None and about is None:
        return
    values = {c.BUSINESS_NAME: name, c.BUSINESS_SUCCESS: success, c.BUSINESS_VALUE: value}
    emit(Kind.BUSINESS_OUTCOME, values, need=(c.BUSINESS_NAME,), about=Subject(about))


@quiet
def model_trained(
    model: str,
    version: str,
    *,
    kind: str,
    label_agreement: SupportsFloat | None = None,
    duplicate_share: SupportsFloat | None = None,
    coverage: SupportsFloat | None = None,
    card: bool | None = None,
) -> None:
    """Say that a model was trained: ``kind`` is baseline, fine_tune or calibration; shares are from 0 to 1."""
    values = {
        c.TRAINING_KIND: kind,
        c.TRAINING_AGREEMENT: label_agreement,
        c.TRAINING_DUPLICATES: duplicate_share,
        c.TRAINING_COVERAGE: coverage,
        c.MODEL_CARD: card,
    }
    emit(Kind.MODEL_TRAINED, values, need=(c.TRAINING_KIND,), about=Subject(None, model, version))


@quiet
def sample_uploaded(
    reason: str,
    *,
    size: SupportsIndex | None = None,
    candidates: SupportsIndex | None = None,
    pii_removed: bool | None = None,
    encrypted: bool | None = None,
    original: bool | None = None,
    model: str | None = None,
    version: str | None = None,
) -> None:
    """Say that a sample left the device, of so many bytes, chosen from so many candidates since the last one."""
    values = {
        c.SAMPLE_REASON: reason,
        c.SAMPLE_IO: size,
        c.SAMPLE_CANDIDATES: candidates,
        c.SAMPLE_PII_REMOVED: pii_removed,
        c.SAMPLE_ENCRYPTED: encrypted,
        c.SAMPLE_ORIGINAL: original,
    }
    emit(Kind.SAMPLE_UPLOADED, values, need=(c.SAMPLE_REASON,), about=Subject(None, model, version))


@quiet
def device_posture(
    *,
    disk_encryption: bool | None = None,
    secure_boot: bool | None = None,
    firmware_signed: bool | None = None,
    attestation: bool | None = None,
) -> None:
    """Say which protections of this device were verified; what was not looked at is left out."""
    given = (disk_encryption, secure_boot, firmware_signed, attestation)
    names = ("disk_encryption", "secure_boot", "firmware_signed", "attestation")
    values = {f"{c.POSTURE_PREFIX}{name}": value for name, value in zip(names, given, strict=True)}
    emit(Kind.DEVICE_POSTURE, values, any_of=tuple(values))


@quiet
def device_lifecycle(state: str) -> None:
    """Say that this device was provisioned (put into service) or decommissioned (taken out of it)."""
    emit(Kind.DEVICE_LIFECYCLE, {c.LIFECYCLE_STATE: state}, need=(c.LIFECYCLE_STATE,))


@quiet
def federation_round(
    *,
    participants: SupportsIndex,
    dropouts: SupportsIndex | None = None,
    duration: SupportsFloat | None = None,
    update_norm: SupportsFloat | None = None,
    staleness: SupportsFloat | None = None,
    epsilon: SupportsFloat | None = None,
    model: str | None = None,
    version: str | None = None,
) -> None:
    """Say how one round of federated learning went: devices asked and lost, seconds, norm, privacy budget spent."""
    values = {
        c.FEDERATION_PARTICIPANTS: participants,
        c.FEDERATION_DROPOUTS: dropouts,
        c.FEDERATION_DURATION: duration,
        c.FEDERATION_UPDATE_NORM: update_norm,
        c.FEDERATION_STALENESS: staleness,
        c.FEDERATION_EPSILON: epsilon,
    }
    need = (c.FEDERATION_PARTICIPANTS,)
    emit(Kind.FEDERATION_ROUND, values, need=need, about=Subject(None, model, version))


@quiet
def release_action(
    action: str,
    *,
    trigger: str,
    cause: str | None = None,
    duration: SupportsFloat | None = None,
    model: str | None = None,
    version: str | None = None,
) -> None:
    """Say that a release was promoted, paused or rolled back, by whom (operator, gate, schedule), and why."""
    values = {
        c.RELEASE_ACTION: action,
        c.RELEASE_TRIGGER: trigger,
        c.RELEASE_CAUSE: cause,
        c.RELEASE_DURATION: duration,
    }
    need = (c.RELEASE_ACTION, c.RELEASE_TRIGGER)
    emit(Kind.RELEASE_ACTION, values, need=need, about=Subject(None, model, version))


@quiet
def policy_change(
    policy: str, *, flag: str, variant: str, previous: str | None = None, reason: str | None = None
) -> None:
    """Say that a policy set a flag to another variant, and the KPI that decided; ``hybridobs policy evaluate`` does."""
    values = {
        c.POLICY_ID: policy,
        c.FLAG_KEY: flag,
        c.FLAG_VARIANT: variant,
        c.POLICY_PREVIOUS: previous,
        c.POLICY_REASON: reason,
    }
    emit(Kind.POLICY_CHANGE, values, need=(c.POLICY_ID, c.FLAG_VARIANT))


@quiet
def crash(error_type: str, *, model: str | None = None, version: str | None = None) -> None:
    """Say that the application crashed, by class of failure (``out_of_memory`` counts on its own)."""
    emit(Kind.CRASH, {c.ERROR_TYPE: error_type}, need=(c.ERROR_TYPE,), about=Subject(None, model, version))


def _parse(ref: str) -> Ref | None:
    try:
        return parse(ref)
    except ValueError as why:
        ignored(_REF, ValueFault.WRONG_TYPE, ref, str(why))
        return None

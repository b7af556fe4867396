"""Another update system's report -> an event, for a device or a bridge that keeps no attempt of its own."""

from __future__ import annotations

from collections.abc import Mapping

from hybridobs import contract as c
from hybridobs.contract import EventKind, ValueFault
from hybridobs.kpi import ota as rules
from hybridobs.kpi.ota import Seen, State
from hybridobs.sdk import _ids, _pipeline
from hybridobs.sdk._emit import Subject, emit
from hybridobs.sdk._guard import failed, ignored
from hybridobs.sdk._refs import KEYS, Ref, of_process
from hybridobs.sdk.ota._native import Report

_NO_BOOT = bytes(4)
_FAILURES = ("failed", "rejected", "rollback_failed", "timed_out")


def report(
    said: Report,
    *,
    kind: str = "firmware",
    from_version: str = "",
    stalled: str = "",
    seen: Seen | None = None,
    corrects: Report | None = None,
    installation: str = "",
    labels: Mapping[str, str] | None = None,
) -> State | None:
    """Queue what a report means, at the time that it gives, and return it; None if that failed.

    The collector counts each state of an attempt once, however many reports say it. ``seen`` holds earlier words and
    the running version where they matter; ``corrects`` is the report of the success that this one confirms or takes
    back; ``stalled`` is what :func:`hybridobs.kpi.ota.stalled` found. A bridge says whose update it is:
    ``installation`` is the id under which that device sends its own telemetry, if it sends any, and ``labels`` are that
    device's (``{"cohort": "canary"}``); those of the bridge do not count then.
    """
    try:
        state = rules.canonical(said.system, said.status, said.code, seen)
        whose = {c.INSTALLATION_ID: installation or None}
        known = _labels(labels or {}, other=bool(installation))
        now = (_pipeline.active or _pipeline.first()).times.wall_ns()
        if corrects is not None and state.final:
            before = rules.canonical(corrects.system, corrects.status, corrects.code)
            now = corrects.time_ns or now
            _queue({**_values(corrects, before, kind, from_version, ""), c.CORRECTION: -1, **whose}, now, known)
        else:
            now = said.time_ns or now
        _queue({**_values(said, state, kind, from_version, stalled), **whose}, now, known)
    except Exception:
        failed("ota report")
        return None
    return state


def _values(said: Report, state: State, kind: str, from_version: str, stalled: str) -> dict[str, object]:
    return {
        c.OTA_SYSTEM: said.system,
        c.OTA_KIND: kind,
        c.OTA_DEPLOYMENT: said.deployment or None,
        c.OTA_ATTEMPT: said.attempt or None,
        c.OTA_FROM: from_version or None,
        c.OTA_TO: said.to_version or None,
        c.OTA_OUTCOME: state.outcome,
        c.OTA_PHASE: None if stalled else state.phase or None,
        c.OTA_STALLED: stalled or None,
        c.OTA_CONFIRMED: state.confirmed if state.outcome == "succeeded" else None,
        c.OTA_NATIVE_STATUS: said.status or None,
        c.OTA_NATIVE_CODE: said.code or None,
        c.OTA_IO: said.io,
        c.ARTIFACT_HASH: said.artifact_hash or None,
        c.ERROR_TYPE: rules.error_of(said.code, said.status) if state.outcome in _FAILURES else None,
    }


def _labels(given: Mapping[str, str], *, other: bool) -> dict[str, str]:
    """Labels by attribute key: of this process, or of ``other`` device, of which nothing is known but what is given."""
    pipeline = _pipeline.active or _pipeline.first()
    found = {} if other else of_process(pipeline)
    wire = {label: key for key, label in c.LABEL_KEYS.items()}
    for label, text in given.items():
        if label not in wire or not isinstance(text, str):
            ignored("labels", ValueFault.OUT_OF_RANGE, label, f"give a text for one of {', '.join(c.LABELS)}")
        else:
            found[wire[label]] = pipeline.tags.policy.label(wire[label], text)
    return found


def _queue(values: dict[str, object], time_ns: int, labels: Mapping[str, str]) -> None:
    pipeline = _pipeline.active or _pipeline.first()
    ids = (_ids.random_bits(128) | 1).to_bytes(16, "big"), (_ids.random_bits(64) | 1).to_bytes(8, "big")
    # A time that another program gives is of no boot that is known here.
    ref = Ref(*ids, time_ns, 0.0, _NO_BOOT, pipeline.tags.clock_known, tuple(labels.get(key, "") for key in KEYS))
    emit(EventKind.OTA_UPDATE, values, need=(c.OTA_OUTCOME,), about=Subject(ref))

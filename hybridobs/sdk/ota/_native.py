"""What update systems send, as they document it -> one report: hawkBit, Mender, SWUpdate, RAUC and AWS IoT Jobs.

Nothing is fetched here. A payload is the decoded JSON (or its text) of one message; whoever receives it hands it over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

Payload = Mapping[str, Any]
_ROLLBACKS = ("rolled_back", "rollback_failed")


class Report(NamedTuple):
    """One message of an update system: its words verbatim; ``time_ns`` is 0 where it gives no time."""

    system: str
    status: str
    code: str = ""
    deployment: str = ""
    attempt: str = ""
    to_version: str = ""
    time_ns: int = 0
    artifact_hash: str = ""
    io: int | None = None


def parse(system: str, payload: Payload | str | bytes, **known: str) -> Report | None:
    """Read one payload of ``system``; None if it is not about the state of an update.

    ``known`` completes what the payload leaves out, above all ``deployment`` where that is only in the URL or topic.
    Systems: hawkbit, mender, swupdate, rauc, aws_iot. ValueError for another system or text that is no JSON object.
    """
    reader = _READERS.get(system)
    if reader is None:
        raise ValueError(f"no adapter for {system!r}; use one of {', '.join(_READERS)}")
    found = json.loads(payload) if isinstance(payload, (str, bytes)) else payload
    if not isinstance(found, Mapping):
        raise ValueError("the payload is no JSON object")  # noqa: TRY004 - a text is as wrong
    report = reader(found)
    if report is None:
        return None
    said = {key: value for key, value in known.items() if value and not getattr(report, key)}
    return report._replace(**said)  # type: ignore[arg-type]


def _hawkbit(payload: Payload) -> Report | None:
    """DDI feedback, DDI deploymentBase, or an action status of the Management API."""
    status = payload.get("status")
    if isinstance(status, Mapping):
        result = _map(status.get("result"))
        execution, finished = _text(status.get("execution")), _text(result.get("finished"))
        code = "+".join((finished, *_rollback_in(status))) if execution.lower() == "closed" else ""
        return Report(
            "hawkbit",
            execution,
            code or _text(status.get("code")),
            deployment=_text(payload.get("id")),
            time_ns=_ms(payload.get("timestamp")) or _when(payload.get("time")),
        )
    if isinstance(payload.get("deployment"), Mapping):
        history = _map(payload.get("actionHistory"))
        chunks = payload["deployment"].get("chunks") or [{}]
        word = _text(history.get("status")) or "RETRIEVED"
        return Report("hawkbit", word, deployment=_text(payload.get("id")), to_version=_text(chunks[0].get("version")))
    if "type" in payload:
        return Report(
            "hawkbit", _text(payload["type"]), _text(payload.get("code")), time_ns=_ms(payload.get("reportedAt"))
        )
    return None


def _rollback_in(status: Payload) -> list[str]:
    """Our own words for a rollback among the details, where a device has no other way to say it."""
    details = status.get("details")
    return [word for word in details if word in _ROLLBACKS][:1] if isinstance(details, list) else []


def _mender(payload: Payload) -> Report | None:
    """A status that the device puts, a device's deployment on the server, or the next deployment offered."""
    image = _map(payload.get("image"))
    if "status" in payload:
        times = (payload.get(key) for key in ("finished", "started", "created"))
        return Report(
            "mender",
            _text(payload["status"]),
            _text(payload.get("substate")),
            deployment=_text(payload.get("deployment_id")),
            attempt=_text(payload.get("id")),
            to_version=_text(image.get("name")),
            time_ns=next((found for time in times if (found := _when(time))), 0),
        )
    artifact = _map(payload.get("artifact"))
    if artifact:
        name = _text(artifact.get("artifact_name"))
        return Report("mender", "pending", deployment=_text(payload.get("id")), to_version=name)
    return None


def _swupdate(payload: Payload) -> Report | None:
    """A message of the progress WebSocket, or ``{"ustate": "1"}`` from the bootloader's environment."""
    if "ustate" in payload:
        return Report("swupdate", _text(payload["ustate"]))
    if payload.get("type") == "status":
        return Report("swupdate", _text(payload.get("status")))
    if payload.get("type") == "step":
        return Report("swupdate", "PROGRESS", f"{_text(payload.get('step'))}/{_text(payload.get('number'))}")
    return None


_RAUC_VERBS = ("started", "succeeded", "failed", "rejected")
_RAUC_MARKS = ("active", "good", "bad")


def _rauc(payload: Payload) -> Report | None:
    """A line of the event log in JSON, or the D-Bus properties of the installer with the code of ``Completed``."""
    common: dict[str, Any] = {
        "attempt": _text(payload.get("TRANSACTION_ID")),
        "to_version": _text(payload.get("BUNDLE_VERSION")),
        "time_ns": _when(payload.get("TS")),
        "artifact_hash": _text(payload.get("BUNDLE_HASH")),
    }
    kind, message = payload.get("RAUC_EVENT_TYPE"), _text(payload.get("MESSAGE"))
    words = message.lower().replace(":", " ").split()
    if kind == "boot":
        return Report("rauc", "boot", _text(payload.get("BOOT_ID")), **common)
    verbs = {"install": _RAUC_VERBS, "mark": _RAUC_MARKS}.get(str(kind), ())
    verb = next((verb for verb in verbs if verb in (word.rstrip(".") for word in words)), None)
    if verb is not None:
        common["to_version"] = common["to_version"] if kind == "install" else ""
        return Report("rauc", f"{kind} {verb}", **common)
    if "Completed" in payload:
        verb = "succeeded" if payload["Completed"] == 0 else "failed"
        return Report("rauc", f"install {verb}", _text(payload.get("LastError")))
    return Report("rauc", "install started") if payload.get("Operation") == "installing" else None


_AWS_DETAIL = "detailed-deployment-status"


def _aws_iot(payload: Payload) -> Report | None:
    """A job execution from the reserved topics, or a job execution event; Greengrass puts its own word in the details.

    A detail ``phase`` (download, reboot) that the device itself puts there says which part of IN_PROGRESS it is.
    """
    execution = _map(payload.get("execution")) or payload
    status, details = _text(execution.get("status")), _map(execution.get("statusDetails"))
    if not status:
        return None
    number = _text(execution.get("executionNumber"))
    job = _text(execution.get("jobId"))
    updated = execution.get("lastUpdatedAt") or execution.get("startedAt") or execution.get("queuedAt")
    return Report(
        "aws_iot",
        status,
        _text(details.get(_AWS_DETAIL)) or _text(details.get("phase")),
        deployment=job,
        attempt=f"{job}-{number}" if number else "",
        time_ns=_s(updated if updated is not None else payload.get("timestamp")),
    )


_READERS: dict[str, Callable[[Payload], Report | None]] = {
    "hawkbit": _hawkbit,
    "mender": _mender,
    "swupdate": _swupdate,
    "rauc": _rauc,
    "aws_iot": _aws_iot,
}


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _ms(value: object) -> int:
    return int(value * 10**6) if isinstance(value, (int, float)) and value > 0 else 0


def _s(value: object) -> int:
    """Unix seconds; AWS gives milliseconds in some of its messages."""
    if not isinstance(value, (int, float)) or value <= 0:
        return 0
    return int(value * (10**6 if value > 10**11 else 10**9))


def _when(value: object) -> int:
    """ISO 8601, or hawkBit's ``20140511T121314``; UTC unless it says otherwise."""
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return 0
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()) * 10**9

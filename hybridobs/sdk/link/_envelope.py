"""The trace in the payload itself, for transports without headers (MQTT 3.1.1, files, serial lines).

The envelope is a CloudEvents 1.0 event in JSON with the distributed tracing extension, so anybody's reader finds
``traceparent``; the payload is base64, a third longer and the same byte for byte.
"""

from __future__ import annotations

import base64
import json
import uuid
from typing import NamedTuple

from hybridobs import contract
from hybridobs.sdk._guard import failed
from hybridobs.sdk.link._headers import BAGGAGE, TRACEPARENT, TRACESTATE, inject

TYPE = contract.ENVELOPE_TYPE
_START = b"{"
_NAMES = (TRACEPARENT, TRACESTATE, BAGGAGE)


class Opened(NamedTuple):
    """What was in a message: its payload, and headers for :func:`hybridobs.link.extract`."""

    payload: bytes
    headers: dict[str, str]


def envelope(payload: bytes, *, url: str | None = None, host: str | None = None) -> bytes:
    """Return a message with the payload and the current trace in it; ``url`` and ``host`` as for ``inject``."""
    try:
        headers: dict[str, str] = inject({}, url=url, host=host)
        event = {
            "specversion": "1.0",
            "type": TYPE,
            "source": "hybridobs",
            "id": uuid.uuid4().hex,
            **{name: value for name, value in headers.items() if name in _NAMES},
            "data_base64": base64.b64encode(payload).decode("ascii"),
        }
        return json.dumps(event, separators=(",", ":")).encode()
    except Exception:
        failed("envelope")
        return payload


def opened(message: bytes | bytearray) -> Opened:
    """Return payload and headers of an envelope; any other message is its own payload and has no headers."""
    try:
        if bytes(message[:1]) == _START and TYPE.encode() in message:
            event = json.loads(message)
            if event.get("type") == TYPE:
                headers = {name: event[name] for name in _NAMES if isinstance(event.get(name), str)}
                return Opened(base64.b64decode(event["data_base64"], validate=True), headers)
    except (ValueError, KeyError, AttributeError):
        pass  # looks like an envelope and is none
    except Exception:
        failed("opened")
    return Opened(bytes(message) if isinstance(message, bytearray) else message, {})

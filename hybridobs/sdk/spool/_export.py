"""A spool as OTLP JSON lines, one export request a line, for a look at it or for any OTLP file reader."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from hybridobs import contract
from hybridobs.sdk.queue import LostRange
from hybridobs.sdk.spool._file import SIGNALS
from hybridobs.sdk.spool._inspect import existing, looks, lost_of

if TYPE_CHECKING:
    from google.protobuf.message import Message

_RECORDS = 512  # in one line
_IDS = ("traceId", "spanId", "parentSpanId")  # OTLP JSON writes these in hex, unlike protobuf's own JSON


def export(directory: str | Path, out: TextIO) -> int:
    """Write everything that waits, lost ranges as events, and change nothing; returns the number of records written.

    A body that is not what it should be is left out. Raises ConfigError if there is no such directory.
    """
    written = 0
    for slot, db in looks(existing(directory)):
        if slot.streams and db is not None:
            for message, records in _requests(db):
                out.write(_json(message) + "\n")
                written += records
    return written


def _requests(db: sqlite3.Connection) -> Iterator[tuple[Message, int]]:
    for key, resource in db.execute("SELECT key, resource FROM streams ORDER BY key").fetchall():
        rows = db.execute("SELECT signal, body FROM records WHERE stream = ? ORDER BY id", (key,))
        for signal, run in groupby(rows, itemgetter(0)):
            bodies = [body for _, body in run]
            for start in range(0, len(bodies), _RECORDS):
                yield _request(SIGNALS[signal], resource, bodies[start : start + _RECORDS])
        lost = lost_of(db, key)
        if lost:
            yield _lost_request(resource, lost)


def _request(signal: str, resource: bytes, bodies: Iterable[bytes]) -> tuple[Message, int]:
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, LogsData
    from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

    made: list[Any] = []
    for body in bodies:
        record = Span() if signal == "traces" else LogRecord()
        try:
            record.ParseFromString(body)
        except DecodeError:
            continue
        made.append(record)
    data: Any = TracesData() if signal == "traces" else LogsData()
    of_resource = data.resource_spans.add() if signal == "traces" else data.resource_logs.add()
    with suppress(DecodeError):
        of_resource.resource.ParseFromString(resource)
    of_scope = of_resource.scope_spans.add() if signal == "traces" else of_resource.scope_logs.add()
    of_scope.scope.name = contract.SCOPE
    (of_scope.spans if signal == "traces" else of_scope.log_records).extend(made)
    return data, len(made)


def _lost_request(resource: bytes, lost: Iterable[LostRange]) -> tuple[Message, int]:
    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

    bodies = []
    for first, last, reason in lost:
        record = LogRecord(event_name=contract.EventKind.LOST)
        for key, value in ((contract.LOST_FIRST, first), (contract.LOST_LAST, last)):
            record.attributes.add(key=key).value.int_value = value
        record.attributes.add(key=contract.LOST_REASON).value.string_value = reason
        bodies.append(record.SerializeToString())
    return _request("logs", resource, bodies)[0], 0


def _json(message: Message) -> str:
    from google.protobuf.json_format import MessageToDict

    return json.dumps(_hex_ids(MessageToDict(message, use_integers_for_enums=True)), separators=(",", ":"))


def _hex_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_hex_ids(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: base64.b64decode(item).hex() if key in _IDS else _hex_ids(item) for key, item in value.items()}

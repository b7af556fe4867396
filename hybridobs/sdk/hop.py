"""What the next hop (a relay) shares with a device: how a request is posted and understood, how a loss is reported."""

from __future__ import annotations

from collections.abc import Sequence

from hybridobs import contract
from hybridobs.sdk import _encode
from hybridobs.sdk._encode import field as field
from hybridobs.sdk._encode import varint_at as varint_at
from hybridobs.sdk._http import HttpPost as HttpPost
from hybridobs.sdk._http import Outcome as Outcome
from hybridobs.sdk._http import Post as Post
from hybridobs.sdk._http import Reply as Reply
from hybridobs.sdk._http import connections as connections
from hybridobs.sdk._requests import lost_records
from hybridobs.sdk._settings import Settings as Settings
from hybridobs.sdk._settings import resolve as resolve
from hybridobs.sdk._version import VERSION
from hybridobs.sdk.queue import LostRange as LostRange


def loss_report(resource: bytes, lost: Sequence[LostRange]) -> bytes:
    """A request to ``/v1/logs`` that reports lost ranges of the stream of an encoded ``Resource``.

    It has no export timestamp: the clock of who writes it is not the clock of the device.
    """
    return _encode.request(resource, _encode.scope(contract.SCOPE, VERSION, {}), lost_records(lost))

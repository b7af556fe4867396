"""A reference to one call: what a label that comes hours later needs in order to count where the call counted.

It is a string to be stored with whatever the call was about. It holds the ids of the span, when it began by the wall
clock and by the time since boot, and the labels; a checksum tells a damaged one. It is not a secret and not a proof.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from hashlib import blake2b
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from hybridobs import contract
from hybridobs.sdk import _clock, _encode, _pipeline
from hybridobs.sdk._pipeline import Pipeline

if TYPE_CHECKING:
    from hybridobs.sdk.current import Call

_VERSION = "1"
_HEAD = Struct(">16s8sqd4s?")
_CHECK_BYTES = 4
_SEPARATOR = "\x1f"
_MOST_CHARS = 8192
KEYS = tuple(contract.LABEL_KEYS)


class Ref(NamedTuple):
    """One call; ``boot`` is a short hash of the boot's id, ``labels`` are in the order of ``KEYS``, "" for none."""

    trace_id: bytes
    span_id: bytes
    time_ns: int
    since_boot: float
    boot: bytes
    clock_known: bool
    labels: tuple[str, ...]


def ref_of(call: Call) -> str:
    """Write down which call this is."""
    pipeline = _pipeline.active or _pipeline.first()
    said = labels_of(call, pipeline)
    labels = [said.get(key, "").replace(_SEPARATOR, " ") for key in KEYS]
    known = call.prepared.tags.clock_known
    ids = (call._trace_id, call._span_id)
    head = _HEAD.pack(*ids, call.start_ns, call._since_boot, boot_mark(), known)
    body = head + _SEPARATOR.join(labels).encode("utf-8", "replace")
    return _VERSION + urlsafe_b64encode(body + _check(body)).decode().rstrip("=")


def parse(text: object) -> Ref:
    """Read what ``ref_of`` wrote; ValueError with the reason for anything else."""
    if not isinstance(text, str) or not text:
        raise ValueError("take it from current().ref() inside an observed call")
    if not text.startswith(_VERSION) or len(text) > _MOST_CHARS:
        raise ValueError("it is no reference that this version made")
    try:
        raw = urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4))
    except (binascii.Error, ValueError):
        raw = b""
    body, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
    labels = body[_HEAD.size :].decode("utf-8", "replace").split(_SEPARATOR)
    if len(body) < _HEAD.size or check != _check(body) or len(labels) != len(KEYS):
        raise ValueError("the reference is damaged")
    ref = Ref._make((*_HEAD.unpack_from(body), tuple(labels)))
    if ref.time_ns <= 0:
        raise ValueError("the call has no time; the clock of its device was never set")
    return ref


def labels_of(call: Call, pipeline: Pipeline) -> dict[str, str]:
    """Return the labels under which a call counts, by attribute key; what is not known is left out."""
    said = {**of_process(pipeline), **of_call(call)}
    return {key: value for key, value in said.items() if value}


def of_process(pipeline: Pipeline) -> dict[str, str]:
    """Return the labels that the resource of this process gives, as they may leave: they are put on disk as well."""
    settings, label = pipeline.settings, pipeline.tags.policy.label
    own = {
        contract.TIER: settings.tier,
        contract.SITE: settings.site,
        contract.DEVICE_CLASS: settings.device_class,
        contract.COHORT: pipeline.tags.cohort,
        contract.CHANNEL: settings.channel,
    }
    return {key: label(key, own.get(key) or str(settings.resource.get(key, ""))) for key in KEYS}


def of_call(call: Call) -> dict[str, str]:
    """Return the labels that a call has of its own: from its place, and what was said in it."""
    prepared = call.prepared
    found = {key: str(prepared.site.values[key]) for key in KEYS if key in prepared.site.values}
    if prepared.tags.cohort:
        found[contract.COHORT] = prepared.tags.cohort
    said = {key: _encode.text_in(call._values[key], key) for key in KEYS if key in call._values}
    return {**found, **said}


@lru_cache(maxsize=1)
def boot_mark() -> bytes:
    """Return a short hash of this boot's id."""
    return blake2b(_clock.boot_id().encode(), digest_size=4).digest()


def _check(body: bytes) -> bytes:
    return crc32(body).to_bytes(_CHECK_BYTES, "big")

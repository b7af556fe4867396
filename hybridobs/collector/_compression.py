"""Bodies made plain again, in bounded memory: a few bytes that would grow to gigabytes are refused, not grown."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from hybridobs.contract import DropReason
from hybridobs.errors import Rejected

_MAX_MEMBERS = 64
_GZIP, _ZLIB, _RAW = 31, 15, -15


def expand(body: bytes, encoding: str, limit: int) -> bytes:
    """``body`` without its Content-Encoding.

    Rejected: too_large when more than ``limit`` bytes come out, malformed when it is not what it says,
    bad_encoding when nobody here can read it.
    """
    decoder = _DECODERS.get(encoding)
    if decoder is None:
        raise Rejected(DropReason.BAD_ENCODING, f"Content-Encoding {encoding!r} is not one of {', '.join(encodings())}")
    try:
        plain = decoder(body, limit)
    except (zlib.error, EOFError, ValueError) as error:
        raise Rejected(DropReason.MALFORMED, f"the body is not {encoding}: {error}") from None
    if len(plain) > limit:
        raise Rejected(DropReason.TOO_LARGE, f"more than {limit} bytes after decompression; send smaller requests")
    return plain


def encodings() -> tuple[str, ...]:
    """The Content-Encodings that can be read here."""
    return tuple(sorted(name for name in _DECODERS if name))


def _plain(body: bytes, limit: int) -> bytes:
    return body


def _gzip(body: bytes, limit: int) -> bytes:
    """One or a few gzip members; each further one costs a copy of what is left, so there may not be many."""
    plain = b""
    for _ in range(_MAX_MEMBERS):
        part, body = _inflate(body, limit + 1 - len(plain), _GZIP)
        plain += part
        if not body or len(plain) > limit:
            return plain
    raise ValueError(f"more than {_MAX_MEMBERS} members")


def _deflate(body: bytes, limit: int) -> bytes:
    """zlib as the standard says, or bare deflate as some clients send it."""
    try:
        return _inflate(body, limit + 1, _ZLIB)[0]
    except zlib.error:
        return _inflate(body, limit + 1, _RAW)[0]


def _inflate(body: bytes, most: int, bits: int) -> tuple[bytes, bytes]:
    """At most ``most`` bytes of one stream, and what follows the stream."""
    stream = zlib.decompressobj(bits)
    plain = stream.decompress(body, most)
    if len(plain) < most and not stream.eof:
        raise EOFError("it ends too early")
    return plain, stream.unused_data


def _zstd() -> Callable[[bytes, int], bytes] | None:
    try:
        import zstandard
    except ImportError:
        return None

    def decode(body: bytes, limit: int) -> bytes:
        try:
            with zstandard.ZstdDecompressor().stream_reader(body) as stream:
                plain: bytes = stream.read(limit + 1)
        except zstandard.ZstdError as error:
            raise ValueError(error) from None
        return plain

    return decode


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "": _plain,
    "identity": _plain,
    "gzip": _gzip,
    "deflate": _deflate,
}
if (_found := _zstd()) is not None:
    _DECODERS["zstd"] = _found

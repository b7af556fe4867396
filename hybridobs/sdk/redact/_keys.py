"""Keyed hashes of ids: the same id has the same hash under the same key, and nobody without the key can tell whose.

A key file has one key a line, ``name:secret``; the first is in use. The name stands before each hash, so a rotation
is seen where the hashes are read.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from pathlib import Path
from typing import NamedTuple

from hybridobs.sdk._guard import log

_LINE = re.compile(r"([A-Za-z0-9_-]{1,16}):(\S{16,})")
_HASHED = re.compile(r"[A-Za-z0-9_-]{1,16}:[0-9a-f]{32}")
DEVICE = "device"  # name of the key that this device has of its own
_MACHINE = ("/etc/machine-id", "/var/lib/dbus/machine-id")


class Key(NamedTuple):
    """A named secret; it must not be shown."""

    name: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Key({self.name!r})"

    def hashed(self, value: str) -> str:
        """Return ``name:`` and 32 hexadecimal digits."""
        made = hmac.new(self.secret, value.encode("utf-8", "replace"), hashlib.sha256)
        return f"{self.name}:{made.hexdigest()[:32]}"


def parse(text: str) -> Key:
    """Read ``name:secret``; ValueError for anything else, which does not repeat the text."""
    found = _LINE.fullmatch(text.strip())
    if found is None:
        raise ValueError("a key is name:secret, the secret of 16 characters or more without blanks")
    return Key(found[1], found[2].encode())


def find(given: str, file: str) -> Key | None:
    """Return the key in use: the one given, the first of the file, or one that only this device has."""
    try:
        if given:
            return parse(given)
        if file:
            return parse(Path(file).read_text(encoding="utf-8").strip().partition("\n")[0])
    except (OSError, ValueError) as wrong:
        log.warning("hybridobs has no key to hash ids with, so they are left out: %s", wrong)
        return None
    return _of_device()


def is_hash(value: str) -> bool:
    """Whether this is what :meth:`Key.hashed` makes."""
    return _HASHED.fullmatch(value) is not None


def _of_device() -> Key | None:
    for path in _MACHINE:
        try:
            machine = Path(path).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            continue
        if machine:
            return Key(DEVICE, hmac.new(machine.encode(), b"hybridobs:ids", hashlib.sha256).digest())
    return None

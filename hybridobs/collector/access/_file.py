"""The access file: one line for each token or certificate name, with its tenant and what it may do.

::

    # tenant  may        who
    acme      send       sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    acme      send,read  name:*.ops.acme.example
    beta      read       a-token-of-at-least-sixteen-characters

Tokens are kept as hashes under a key that is made anew in every process, so that no timing of a look-up tells anything
about a token. A file that changes is read again; one that can no longer be read changes nothing.
"""

from __future__ import annotations

import hmac
import logging
import os
import re
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from hybridobs.errors import ConfigError

log = logging.getLogger(__name__)

KEY = "access"
SEND, READ = "send", "read"
HASH, NAME = "sha256:", "name:"
SHORTEST_TOKEN = 16
_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_LOOK_SECONDS = 1.0
_EXAMPLE = "write: tenant send|read|send,read token|sha256:HEX|name:CERTIFICATE-NAME"


class Grant(NamedTuple):
    """What one line of the file gives: ``line`` names it where its secret must not be shown."""

    tenant: str
    may: frozenset[str]
    line: int


class Grants:
    """What one reading of the file says; ``plain`` when a token itself is in it."""

    def __init__(self) -> None:
        self.plain = False
        self._secret = os.urandom(32)
        self._tokens: dict[bytes, Grant] = {}
        self._names: list[tuple[str, Grant]] = []

    @property
    def tenants(self) -> tuple[str, ...]:
        """Every tenant once, in alphabetical order."""
        return tuple(sorted({grant.tenant for grant in (*self._tokens.values(), *(one for _, one in self._names))}))

    def add(self, who: str, grant: Grant) -> None:
        """Take one line; ValueError says what is wrong with ``who``."""
        if who.startswith(NAME):
            self._names.append((who.removeprefix(NAME), grant))
            return
        if who.startswith(HASH):
            if not _DIGEST.fullmatch(who.removeprefix(HASH).lower()):
                raise ValueError("after sha256: there must be 64 hexadecimal digits")
            digest = bytes.fromhex(who.removeprefix(HASH))
        elif len(who) < SHORTEST_TOKEN:
            raise ValueError(f"a token has at least {SHORTEST_TOKEN} characters")
        else:
            self.plain = True
            digest = sha256(who.encode()).digest()
        self._tokens[self._sealed(digest)] = grant

    def of_token(self, token: str) -> Grant | None:
        """The grant of a token."""
        return self._tokens.get(self._sealed(sha256(token.encode("utf-8", "replace")).digest()))

    def of_names(self, names: Iterable[str]) -> Grant | None:
        """The grant of a certificate with these names, by the first line that fits one of them."""
        said = tuple(names)
        return next((grant for pattern, grant in self._names if any(fnmatchcase(name, pattern) for name in said)), None)

    def _sealed(self, digest: bytes) -> bytes:
        return hmac.digest(self._secret, digest, "sha256")


class AccessFile:
    """The file at ``path``, read by ``load`` and again whenever it changes. For one thread."""

    def __init__(self, path: str | Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = Path(path)
        self._clock = clock
        self._grants = Grants()
        self._seen: tuple[int, ...] = ()
        self._due = 0.0

    def load(self) -> Grants:
        """Read the file; ConfigError names the line that cannot be used, or the mode that makes it unsafe."""
        try:
            self._seen = _state(self.path)
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise ConfigError(KEY, str(self.path), f"cannot be read: {error}") from error
        grants = _parsed(text, self.path)
        _refuse_open(self.path, plain=grants.plain)
        self._grants = grants
        return grants

    def grants(self) -> Grants:
        """What holds now; looks at the file at most once a second."""
        now = self._clock()
        if now >= self._due:
            self._due = now + _LOOK_SECONDS
            self._look()
        return self._grants

    def _look(self) -> None:
        before = self._seen
        try:
            if _state(self.path) == before:
                return
            grants = self.load()
        except ConfigError as error:
            log.warning("the access file changed and cannot be used; what it said before holds: %s", error)
        except OSError as error:
            self._seen = ()
            if before:
                log.warning("the access file is gone; what it said before holds: %s", error)
        else:
            log.info("the access file changed: it names %d tenants now", len(grants.tenants))


def token_line(tenant: str, may: str, token: str) -> str:
    """The line that lets a token in, with its hash; ConfigError for a tenant or a right that cannot be."""
    line = f"{tenant} {may} {HASH}{sha256(token.encode()).hexdigest()}"
    _parsed(line, Path("-"))
    return line


def _parsed(text: str, path: Path) -> Grants:
    grants = Grants()
    for number, words in _lines(text):
        try:
            grant = Grant(*_tenant_and_rights(words), number)
            grants.add(words[2], grant)
        except ValueError as wrong:
            raise ConfigError(KEY, str(path), f"line {number}: {wrong}") from None
    if not grants.tenants:
        raise ConfigError(KEY, str(path), f"lets nobody in; {_EXAMPLE}")
    return grants


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if words and not words[0].startswith("#"):
            yield number, words


def _tenant_and_rights(words: list[str]) -> tuple[str, frozenset[str]]:
    """What a line says before its secret, which no message repeats."""
    if len(words) != 3:
        raise ValueError(f"has {len(words)} words; {_EXAMPLE}")
    if not _TENANT.fullmatch(words[0]):
        raise ValueError(f"tenant {words[0]!r}: use a-z, 0-9, - and _, at most 63 of them")
    may = frozenset(words[1].split(","))
    if not may <= {SEND, READ}:
        raise ValueError(f"{words[1]!r} is no right; use send, read or send,read")
    return words[0], may


def _state(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _refuse_open(path: Path, *, plain: bool) -> None:
    """A file that others may change, or that shows them tokens, is refused and never repaired."""
    mode = path.stat().st_mode
    if mode & stat.S_IWOTH:
        raise ConfigError(KEY, str(path), f"others may write it (mode {mode & 0o777:04o}); run: chmod o-w {path}")
    if plain and mode & stat.S_IROTH:
        words = f"others may read the tokens in it (mode {mode & 0o777:04o}); run: chmod o-r {path}, or keep hashes"
        raise ConfigError(KEY, str(path), f"{words}: hybridobs collector token")

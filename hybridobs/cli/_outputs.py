"""Files that commands write: there when they are whole, and never over what is in use or over what is no file."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hybridobs.errors import ConfigError

_BESIDE = ("", "-wal", "-shm", "-journal")  # what SQLite keeps of one database


def store_files(url: str) -> list[Path]:
    """The files of a SQLite store; none of another, nor of what is no URL (to open it says so)."""
    scheme, _, rest = url.partition(":///")
    database = rest.partition("?")[0]
    if scheme.partition("+")[0] != "sqlite" or not database:
        return []
    return [Path(os.path.realpath(database) + end) for end in _BESIDE]


def ready(key: str, file: Path, used: Iterable[Path] = ()) -> None:
    """ConfigError, before any work is done, for an output that cannot be or that is one of the files in use."""
    with writing(key, file):
        for one in used:
            if same(file, one):
                raise ConfigError(key, str(file), f"would overwrite {one}, which this command uses; name another file")
        special, target = _special(key, file), _target(file)
    if special:
        return
    if not target.parent.is_dir():
        raise ConfigError(key, str(file), f"make its directory first: mkdir -p {target.parent}")
    if not os.access(target.parent, os.W_OK) and not os.access(target, os.W_OK):
        raise ConfigError(key, str(file), "cannot be written: Permission denied")


@contextmanager
def whole(key: str, file: Path) -> Iterator[IO[bytes]]:
    """A stream whose file appears under its name, through links, at the end; nothing is left of one that failed.

    A pipe or a device is written to as it is, and so is a file where we may make none beside it. ConfigError if it
    cannot be written.
    """
    with writing(key, file):
        target = _target(file)
        if _special(key, file) or not os.access(target.parent, os.W_OK):
            with _in_place(file) as stream:
                yield stream
            return
        # Not by the pid: in a container it is the same each time, and one that was killed would be in the way for ever.
        part = target.with_name(f".hybridobs-{secrets.token_hex(8)}.part")
        try:
            with part.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            if target.exists():
                shutil.copymode(target, part)
            _put(part, target)
        finally:
            part.unlink(missing_ok=True)


def _put(part: Path, target: Path) -> None:
    try:
        part.replace(target)
    except OSError as error:
        if error.errno != errno.EBUSY:  # a single file that is mounted stays where it is
            raise
        with part.open("rb") as source, _in_place(target) as stream:
            shutil.copyfileobj(source, stream)


@contextmanager
def _in_place(file: Path) -> Iterator[IO[bytes]]:
    """A stream over what cannot be replaced. A file is cut at its end and not before: nobody is shown an empty one."""

    def kept(path: str, flags: int) -> int:
        return os.open(path, flags & ~os.O_TRUNC, 0o666)

    with open(file, "wb", opener=kept) as stream:
        try:
            yield stream
        finally:
            if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                stream.truncate()


def write(key: str, file: Path, text: str) -> int:
    """Write a whole text and give its bytes; a character that is no Unicode is no reason to fail."""
    encoded = text.encode("utf-8", "replace")
    with whole(key, file) as stream:
        stream.write(encoded)
    return len(encoded)


@contextmanager
def writing(key: str, file: Path) -> Iterator[None]:
    """ConfigError where the operating system does not let us."""
    try:
        yield
    except OSError as error:
        raise ConfigError(key, str(file), f"cannot be written: {error.strerror or error}") from error


def _target(file: Path) -> Path:
    return Path(os.path.realpath(file))


def same(one: Path, other: Path) -> bool:
    """Whether two names are one file, through links too."""
    return _target(one) == _target(other) or (one.exists() and other.exists() and one.samefile(other))


def _special(key: str, file: Path) -> bool:
    """Whether it is a pipe or a device, which a rename would replace; ConfigError for what takes no bytes in a row."""
    try:
        mode = file.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISCHR(mode) or stat.S_ISFIFO(mode):
        return True
    if not stat.S_ISREG(mode):
        raise ConfigError(key, str(file), "is neither a file nor a pipe; name another one")
    return False

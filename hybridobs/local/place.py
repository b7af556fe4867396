"""The directory of a stack: private, locked by whoever runs it, with a note of what runs.

Two locks, which the kernel frees when their holder dies: who has ``claim`` writes its process id into ``lock``, and
only then locks that one too. So whoever finds ``lock`` held finds in it who holds it, and never the id that a killed
supervisor left behind.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from hybridobs.errors import ConfigError
from hybridobs.locks import locked

_KEY = "data"
_ID_BYTES = 32  # of a process id, always as many
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_POLL_S = 0.1
_LOOK_S = 1.0  # longer than anybody needs who only asks


def default_directory() -> Path:
    """``hybridobs-up`` below a systemd unit's ``$STATE_DIRECTORY``, ``$XDG_STATE_HOME`` or ``~/.local/state``."""
    for state in (os.environ.get("STATE_DIRECTORY", "").split(":")[0], os.environ.get("XDG_STATE_HOME", "")):
        if state.startswith("/"):
            return Path(state) / "hybridobs-up"
    return Path.home() / ".local" / "state" / "hybridobs-up"


class State(NamedTuple):
    """What a supervisor says of itself: ``phase`` is starting, up or stopping; ``parts`` are process ids, 0 for none.

    ``urls`` are for people, ``ready`` is where each part answers 200 when it is well.
    """

    phase: str
    urls: Mapping[str, str] = {}
    store: str = ""
    ready: Mapping[str, str] = {}
    parts: Mapping[str, int] = {}


class Place:
    """One directory; ``made`` makes it, the constructor takes one as it is."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._claim = directory / "claim"
        self._lock = directory / "lock"
        self._state = directory / "state.json"

    @classmethod
    def made(cls, directory: Path) -> Place:
        """The directory with mode 0700; ConfigError where it cannot be made or others may look into it."""
        directory = directory.expanduser().absolute()
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = directory.stat()
        except OSError as error:
            raise ConfigError(_KEY, str(directory), f"cannot be made ({error.strerror}); choose another") from error
        if found.st_uid != os.geteuid():
            raise ConfigError(_KEY, str(directory), "belongs to another user; choose another")
        if found.st_mode & _OTHERS:
            way_out = f"others may look into it; make it private with: chmod 700 {directory}"
            raise ConfigError(_KEY, str(directory), way_out)
        return cls(directory)

    def part(self, name: str) -> Path:
        """A private directory for one part."""
        made = self.directory / name
        made.mkdir(mode=0o700, exist_ok=True)
        return made

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold it meanwhile; ConfigError when another supervisor does."""
        with ExitStack() as held:
            claim, lock = (held.enter_context(_opened(path)) for path in (self._claim, self._lock))
            if not _locked_soon(claim) or self.holder() is not None:
                raise self._in_use()
            self._state.unlink(missing_ok=True)
            os.pwrite(lock, f"{os.getpid():<{_ID_BYTES - 1}}\n".encode(), 0)  # all of it in place of what was there
            if not _locked_soon(lock):
                raise self._in_use()
            yield

    def _in_use(self) -> ConfigError:
        holder = self.holder()
        who = f"process {holder}" if holder else "another process"
        return ConfigError(
            _KEY, str(self.directory), f"is in use by {who}; stop it with: hybridobs down --data {self.directory}"
        )

    def holder(self) -> int | None:
        """The process that runs it, None when nobody does; 0 for one that has not said which it is."""
        try:
            lock = os.open(self._lock, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(_KEY, str(self.directory), f"cannot be looked into ({error.strerror})") from error
        try:
            if locked(lock, shared=True):
                return None
            with suppress(ValueError):
                return max(int(os.read(lock, _ID_BYTES)), 0)
            return 0
        finally:
            os.close(lock)

    def forget(self) -> None:
        """Take the note away."""
        self._state.unlink(missing_ok=True)

    def ended(self, within_s: float) -> bool:
        """Whether nobody runs it any more, after at most that long."""
        deadline = time.monotonic() + within_s
        while self.holder() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def note(self, state: State) -> None:
        """Write down how it is, whole or not at all."""
        draft = self._state.with_suffix(".new")
        draft.write_text(json.dumps(state._asdict(), indent=1))
        draft.replace(self._state)

    def state(self) -> State | None:
        """What was written down last; None when there is nothing that can be read."""
        with suppress(OSError, ValueError, TypeError):
            found: dict[str, Any] = json.loads(self._state.read_text())
            return State(**found)
        return None


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield lock
    finally:
        os.close(lock)


def _locked_soon(lock: int) -> bool:
    """Whether we have it, if need be once whoever only asks has gone."""
    return locked(lock, time.monotonic() + _LOOK_S)

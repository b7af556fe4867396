"""Where a spool lies, and the refusal of every place that somebody else could read, fill or swap.

A shared buffer directory let local users inject and read telemetry elsewhere (CVE-2026-42191), so there is no default
in a temporary directory, and a directory that is not private is refused, never repaired: what is in it may not be ours.
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path

from hybridobs.errors import ConfigError

KEY = "spool"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def default_directory(service: str) -> Path:
    """``hybridobs/<service>`` below a systemd unit's ``$STATE_DIRECTORY``, ``$XDG_STATE_HOME`` or ``~/.local/state``.

    ConfigError where there is no home directory.
    """
    name = re.sub(r"[^A-Za-z0-9._-]", "_", service).lstrip(".") or "unnamed"
    return _state_home() / "hybridobs" / name


def _state_home() -> Path:
    unit = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    for state in (unit, os.environ.get("XDG_STATE_HOME", "")):
        if state.startswith("/"):  # the XDG specification: a relative path is to be ignored
            return Path(state)
    try:
        home = Path.home()
    except RuntimeError:
        raise ConfigError(KEY, None, "this user has no home directory; set a spool directory") from None
    return home / ".local" / "state"


def private_directory(path: str | Path) -> Path:
    """Make the directory (0700) if it is missing; ConfigError unless it is ours alone, OSError if it cannot be made."""
    if not hasattr(os, "geteuid"):
        raise ConfigError(KEY, str(path), "needs a POSIX system: owners and file locks")
    place = Path(path).expanduser()
    if not place.is_absolute():
        raise ConfigError(KEY, str(path), "must be an absolute path")
    _refuse_ancestors(place)
    for missing in (
        *reversed(place.parents),
        place,
    ):  # XDG wants 0700 for each, and mkdir's own parents follow the umask
        with suppress(FileExistsError):
            if not missing.exists():
                missing.mkdir(mode=0o700)
    _refuse_shared(place)
    return place


def _refuse_shared(place: Path) -> None:
    found = place.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise ConfigError(KEY, str(place), "is a symbolic link; name the real directory")
    if not stat.S_ISDIR(found.st_mode):
        raise ConfigError(KEY, str(place), "is not a directory; name another one")
    if found.st_uid != os.geteuid():
        raise ConfigError(
            KEY, str(place), f"belongs to user {found.st_uid}, not to us ({os.geteuid()}); name another one"
        )
    if found.st_mode & _OTHERS:
        raise ConfigError(
            KEY, str(place), f"is open to others (mode {found.st_mode & 0o777:04o}); run: chmod 700 {place}"
        )


def _refuse_ancestors(place: Path) -> None:
    """Refuse when somebody else could rename a directory above ours, along the path as written and as resolved."""
    real = place.parent.resolve()
    for above in {*place.parents, real, *real.parents}:
        try:
            found = above.stat()
        except FileNotFoundError:
            continue  # will be made by us, with mode 0700
        if found.st_uid not in (0, os.geteuid()):
            raise ConfigError(
                KEY, str(place), f"{above} belongs to user {found.st_uid}; name a directory below your own"
            )
        sticky = found.st_mode & stat.S_ISVTX  # in a sticky directory nobody else can rename what is ours
        if found.st_mode & _OTHERS_WRITE and not sticky and not _private_group(found):
            raise ConfigError(KEY, str(place), f"{above} can be written by others; run: chmod go-w {above}")


def _private_group(found: os.stat_result) -> bool:
    """Whether only the group may write as well, and it is the owner's user private group (umask 002 distributions)."""
    if found.st_mode & stat.S_IWOTH:
        return False
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(found.st_gid)
    except KeyError:
        return False
    return group.gr_gid == user.pw_gid and group.gr_name == user.pw_name and set(group.gr_mem) <= {user.pw_name}

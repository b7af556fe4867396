"""The device's side: its settings as the SDK reads them, its spool, its token, its clock."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from hybridobs.doctor._finding import Finding, fail, ok, warn
from hybridobs.errors import ConfigError
from hybridobs.sdk.hop import Settings, resolve

_MIB = 1024 * 1024
_LEAST_FREE, _GOOD_FREE = 64 * _MIB, 1024 * _MIB
_OLD_S = 86_400
_YEAR = 2025
_GRPC = "OTEL_EXPORTER_OTLP_PROTOCOL"


class _Heard(logging.Handler):
    """What the SDK says about settings that it ignores."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def read_settings(given: Mapping[str, object], environment: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """The settings in force, and what of the environment is ignored; ConfigError for a wrong option."""
    heard = _Heard()
    logger = logging.getLogger("hybridobs")
    before = logger.propagate
    logger.addHandler(heard)
    logger.propagate = False
    try:
        return resolve(given, environment), heard.said
    finally:
        logger.removeHandler(heard)
        logger.propagate = before


def check_settings(settings: Settings, ignored: list[str], environment: Mapping[str, str]) -> Iterator[Finding]:
    """Who speaks, to whom, and what of the environment is not used."""
    said = f"service {settings.service}, tier {settings.tier or 'unknown'}, endpoint {settings.endpoint}"
    if settings.disabled:
        yield fail("settings", "recording is off", "unset HYBRIDOBS_DISABLED and OTEL_SDK_DISABLED")
    elif settings.service == "unknown_service" or not settings.tier:
        yield warn("settings", said, "set HYBRIDOBS_SERVICE and HYBRIDOBS_TIER (device, site or cloud), or configure()")
    else:
        yield ok("settings", said)
    for words in ignored:
        yield warn("settings", words, "correct or unset the variable")
    if environment.get(_GRPC) == "grpc" and environment.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        yield warn(
            "settings",
            f"{_GRPC}=grpc, so OTEL_EXPORTER_OTLP_ENDPOINT is not used",
            "set HYBRIDOBS_ENDPOINT to OTLP/HTTP",
        )


def check_token(settings: Settings) -> Iterator[Finding]:
    """Whether the file of the token can be read, by us and not by others."""
    if not settings.token_file:
        return
    place = Path(settings.token_file)
    try:
        held, mode = place.read_text(encoding="ascii").strip(), place.stat().st_mode
    except (OSError, UnicodeError) as error:
        yield fail("token", f"{place} cannot be read: {error}", "make it readable for this user, or name another file")
        return
    if not held:
        yield fail("token", f"{place} is empty", "hybridobs collector token TENANT > FILE")
    elif mode & 0o077:
        yield warn("token", f"{place} is open to others (mode {mode & 0o777:04o})", f"chmod 600 {place}")
    else:
        yield ok("token", f"{place} can be read by us alone")


def check_spool(settings: Settings) -> Iterator[Finding]:
    """Whether what waits survives, has room, and goes out."""
    if not settings.spool:
        yield warn("spool", "none: what waits is lost with the process", "set HYBRIDOBS_SPOOL or configure(spool=DIR)")
        return
    from hybridobs.sdk.spool import inspect, private_directory

    try:
        place = Path(settings.spool).expanduser()
        if not place.is_dir():
            _try_making(place)
            yield warn("spool", f"{place} is not there yet", "the SDK makes it")
            return
        private_directory(place)
        info = inspect(place)
    except (ConfigError, OSError, RuntimeError) as error:
        why = error.way_out if isinstance(error, ConfigError) else error
        yield fail("spool", f"{settings.spool}: {why}", "the SDK refuses it and keeps what waits in memory")
        return
    yield from _room(place)
    yield from _waiting(place, info.records, min((slot.oldest_ns for slot in info.slots if slot.oldest_ns), default=0))
    if info.set_aside:
        yield warn("spool", f"{len(info.set_aside)} damaged files were set aside", "look at the disk, then remove them")


def _try_making(place: Path) -> None:
    """ConfigError or OSError where the SDK could not make it: one beside it is made as the SDK does, and removed."""
    from hybridobs.sdk.spool import private_directory

    if os.path.lexists(place) or not place.is_absolute():
        private_directory(place)  # refuses it, and says why
        return
    above = next(one for one in place.parents if os.path.lexists(one))
    if not above.is_dir():
        raise ConfigError("spool", str(place), f"{above} is not a directory; name another place")
    try:
        private_directory(above / f".hybridobs-doctor-{os.getpid()}").rmdir()
    except OSError as error:
        raise OSError(f"cannot be made in {above}: {error.strerror}") from error


def _room(place: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(place).free
    said = f"{place} is private; {free / _MIB:,.0f} MiB are free"
    if free < _LEAST_FREE:
        yield fail("spool", said, "free some space: new telemetry is given up")
    elif free < _GOOD_FREE:
        yield warn("spool", said, "a week offline may need more")
    else:
        yield ok("spool", said)


def _waiting(place: Path, records: int, oldest_ns: int) -> Iterator[Finding]:
    age = time.time() - oldest_ns / 1e9 if oldest_ns else 0.0
    if age > _OLD_S:
        mend = f"if the lines below are fine: hybridobs spool drain {place}"
        yield warn("spool", f"{records:,} records wait, the oldest for {age / 3600:,.0f} h", mend)
    else:
        yield ok("spool", f"{records:,} records wait")


def check_clock(now_s: float) -> Iterator[Finding]:
    """Whether the wall clock can be right at all."""
    now = datetime.fromtimestamp(now_s, UTC)
    if now.year < _YEAR:
        yield fail("clock", f"it is {now:%Y-%m-%d %H:%M} by this clock", "set the clock, or run a time service")
    else:
        yield ok("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")


def environment_of() -> Mapping[str, str]:
    """The environment of this process."""
    return os.environ

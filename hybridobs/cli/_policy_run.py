"""Read the flag file, decide, write it whole or not at all, and tell of the changes."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from hybridobs.cli._logs import unheard
from hybridobs.cli._stores import readable
from hybridobs.contract import ENV_PREFIX
from hybridobs.errors import ConfigError
from hybridobs.slo.policy import Change, Decided, Flags, decide, load

_SERVICE = "hybridobs-policy"
_SECONDS = 10.0


def evaluated(
    url: str, file: Path, flags: Path, now: int | None, *, dry_run: bool, telling: bool = False
) -> list[Decided]:
    """Every policy decided, and the flag file written unless it is a dry run.

    With ``telling`` the changes stand in the file as untold, so that none is lost whatever happens from here on.
    """
    policies = load(file)
    before = _text(flags)
    kept = Flags.parsed(before, str(flags))
    at = int(time.time()) if now is None else now
    found = []
    with readable(url) as source:
        for policy in policies:
            decided = decide(source, policy, kept.states(policy), at)
            kept.put(policy, decided, telling=telling)
            found += decided
    if not dry_run and kept.text != before:
        _replace(flags, kept.text)
    return found


def _text(flags: Path) -> str:
    try:
        return flags.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("flags", str(flags), f"cannot be read: {error}") from error


def _replace(flags: Path, text: str) -> None:
    """Whoever reads the file sees the old one or the new one."""
    try:
        handle, name = tempfile.mkstemp(dir=flags.parent, prefix=f".{flags.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).chmod(flags.stat().st_mode & 0o777 if flags.exists() else 0o644)
            Path(name).replace(flags)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise ConfigError("flags", str(flags), f"cannot be written: {error.strerror}") from error


def as_text(decided: Sequence[Decided]) -> str:
    """A line a group: the flag, what it says, whether that is new, and why."""
    return "".join(f"{_head(one)}: {one.reason}\n" for one in decided)


def _head(one: Decided) -> str:
    where = ", ".join(f"{label}={value}" for label, value in zip(one.policy.by, one.group, strict=False))
    variant = click.style(one.state.variant, bold=one.changed)
    was = f" (was {one.before.variant})" if one.changed else ""
    return f"{one.policy.id}{f' [{where}]' if where else ''}: {one.policy.flag} = {variant}{was}"


def as_json(decided: Sequence[Decided]) -> str:
    """The same for a program."""
    rows = [
        {
            "policy": one.policy.id,
            "flag": one.policy.flag,
            "group": dict(zip(one.policy.by, one.group, strict=False)),
            "variant": one.state.variant,
            "previous": one.before.variant,
            "changed": one.changed,
            "since": one.state.since,
            "cause": one.cause,
            "reason": one.reason,
            "known": one.known,
        }
        for one in decided
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def listening(endpoint: str | None) -> bool:
    """Whether there is somebody to be told of changes; ConfigError for an address that is none."""
    from hybridobs.sdk.hop import resolve

    settings = resolve({"endpoint": endpoint})
    return not settings.disabled and bool(endpoint or _configured())


def tell(decided: Sequence[Decided], flags: Path, endpoint: str | None) -> None:
    """Send one event for every change that is untold; what nobody took stays in the flag file, which stderr says."""
    policies = list({one.policy.id: one.policy for one in decided}.values())
    kept = Flags.parsed(_text(flags), str(flags))
    untold = [change for policy in policies for change in kept.untold(policy)]
    if not untold:
        return
    told, error = _sent(untold, endpoint)
    if told:
        kept = Flags.parsed(_text(flags), str(flags))  # sending took a while, and others write this file too
        for policy in policies:
            kept.strike(policy, told)
        _replace(flags, kept.text)
    if left := len(untold) - len(told):
        click.echo(f"{left} change(s) could not be told: {error}; the next evaluation tries again", err=True)


def _sent(changes: Sequence[Change], endpoint: str | None) -> tuple[list[Change], str]:
    """Those that the collector took, and what went wrong. One goes after the other, to know it of each."""
    import hybridobs

    told, until = [], time.monotonic() + _SECONDS
    with unheard():
        # A spool would send again what the flag file keeps already.
        hybridobs.configure(service=_SERVICE, tier="cloud", endpoint=endpoint, spool="")
        for change in changes:
            before = hybridobs.status().sent
            hybridobs.events.policy_change(
                change.policy,
                flag=change.flag,
                variant=change.variant,
                previous=change.previous,
                reason=change.reason,
            )
            answered = hybridobs.flush(until - time.monotonic())
            if hybridobs.status().sent > before:
                told.append(change)
            elif not answered:
                break
        error = hybridobs.status().last_error or "no answer"
        hybridobs.shutdown(0)
        hybridobs.configure(disabled=True)  # or the end of the process would tell of what was not sent once more
    return told, error


def _configured() -> bool:
    names = (f"{ENV_PREFIX}ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(os.environ.get(name) for name in names)

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

from hybridobs.cli._stores import readable
from hybridobs.contract import ENV_PREFIX
from hybridobs.errors import ConfigError
from hybridobs.slo.policy import Decided, Flags, decide, load

_SERVICE = "hybridobs-policy"
_SECONDS = 10.0


def evaluated(url: str, file: Path, flags: Path, now: int | None, *, dry_run: bool) -> list[Decided]:
    """Every policy decided, and the flag file written unless it is a dry run."""
    policies = load(file)
    before = _text(flags)
    kept = Flags.parsed(before, str(flags))
    at = int(time.time()) if now is None else now
    found = []
    with readable(url) as source:
        for policy in policies:
            decided = decide(source, policy, kept.states(policy), at)
            kept.put(policy, decided)
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


def tell(changes: Sequence[Decided], endpoint: str | None) -> None:
    """Send one event a change; say so on stderr where nobody took it, because the flag is set all the same."""
    if not changes or not (endpoint or _configured()):
        return
    import hybridobs

    hybridobs.configure(service=_SERVICE, tier="cloud", endpoint=endpoint)
    for one in changes:
        hybridobs.events.policy_change(
            one.policy.id,
            flag=one.policy.flag,
            variant=one.state.variant,
            previous=one.before.variant,
            reason=one.cause,
        )
    told = hybridobs.flush(_SECONDS) and not hybridobs.status().rejected
    if not told:
        error = hybridobs.status().last_error or "no answer"
        click.echo(f"{len(changes)} change(s) could not be told: {error}; with HYBRIDOBS_SPOOL they are kept", err=True)
    hybridobs.shutdown(0 if not told else None)


def _configured() -> bool:
    names = (f"{ENV_PREFIX}ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    return any(os.environ.get(name) for name in names)

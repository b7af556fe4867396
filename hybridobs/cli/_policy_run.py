"""Read the flag file, decide, write it whole or not at all, and tell of the changes; of several that do so, one goes
after the other.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from hybridobs.cli._logs import unheard
from hybridobs.cli._outputs import write
from hybridobs.cli._stores import readable
from hybridobs.contract import ENV_PREFIX
from hybridobs.errors import ConfigError, StoreUnreachable
from hybridobs.locks import locked
from hybridobs.slo.policy import Change, Decided, Flags, Policy, decide, forgotten, load

_SERVICE = "hybridobs-policy"
_SECONDS = 10.0
_TURN_S = 30.0  # that another one is waited for, which may have to ask a slow store


def evaluated(
    url: str, file: Path, flags: Path, now: int | None, *, dry_run: bool, telling: bool = False
) -> list[Decided]:
    """Every policy decided, and the flag file written unless it is a dry run.

    With ``telling`` the changes stand in the file as untold, so that none is lost whatever happens from here on.
    """
    policies = load(file)
    found = []
    with _changing(flags, dry_run=dry_run) as kept, readable(url) as source:
        at = int(time.time()) if now is None else now
        for policy in policies:
            decided = decide(source, policy, kept.states(policy), at)
            kept.put(policy, decided, telling=telling)
            found += decided
    return found


def forgot(file: Path, flags: Path, name: str, where: Mapping[str, str], *, telling: bool) -> list[Decided]:
    """The groups of a policy that are at its default now because they are forgotten; ConfigError where there are none.

    Told like any other change: the flag says something else.
    """
    policies = {policy.id: policy for policy in load(file)}
    if name not in policies:
        raise ConfigError("id", name, f"no policy of {file} has this id; the ids are: {', '.join(policies)}")
    policy = policies[name]
    with _changing(flags) as kept:
        decided = forgotten(policy, kept.states(policy), where, int(time.time()))
        gone = [one for one in decided if one.state is not one.before]
        if not gone:
            raise ConfigError("where", _pairs(where) or name, f"nothing to forget; decided are: {_groups(decided)}")
        kept.put(policy, decided, telling=telling)
    return gone


def _groups(decided: Sequence[Decided]) -> str:
    return "; ".join(_pairs(_labels(one)) or one.policy.id for one in decided) or "none"


def _pairs(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{label}={value}" for label, value in labels.items())


def _labels(one: Decided) -> dict[str, str]:
    return dict(zip(one.policy.by, one.group, strict=False))  # without data there is a group of no labels


@contextmanager
def _changing(flags: Path, *, dry_run: bool = False) -> Iterator[Flags]:
    """The flags of a file, which is written at the end if they changed, and not changed by another run until then."""
    target = Path(os.path.realpath(flags))
    with _turn(target.parent, os.O_RDONLY) as held:
        if not held:
            raise StoreUnreachable(f"{flags} is being changed by another run for more than {_TURN_S:g} s; try again")
        before = _text(flags)
        kept = Flags.parsed(before, str(flags))
        yield kept
        if not dry_run and kept.text != before:
            write("flags", flags, kept.text)


@contextmanager
def _turn(path: Path, access: int) -> Iterator[bool]:
    """Wait for a lock; False if another one has it for too long. Where nothing can be locked everybody has it."""
    try:
        descriptor = os.open(path, access, 0o600)
    except OSError:
        yield True
        return
    try:
        yield _locked(descriptor, time.monotonic() + _TURN_S)
    finally:
        os.close(descriptor)


def _locked(descriptor: int, until: float) -> bool:
    try:
        return locked(descriptor, until)
    except (ImportError, OSError):  # not on every system, and not on every file system
        return True


def _text(flags: Path) -> str:
    try:
        return flags.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("flags", str(flags), f"cannot be read: {error}") from error


def as_text(decided: Sequence[Decided]) -> str:
    """A line a group: the flag, what it says, whether that is new, and why."""
    return "".join(f"{_head(one)}: {one.reason}\n" for one in decided)


def _head(one: Decided) -> str:
    where = _pairs(_labels(one))
    variant = click.style(one.state.variant, bold=one.changed)
    was = f" (was {one.before.variant})" if one.changed else ""
    return f"{one.policy.id}{f' [{where}]' if where else ''}: {one.policy.flag} = {variant}{was}"


def as_json(decided: Sequence[Decided]) -> str:
    """The same for a program."""
    rows = [
        {
            "policy": one.policy.id,
            "flag": one.policy.flag,
            "group": _labels(one),
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
    """Send one event for every change that is untold; what nobody took stays in the flag file, which stderr says.

    One run at a time tells, so that none sends what another one is sending; flags are decided meanwhile.
    """
    policies = list({one.policy.id: one.policy for one in decided}.values())
    target = Path(os.path.realpath(flags))
    if not _untold(flags, policies):
        return
    with _turn(target.with_name(f".{target.name}.telling"), os.O_RDWR | os.O_CREAT) as held:
        untold = _untold(flags, policies)
        told, error = _sent(untold, endpoint) if held and untold else ([], "another run is telling")
        if told:
            with _changing(flags) as kept:
                for policy in policies:
                    kept.strike(policy, told)
    if left := len(untold) - len(told):
        click.echo(f"{left} change(s) could not be told: {error}; the next evaluation tries again", err=True)


def _untold(flags: Path, policies: Sequence[Policy]) -> list[Change]:
    kept = Flags.parsed(_text(flags), str(flags))
    return [change for policy in policies for change in kept.untold(policy)]


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

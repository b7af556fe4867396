"""What the start of a program says about the attempts that earlier processes left."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import NamedTuple

from hybridobs import contract as c
from hybridobs.errors import ConfigError
from hybridobs.kpi.ota import WINDOW, Left, State, judge
from hybridobs.sdk import _pipeline
from hybridobs.sdk._guard import failed
from hybridobs.sdk.ota._journal import Journal, Record, boot, journals, life, place
from hybridobs.sdk.ota._said import left, move, say

_NEED_A_BOOT = ("firmware", "os")


class Resumed(NamedTuple):
    """An attempt that was found, and where it stands now."""

    id: str
    deployment_id: str
    kind: str
    to_version: str
    state: State


def resume(
    running_version: str,
    *,
    kind: str | None = None,
    model: str | None = None,
    directory: str | PathLike[str] | None = None,
    rebooted: bool | None = None,
    healthy: bool | None = None,
    limit: float = WINDOW,
    window: float = WINDOW,
) -> tuple[Resumed, ...]:
    """Say which version runs, at every start of the program, and learn what became of its updates.

    The wanted version confirms a success; the one before, or an older one, turns it into ``rolled_back`` for ``window``
    seconds after. Anything else is over as ``timed_out`` after ``limit`` seconds, and until then as it was.
    ``kind`` and ``model`` say what the version is of, if there are several. An update of firmware or os needs another
    boot id before an older version is a rollback, or ``rebooted=True``; the other kinds need another process.
    ``healthy=False`` keeps a new version that runs unconfirmed. Raises ConfigError for an unusable directory only.
    """
    if not isinstance(running_version, str) or not running_version:
        raise ConfigError("running_version", running_version, "give a string")
    where = place(directory)
    try:
        return _all(where, (kind, model), left(c.OTA_TO, running_version), rebooted, healthy, limit, window)
    except Exception:
        failed("ota")
        return ()


def _all(
    where: Path,
    which: tuple[str | None, str | None],
    running: str,
    rebooted: bool | None,
    healthy: bool | None,
    limit: float,
    window: float,
) -> tuple[Resumed, ...]:
    now = (_pipeline.active or _pipeline.first()).times.wall_ns()
    found = []
    with journals(where, *which) as held:
        for journal, record in held:
            for saying in record.said:  # whoever said it may have been killed before it was safe
                say(record, saying)
            age = record.age(now)
            if not record.closed:
                left = Left(record.state, record.to_version, record.from_version, record.switched is not None)
                restarted = _restarted(record, rebooted)
                state = judge(left, running, restarted=restarted, age=age, limit=limit, window=window, healthy=healthy)
                _settle(journal, record, state, healthy)
            found.append(Resumed(record.id, record.deployment, record.kind, record.to_version, record.state))
            if record.state.final and age > window:
                journal.drop()
    return tuple(found)


def _settle(journal: Journal, record: Record, state: State, healthy: bool | None) -> None:
    if state != record.state:
        more = {"rolled_back": {c.OTA_TRIGGER: "device"}, "timed_out": {c.ERROR_TYPE: "timeout"}}
        move(journal, record, state, more.get(state.outcome))
    elif healthy is False and record.switched and not record.confirmed:
        move(journal, record, State("in_progress", "confirm"))


def _restarted(record: Record, rebooted: bool | None) -> bool:
    """Whether what starts the new version has happened since it was put in place."""
    if record.switched is None:
        return False
    last_boot, last_life = record.switched
    if record.kind in _NEED_A_BOOT:
        return rebooted if rebooted is not None else last_boot != boot()
    return last_life != life()

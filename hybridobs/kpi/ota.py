"""What the words of ten update systems mean in one vocabulary: a table, and rules where a word is not enough.

Every mapping loses something, so the native word and code travel beside the canonical state and are never replaced by
it. A word that is not in the table is in progress, in phase ``_OTHER``: only a known word ends an attempt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from hybridobs import contract as c

OTHER = "_OTHER"
OUTCOMES = c.CHOICES[c.OTA_OUTCOME]
PHASES = c.CHOICES[c.OTA_PHASE]
NOT_FINAL = frozenset({"pending", "in_progress"})


class State(NamedTuple):
    """Where an attempt is; ``phase`` only in progress, ``confirmed`` only when it succeeded."""

    outcome: str
    phase: str = ""
    confirmed: bool = False

    @property
    def final(self) -> bool:
        """Whether the attempt is over, as far as its system says."""
        return self.outcome not in NOT_FINAL


class Seen(NamedTuple):
    """What is known beside the word: earlier words of the attempt, and the versions running, wanted and before.

    An earlier word may have its code behind a plus sign: ``9+1100``.
    """

    before: Sequence[str] = ()
    running: str = ""
    wanted: str = ""
    previous: str = ""


UNKNOWN = State("in_progress", OTHER)
CONFIRMED = State("succeeded", "", True)
_PENDING, _SUCCEEDED, _FAILED = State("pending"), State("succeeded"), State("failed")
_ROLLED_BACK, _STUCK_BETWEEN, _REJECTED = State("rolled_back"), State("rollback_failed"), State("rejected")
_CANCELED, _TIMED_OUT, _SKIPPED, _REMOVED = State("canceled"), State("timed_out"), State("skipped"), State("removed")
_DOWNLOAD, _INSTALL, _REBOOT, _TEST, _ROLLBACK = (
    State("in_progress", phase) for phase in ("download", "install", "reboot", "test", "rollback")
)


def _words(*rows: tuple[State, str]) -> dict[str, State]:
    return {word: state for state, words in rows for word in words.split()}


# Words in lower case; "status+code" is looked up before the status alone.
TABLE: dict[str, dict[str, State]] = {
    "hawkbit": _words(
        (_PENDING, "scheduled wait_for_confirmation retrieved confirmed"),
        (_DOWNLOAD, "download"),
        (_INSTALL, "downloaded running warning resumed canceling cancel_rejected"),
        (_REBOOT, "running+proceeding proceeding"),
        (_SUCCEEDED, "closed+success closed+none finished"),
        (_FAILED, "closed+failure error"),
        (_ROLLED_BACK, "closed+failure+rolled_back"),  # by a word of its own in the details: the server has none
        (_STUCK_BETWEEN, "closed+failure+rollback_failed"),
        (_REJECTED, "rejected denied"),
        (_CANCELED, "canceled"),
        (_REMOVED, "deleted"),
    ),
    "mender": _words(
        (_PENDING, "pending"),
        (_DOWNLOAD, "downloading"),
        (_INSTALL, "installing pause_before_installing"),
        (_REBOOT, "rebooting pause_before_rebooting"),
        (_TEST, "pause_before_committing"),
        (CONFIRMED, "success"),  # it comes after the commit, which the new version makes
        (_FAILED, "failure"),
        (_CANCELED, "aborted"),
        (_SKIPPED, "noartifact already-installed"),
        (_REMOVED, "decommissioned"),
    ),
    "swupdate": _words(  # progress words, and the persistent ustate as a number
        (_PENDING, "idle 6"),
        (_DOWNLOAD, "download"),
        (_INSTALL, "start run progress subprocess 7"),
        (_REBOOT, "1"),
        (_TEST, "2"),
        (_SUCCEEDED, "success"),
        (_FAILED, "failure 5"),
        (_ROLLED_BACK, "3"),
        (_SKIPPED, "4"),
    ),
    "rauc": {
        "install started": _INSTALL,
        "mark active": _REBOOT,
        "boot": _TEST,
        "mark good": _TEST,
        "install succeeded": _SUCCEEDED,
        "install failed": _FAILED,
        "install rejected": _REJECTED,
        "mark bad": _ROLLED_BACK,
        "no good slot": _STUCK_BETWEEN,
    },
    "aws_iot": _words(
        (_PENDING, "queued"),
        (_DOWNLOAD, "in_progress+download"),
        (_INSTALL, "in_progress"),
        (_REBOOT, "in_progress+reboot"),
        (_SUCCEEDED, "succeeded successful succeeded+successful"),
        (_FAILED, "failed failed_no_state_change failed_rollback_not_requested"),
        (_ROLLED_BACK, "failed_rollback_complete failed+failed_rollback_complete"),
        (_STUCK_BETWEEN, "failed_unable_to_rollback failed+failed_unable_to_rollback"),
        (_REJECTED, "rejected failed+rejected"),
        (_CANCELED, "canceled"),
        (_TIMED_OUT, "timed_out"),
        (_REMOVED, "removed"),
    ),
    "azure_du": _words(
        (_PENDING, "6"),
        (_DOWNLOAD, "1"),
        (_INSTALL, "2 3 7 8"),
        (_REBOOT, "4 5"),
        (_ROLLBACK, "9"),
        (_FAILED, "255"),
    ),
    "golioth": _words(
        (_PENDING, "idle"),
        (_DOWNLOAD, "downloading"),
        (_INSTALL, "downloaded updating"),
        (_REBOOT, "updating+ready"),
        (_SUCCEEDED, "updated_successfully"),
        (_FAILED, "not_enough_flash out_of_ram connection_lost integrity_check_failure update_failed io"),
        (_FAILED, "unsupported_package_type unsupported_protocol invalid_uri"),
    ),
    "kubeedge": _words(  # action/phase
        (_INSTALL, "check/inprogress backup/inprogress upgrade/inprogress check/successful backup/successful"),
        (_ROLLBACK, "rollback/inprogress"),
        (_SUCCEEDED, "upgrade/successful"),
        (_FAILED, "backup/failure upgrade/failure"),
        (_REJECTED, "check/failure"),
        (_ROLLED_BACK, "rollback/successful"),
        (_STUCK_BETWEEN, "rollback/failure"),
    ),
    "balena": _words((_INSTALL, "updating"), (_REMOVED, "inactive")),
    "opamp": _words(
        (_PENDING, "installpending"),
        (_DOWNLOAD, "downloading"),
        (_INSTALL, "installing"),
        (_SUCCEEDED, "installed"),
        (_FAILED, "installfailed"),
    ),
}
SYSTEMS = tuple(TABLE)


def canonical(system: str, status: str, code: str | None = None, seen: Seen | None = None) -> State:
    """Return what a system's word means; ``code`` is its detail: result code, reason, substate or progress.

    KubeEdge's word is ``action/phase``; SWUpdate's ustate and Azure's states are numbers written as text.
    """
    word, detail, seen = status.strip().lower(), (code or "").strip().lower(), seen or Seen()
    known = TABLE.get(system, {})
    state = known.get(f"{word}+{detail}") or known.get(word, UNKNOWN)
    rule = _RULES.get(system)
    if rule is not None:
        state = rule(state, word, detail, seen)
    return _with_version(state, system, seen)


def _with_version(state: State, system: str, seen: Seen) -> State:
    """What the version seen running makes of it: a success is confirmed or taken back by nothing else."""
    if not seen.running:
        return state
    if state.outcome == "succeeded" and seen.running == seen.wanted:
        return CONFIRMED
    back = seen.running == seen.previous != seen.wanted
    if back and (state.outcome == "succeeded" or (_switched(system, seen) and _may_fall_back(state))):
        return _ROLLED_BACK
    return state


def _may_fall_back(state: State) -> bool:
    return state.outcome == "failed" or state.phase == "test"


def _switched(system: str, seen: Seen) -> bool:
    """Whether the attempt had come as far as the new version's first start."""
    states = (TABLE.get(system, {}).get(word, UNKNOWN) for word in _heard(seen))
    return any(state.outcome == "succeeded" or state.phase in ("reboot", "test") for state in states)


def _heard(seen: Seen) -> set[str]:
    """The earlier words, each with its code and without."""
    said = [word.strip().lower() for word in seen.before]
    return {*said, *(word.partition("+")[0] for word in said)}


def _mender(state: State, word: str, detail: str, seen: Seen) -> State:
    if word != "failure":
        return state
    if "_inconsistent" in detail:  # the suffix of the artifact's name when the rollback failed too
        return _STUCK_BETWEEN
    return _ROLLED_BACK if "rollback" in detail else state


def _swupdate(state: State, word: str, detail: str, seen: Seen) -> State:
    return CONFIRMED if word == "0" and "2" in _heard(seen) else state


def _rauc(state: State, word: str, detail: str, seen: Seen) -> State:
    """A boot or a mark means one thing with the wanted bundle, another with any other."""
    if word not in ("boot", "mark good", "mark bad") or not seen.running:
        return state
    wanted = seen.running == seen.wanted
    if word == "mark good":
        return CONFIRMED if wanted and "boot" in _heard(seen) else state
    return _TEST if wanted else _ROLLED_BACK


_RESTORED = "1100"  # ADUC_Result_Restore_Success


def _azure(state: State, word: str, detail: str, seen: Seen) -> State:
    if detail in ("503", "603"):
        return _SKIPPED
    if detail == "-1":
        return _CANCELED
    heard = _heard(seen)
    if word == "6" and heard:
        return _INSTALL
    if "9" in heard and word in ("0", "255"):  # a restore had begun
        restored = word == "0" or detail == _RESTORED or f"9+{_RESTORED}" in heard
        return _ROLLED_BACK if restored else _STUCK_BETWEEN
    return _SUCCEEDED if word == "0" and "5" in heard else state


def _golioth(state: State, word: str, detail: str, seen: Seen) -> State:
    """The reason says more than the state; a package that was refused before anything began never was an attempt."""
    if detail == "await_retry":
        return _DOWNLOAD
    found = TABLE["golioth"].get(detail) or state
    refused = (detail or word).startswith("unsupported_") or "invalid_uri" in (word, detail)
    return _REJECTED if refused and not {"downloading", "updating"} & _heard(seen) else found


def _kubeedge(state: State, word: str, detail: str, seen: Seen) -> State:
    action, _, phase = word.partition("/")
    return _PENDING if phase == "pending" or "waitingconfirmation" in (action, phase) else state


def _balena(state: State, word: str, detail: str, seen: Seen) -> State:
    """Its words say what the device does, never how it ended: that is running against wanted."""
    if state == _REMOVED or word == "updating":
        return _DOWNLOAD if word == "updating" and detail else state
    if not seen.running or not seen.wanted:
        return state
    if seen.running == seen.wanted:
        return CONFIRMED
    return _ROLLED_BACK if "updating" in _heard(seen) and seen.running == seen.previous else _PENDING


_RULES: dict[str, Callable[[State, str, str, Seen], State]] = {
    "mender": _mender,
    "swupdate": _swupdate,
    "rauc": _rauc,
    "azure_du": _azure,
    "golioth": _golioth,
    "kubeedge": _kubeedge,
    "balena": _balena,
}

# --- time ------------------------------------------------------------------------------------------------------------
STUCK, UNREACHABLE = "stuck", "unreachable"
POLLS = 3  # silent or idle for so many poll intervals


def stalled(state: State, *, state_age: float, contact_age: float, poll: float, polls: int = POLLS) -> str:
    """Return ``stuck`` (no progress, in contact), ``unreachable`` (no progress, no contact) or "", ages in seconds.

    ``poll`` is how often the device asks for work: hawkBit's default is 300 s.
    """
    patience = poll * polls
    if state.final or state_age <= patience:
        return ""
    return STUCK if contact_age <= patience else UNREACHABLE


def overdue(state: State, *, age: float, limit: float) -> State:
    """Return ``timed_out`` for an attempt that is not over after ``limit`` seconds: most systems have no such timer."""
    return _TIMED_OUT if not state.final and age > limit else state


# --- versions --------------------------------------------------------------------------------------------------------
_NUMBERS = re.compile(r"v?(\d+(?:\.\d+)*)")


def fell_back(running: str, *, wanted: str, previous: str) -> bool:
    """Return whether the running version is the one before, or an older one than wanted by its dotted numbers."""
    if running == wanted:
        return False
    ours, theirs = _NUMBERS.fullmatch(running), _NUMBERS.fullmatch(wanted)
    if running == previous or ours is None or theirs is None:
        return running == previous
    return _dotted(ours[1]) < _dotted(theirs[1])


def newer(version: str, than: str) -> bool:
    """Return whether a version is newer than another by dotted numbers; False where one has none."""
    ours, theirs = _NUMBERS.fullmatch(version), _NUMBERS.fullmatch(than)
    return ours is not None and theirs is not None and _dotted(ours[1]) > _dotted(theirs[1])


def _dotted(text: str) -> list[int]:
    return [int(part) for part in text.split(".")]


# --- why it failed ---------------------------------------------------------------------------------------------------
_ERRORS = {
    "download_failed": "download_failed download_error",
    "connection_lost": "connection_lost network_error",
    "insufficient_storage": "not_enough_flash disk_space_critical insufficient_storage no_space_left",
    "out_of_memory": "out_of_ram out_of_memory",
    "integrity_check_failed": "integrity_check_failure integrity_check_failed artifact_checksum_mismatch",
    "signature_invalid": "signature_invalid signature_verification_failed",
    "incompatible": "incompatible compatible_mismatch",
    "unsupported_package": "unsupported_package_type unsupported_package",
    "invalid_uri": "invalid_uri",
    "unsupported_protocol": "unsupported_protocol",
    "install_failed": "install_failed installfailed update_failed",
    "boot_failed": "boot_failed",
    "health_check_failed": "health_check_failed",
    "io_error": "io io_error",
    "timeout": "timeout timed_out",
    "canceled": "canceled aborted",
}
_ERROR_OF = {word: name for name, words in _ERRORS.items() for word in words.split()}
ERRORS = (*_ERRORS, OTHER)


def error_of(*words: str | None) -> str:
    """Return the class of failure that the first known of a system's own words names, else ``_OTHER``."""
    cleaned = (re.sub(r"[^a-z0-9]+", "_", (word or "").strip().lower()) for word in words)
    return next((_ERROR_OF[word] for word in cleaned if word in _ERROR_OF), OTHER)


# --- what a start of the program says about an attempt ---------------------------------------------------------------
WINDOW = 86_400.0  # seconds in which a success may still be taken back, and in which an attempt must end


class Left(NamedTuple):
    """An attempt as its last process left it; ``switched``: the next start was to be of the new version."""

    state: State
    wanted: str
    previous: str
    switched: bool


def judge(
    left: Left,
    running: str,
    *,
    restarted: bool,
    age: float,
    limit: float = WINDOW,
    window: float = WINDOW,
    healthy: bool | None = None,
) -> State:
    """Return where an attempt is, now that ``running`` is seen; unchanged if that says nothing new.

    ``restarted``: what should start the new version has happened. ``age``: seconds since the last change of state.
    A new version that is not healthy is neither confirmed nor taken back: whoever switches back will be seen.
    """
    state = left.state
    if state.final and state.outcome != "succeeded":
        return state
    if running == left.wanted:
        changed = left.wanted != left.previous or (left.switched and restarted)
        if changed and healthy is not False:
            return CONFIRMED
    elif (
        restarted
        and left.switched
        and (not state.final or age <= window)
        and fell_back(running, wanted=left.wanted, previous=left.previous)
    ):
        return _ROLLED_BACK
    return overdue(state, age=age, limit=limit)

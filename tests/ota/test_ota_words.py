"""The table of native words, row by row: canonical state by update system."""

from __future__ import annotations

import pytest

from hybridobs import contract
from hybridobs.kpi import ota
from hybridobs.kpi.ota import CONFIRMED, Seen, State, canonical

PENDING, SUCCEEDED, FAILED = State("pending"), State("succeeded"), State("failed")
ROLLED_BACK, ROLLBACK_FAILED, REJECTED = State("rolled_back"), State("rollback_failed"), State("rejected")
CANCELED, TIMED_OUT, SKIPPED, REMOVED = State("canceled"), State("timed_out"), State("skipped"), State("removed")
DOWNLOAD, INSTALL, REBOOT, TEST = (State("in_progress", phase) for phase in ("download", "install", "reboot", "test"))
OLD, NEW = {"running": "1", "wanted": "2", "previous": "1"}, {"running": "2", "wanted": "2", "previous": "1"}

Word = tuple[str, str, Seen | None]


def words(text: str, code: str = "", seen: Seen | None = None) -> list[Word]:
    """Words with one code and one context."""
    return [(word, code, seen) for word in text.split("|")]


ROWS: list[tuple[State, str, list[Word]]] = [
    (PENDING, "hawkbit", words("SCHEDULED|WAIT_FOR_CONFIRMATION|RETRIEVED")),
    (PENDING, "mender", words("pending")),
    (PENDING, "swupdate", words("IDLE|6")),
    (PENDING, "aws_iot", words("QUEUED")),
    (PENDING, "azure_du", words("6")),
    (PENDING, "golioth", words("idle")),
    (PENDING, "kubeedge", words("Check/Pending|WaitingConfirmation/InProgress")),
    (PENDING, "balena", words("operational", seen=Seen(**OLD))),
    (PENDING, "opamp", words("InstallPending")),
    (DOWNLOAD, "hawkbit", words("DOWNLOAD")),
    (DOWNLOAD, "mender", words("downloading")),
    (DOWNLOAD, "swupdate", words("DOWNLOAD")),
    (DOWNLOAD, "aws_iot", words("IN_PROGRESS", "download")),
    (DOWNLOAD, "azure_du", words("1")),
    (DOWNLOAD, "golioth", words("downloading") + words("downloading", "await_retry")),
    (DOWNLOAD, "balena", words("updating", "37")),
    (DOWNLOAD, "opamp", words("Downloading")),
    (INSTALL, "hawkbit", words("DOWNLOADED|RUNNING|WARNING")),
    (INSTALL, "mender", words("installing|pause_before_installing")),
    (INSTALL, "swupdate", words("START|RUN|PROGRESS|7")),
    (INSTALL, "rauc", words("install started")),
    (INSTALL, "aws_iot", words("IN_PROGRESS")),
    (INSTALL, "azure_du", words("2|3|7|8") + words("6", seen=Seen(["1"]))),
    (INSTALL, "golioth", words("downloaded|updating")),
    (INSTALL, "kubeedge", words("Check/InProgress|BackUp/InProgress|Upgrade/InProgress")),
    (INSTALL, "balena", words("updating")),
    (INSTALL, "opamp", words("Installing")),
    (REBOOT, "hawkbit", words("RUNNING", "proceeding")),
    (REBOOT, "mender", words("rebooting|pause_before_rebooting")),
    (TEST, "mender", words("pause_before_committing")),
    (REBOOT, "swupdate", words("1")),
    (TEST, "swupdate", words("2")),
    (TEST, "rauc", words("boot") + words("boot|mark good", seen=Seen(["install succeeded"], **NEW))),
    (REBOOT, "aws_iot", words("IN_PROGRESS", "reboot")),
    (REBOOT, "azure_du", words("4|5")),
    (REBOOT, "golioth", words("updating", "ready")),
    (SUCCEEDED, "hawkbit", words("closed", "success") + words("closed", "none") + words("FINISHED")),
    (SUCCEEDED, "swupdate", words("SUCCESS")),
    (SUCCEEDED, "rauc", words("install succeeded")),
    (SUCCEEDED, "aws_iot", words("SUCCEEDED|SUCCESSFUL") + words("SUCCEEDED", "SUCCESSFUL")),
    (SUCCEEDED, "azure_du", words("0", seen=Seen(["4", "5"]))),
    (SUCCEEDED, "golioth", words("updated_successfully") + words("idle", "updated_successfully")),
    (SUCCEEDED, "kubeedge", words("Upgrade/Successful")),
    (SUCCEEDED, "opamp", words("Installed")),
    (CONFIRMED, "hawkbit", words("closed", "success", Seen(**NEW))),
    (CONFIRMED, "mender", words("success")),
    (CONFIRMED, "swupdate", words("0", seen=Seen(["1", "2"])) + words("SUCCESS", seen=Seen(**NEW))),
    (CONFIRMED, "rauc", words("mark good", seen=Seen(["install succeeded", "boot"], **NEW))),
    (CONFIRMED, "aws_iot", words("SUCCEEDED", seen=Seen(**NEW))),
    (CONFIRMED, "azure_du", words("0", seen=Seen(["5"], **NEW))),
    (CONFIRMED, "golioth", words("updated_successfully", seen=Seen(**NEW))),
    (CONFIRMED, "kubeedge", words("Upgrade/Successful", seen=Seen(**NEW))),
    (CONFIRMED, "balena", words("operational", seen=Seen(["updating"], **NEW))),
    (CONFIRMED, "opamp", words("Installed", seen=Seen(**NEW))),
    (FAILED, "hawkbit", words("closed", "failure") + words("ERROR")),
    (FAILED, "mender", words("failure") + words("failure", seen=Seen(["downloading"], **OLD))),
    (FAILED, "swupdate", words("FAILURE|5")),
    (FAILED, "rauc", words("install failed")),
    (FAILED, "aws_iot", words("FAILED|FAILED_NO_STATE_CHANGE|FAILED_ROLLBACK_NOT_REQUESTED")),
    (FAILED, "azure_du", words("255")),
    (FAILED, "golioth", words("idle", "update_failed") + words("idle", "not_enough_flash") + words("io")),
    (FAILED, "golioth", words("idle", "unsupported_protocol", Seen(["downloading"]))),
    (FAILED, "kubeedge", words("BackUp/Failure|Upgrade/Failure")),
    (FAILED, "opamp", words("InstallFailed")),
    (ROLLED_BACK, "hawkbit", words("closed", "success", Seen(**OLD)) + words("closed", "failure+rolled_back")),
    (ROLLED_BACK, "mender", words("failure", "ArtifactRollback") + words("failure", "", Seen(["rebooting"], **OLD))),
    (ROLLED_BACK, "swupdate", words("3")),
    (ROLLED_BACK, "rauc", words("boot|mark bad", seen=Seen(["install succeeded"], **OLD)) + words("mark bad")),
    (ROLLED_BACK, "aws_iot", words("FAILED_ROLLBACK_COMPLETE") + words("FAILED", "FAILED_ROLLBACK_COMPLETE")),
    (ROLLED_BACK, "azure_du", words("0", seen=Seen(["5", "9"])) + words("255", seen=Seen(["9+1100"]))),
    (ROLLED_BACK, "golioth", words("updated_successfully", seen=Seen(**OLD))),
    (ROLLED_BACK, "kubeedge", words("RollBack/Successful")),
    (ROLLED_BACK, "balena", words("operational", seen=Seen(["updating"], **OLD))),
    (ROLLED_BACK, "opamp", words("Installed", seen=Seen(**OLD))),
    (ROLLBACK_FAILED, "hawkbit", words("closed", "failure+rollback_failed")),
    (ROLLBACK_FAILED, "mender", words("failure", "release-1.2_INCONSISTENT")),
    (ROLLBACK_FAILED, "rauc", words("no good slot")),
    (ROLLBACK_FAILED, "aws_iot", words("FAILED_UNABLE_TO_ROLLBACK") + words("FAILED", "FAILED_UNABLE_TO_ROLLBACK")),
    (ROLLBACK_FAILED, "azure_du", words("255", seen=Seen(["9"]))),
    (ROLLBACK_FAILED, "kubeedge", words("RollBack/Failure")),
    (REJECTED, "hawkbit", words("rejected|DENIED")),
    (REJECTED, "rauc", words("install rejected")),
    (REJECTED, "aws_iot", words("REJECTED")),
    (REJECTED, "golioth", words("idle", "unsupported_package_type") + words("idle", "invalid_uri")),
    (REJECTED, "kubeedge", words("Check/Failure")),
    (CANCELED, "hawkbit", words("CANCELED")),
    (CANCELED, "mender", words("aborted")),
    (CANCELED, "aws_iot", words("CANCELED")),
    (CANCELED, "azure_du", words("255", "-1")),
    (TIMED_OUT, "aws_iot", words("TIMED_OUT")),
    (SKIPPED, "mender", words("noartifact|already-installed")),
    (SKIPPED, "swupdate", words("4")),
    (SKIPPED, "azure_du", words("0", "503") + words("0", "603")),
    (REMOVED, "hawkbit", words("deleted")),
    (REMOVED, "mender", words("decommissioned")),
    (REMOVED, "aws_iot", words("REMOVED")),
    (REMOVED, "balena", words("inactive")),
]


@pytest.mark.parametrize(
    ("state", "system", "said"), ROWS, ids=["-".join(filter(None, (*row[0][:2], row[1]))) for row in ROWS]
)
def test_a_row_of_the_table(state: State, system: str, said: list[Word]) -> None:
    """Each word of a system in a row means what the row is called."""
    assert [canonical(system, word, code, seen) for word, code, seen in said] == [state] * len(said)


def test_the_table_uses_the_vocabulary_of_the_contract() -> None:
    """No state that a sender's own check would refuse."""
    assert contract.CHOICES[contract.OTA_OUTCOME] == ota.OUTCOMES
    assert contract.CHOICES[contract.OTA_PHASE] == ota.PHASES
    said = {state for table in ota.TABLE.values() for state in table.values()}
    assert {state.outcome for state in said} <= {*ota.OUTCOMES}
    assert {state.phase for state in said} <= {"", *ota.PHASES}


@pytest.mark.parametrize("system", [*ota.SYSTEMS, "homemade"])
def test_an_unknown_word_ends_nothing(system: str) -> None:
    """It is in progress, and can be told from a known word by its phase."""
    assert canonical(system, "rebaselining") == State("in_progress", "_OTHER")


UNDER_WAY = {system: said[0] for state, system, said in ROWS if not state.final}


@pytest.mark.parametrize("system", ota.SYSTEMS)
def test_our_timer_ends_what_a_system_leaves_open(system: str) -> None:
    """Each of them has words after which nothing may ever come."""
    state = canonical(system, *UNDER_WAY[system])
    assert ota.overdue(state, age=101, limit=100) == TIMED_OUT


def test_our_timer_ends_what_nobody_else_does() -> None:
    """An attempt that is not over in time is timed out; one that is over stays what it is."""
    assert ota.overdue(DOWNLOAD, age=101, limit=100) == TIMED_OUT
    assert ota.overdue(DOWNLOAD, age=99, limit=100) == DOWNLOAD
    assert ota.overdue(SUCCEEDED, age=101, limit=100) == SUCCEEDED


@pytest.mark.parametrize(
    ("state", "state_age", "contact_age", "found"),
    [
        (INSTALL, 1000, 10, "stuck"),
        (PENDING, 1000, 10, "stuck"),
        (INSTALL, 1000, 1000, "unreachable"),
        (INSTALL, 900, 1000, ""),
        (FAILED, 1000, 1000, ""),
    ],
)
def test_stuck_is_not_unreachable(state: State, state_age: float, contact_age: float, found: str) -> None:
    """Both make no progress for three polls; one of them still calls."""
    assert ota.stalled(state, state_age=state_age, contact_age=contact_age, poll=300) == found


@pytest.mark.parametrize(
    ("running", "older"),
    [("1.2.0", True), ("1.1.9", True), ("1.3.0", False), ("1.10.0", False), ("main-7f3a", False), ("v1.2", True)],
)
def test_an_older_version_is_a_rollback(running: str, older: bool) -> None:
    """By its numbers, not its letters; what can't be compared is none unless it is the version before."""
    assert ota.fell_back(running, wanted="1.3.0", previous="1.2.0") is older


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("not_enough_flash",), "insufficient_storage"),
        (("DISK_SPACE_CRITICAL",), "insufficient_storage"),
        (("Compatible mismatch",), "incompatible"),
        ((None, "FAILED", "NETWORK_ERROR"), "connection_lost"),
        (("E42",), "_OTHER"),
    ],
)
def test_a_native_code_names_a_class_of_failure(words: tuple[str | None, ...], error: str) -> None:
    """The first known word decides, and there are few classes."""
    assert ota.error_of(*words) == error

"""An attempt in one process after the other, on a clock that stands still; a new life is a new id of the process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import hybridobs
from hybridobs import contract as c
from hybridobs.errors import ConfigError
from hybridobs.kpi.ota import CONFIRMED, State
from hybridobs.sdk import _guard, ota
from hybridobs.sdk.ota import _journal
from hybridobs.testing import Capture

Restart = Callable[[], None]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where both slots keep the state."""
    return tmp_path / "ota"


@pytest.fixture
def restart(monkeypatch: pytest.MonkeyPatch) -> Restart:
    """Be another process from now on."""
    return lambda: monkeypatch.setattr(_journal, "_life", (os.getpid(), os.urandom(8).hex()))


def begin(place: Path, kind: str = "model", **more: str) -> ota.Attempt:
    """From 1.2.0 to 1.3.0."""
    said = {"deployment_id": "d-1", "to_version": "1.3.0", **more}
    return ota.attempt("homemade", kind, "1.2.0", directory=place, **said)  # type: ignore[arg-type]


def install(place: Path, kind: str = "model") -> None:
    """The whole of it up to the restart."""
    with begin(place, kind) as attempt:
        for phase in ("download", "verify", "install"):
            with attempt.phase(phase):
                pass
        attempt.installed()
        attempt.rebooting()


def outcomes(capture: Capture) -> dict[str, float]:
    """What the attempts came to, summed over corrections."""
    found: dict[str, float] = {}
    for event in capture.events:
        name, sign = event.texts[c.OTA_OUTCOME], event.numbers.get(c.CORRECTION, 1)
        name = f"{name}+" if event.numbers.get(c.OTA_CONFIRMED) else name
        if State(event.texts[c.OTA_OUTCOME]).final:
            found[name] = found.get(name, 0) + sign
    return {name: n for name, n in found.items() if n}


def test_a_success_is_unconfirmed_until_its_version_runs(
    hybridobs_capture: Capture, place: Path, restart: Restart
) -> None:
    """The new version's start confirms it, at the time and under the labels of the success."""
    hybridobs.configure(service="till", tier="device", cohort="canary")
    install(place)
    assert hybridobs_capture.kpi("ota_unconfirmed_rate") == 1.0
    restart()
    hybridobs_capture.clock.advance(90)
    (found,) = ota.resume("1.3.0", directory=place)
    assert found.state == CONFIRMED
    assert hybridobs_capture.kpi("ota_unconfirmed_rate", cohort="canary") == 0.0
    assert hybridobs_capture.kpi("ota_confirm_p50") == pytest.approx(90, rel=0.03)
    assert hybridobs_capture.reading("ota_failure_rate").n == 1
    assert (hybridobs_capture.ignored, hybridobs_capture.refused) == ({}, {})


def test_an_older_version_takes_a_success_back(hybridobs_capture: Capture, place: Path, restart: Restart) -> None:
    """What was counted as a success is a rollback by the device."""
    install(place)
    restart()
    (found,) = ota.resume("1.2.0", directory=place)
    assert found.state == State("rolled_back")
    assert outcomes(hybridobs_capture) == {"rolled_back": 1}
    assert hybridobs_capture.kpi("ota_failure_rate") == 1.0


def test_a_confirmed_success_can_be_taken_back_for_a_day(
    hybridobs_capture: Capture, place: Path, restart: Restart
) -> None:
    """A watchdog that switches back later is seen; after the window an older version is somebody's wish."""
    install(place)
    for running, outcome in (("1.3.0", "succeeded+"), ("1.2.0", "rolled_back")):
        restart()
        hybridobs_capture.clock.advance(3600)
        ota.resume(running, directory=place)
        assert outcomes(hybridobs_capture) == {outcome: 1}


def test_every_start_says_it_again_and_it_counts_once(
    hybridobs_capture: Capture, place: Path, restart: Restart
) -> None:
    """Whoever said it may have been killed before it was safe."""
    install(place)
    for _ in range(5):
        restart()
        ota.resume("1.3.0", directory=place)
    assert outcomes(hybridobs_capture) == {"succeeded+": 1}
    hybridobs_capture.clock.advance(90_000)
    ota.resume("1.3.0", directory=place)
    assert ota.resume("1.3.0", directory=place) == ()


@pytest.mark.parametrize(
    ("kind", "rebooted", "outcome"), [("firmware", None, "succeeded"), ("os", True, "rolled_back")]
)
def test_firmware_needs_a_reboot_to_be_judged(
    hybridobs_capture: Capture, place: Path, restart: Restart, kind: str, rebooted: bool | None, outcome: str
) -> None:
    """The old version runs until the system goes down: that is no rollback."""
    install(place, kind)
    restart()
    ota.resume("1.2.0", directory=place, rebooted=rebooted)
    assert outcomes(hybridobs_capture) == {outcome: 1}


def test_an_unhealthy_new_version_is_not_confirmed(hybridobs_capture: Capture, place: Path, restart: Restart) -> None:
    """It runs, which is not enough; once it is healthy it is."""
    install(place)
    restart()
    ota.resume("1.3.0", directory=place, healthy=False)
    assert outcomes(hybridobs_capture) == {"succeeded": 1}
    ota.resume("1.3.0", directory=place, healthy=True)
    assert outcomes(hybridobs_capture) == {"succeeded+": 1}


def test_an_unfinished_attempt_goes_on(hybridobs_capture: Capture, place: Path, restart: Restart) -> None:
    """The same deployment after a restart is the same attempt, and no phase counts twice."""
    with begin(place) as first, first.phase("download"):
        pass
    restart()
    (found,) = ota.resume("1.2.0", directory=place)
    assert found.state == State("in_progress", "download")
    with begin(place) as again, again.phase("download"):
        assert again.id == first.id == found.id
    phases = [event.texts.get(c.OTA_PHASE) for event in hybridobs_capture.events]
    assert phases == [None, "download"]


def test_another_deployment_ends_an_unfinished_one(hybridobs_capture: Capture, place: Path) -> None:
    """As canceled: nobody will go on with it."""
    with begin(place) as first, first.phase("download"):
        pass
    with begin(place, deployment_id="d-2", to_version="1.4.0") as second:
        assert second.id != first.id
    assert outcomes(hybridobs_capture) == {"canceled": 1}


def test_an_attempt_that_never_ends_is_timed_out(hybridobs_capture: Capture, place: Path) -> None:
    """By our timer, a day by default."""
    with begin(place) as attempt, attempt.phase("download"):
        pass
    hybridobs_capture.clock.advance(90_000)
    (found,) = ota.resume("1.2.0", directory=place)
    assert found.state == State("timed_out")
    assert outcomes(hybridobs_capture) == {"timed_out": 1}


@pytest.mark.parametrize(
    ("phase", "error", "name"),
    [
        ("download", ConnectionResetError(), "connection_lost"),
        ("download", RuntimeError(), "download_failed"),
        ("verify", ValueError(), "integrity_check_failed"),
        ("install", OSError(28, "No space left on device"), "insufficient_storage"),
        ("confirm", TimeoutError(), "timeout"),
    ],
)
def test_an_exception_is_a_failure_and_goes_on(
    hybridobs_capture: Capture, place: Path, phase: str, error: Exception, name: str
) -> None:
    """The phase and the exception say which class of failure; the host sees its own exception."""
    with pytest.raises(type(error)), begin(place) as attempt, attempt.phase(phase):
        raise error
    assert outcomes(hybridobs_capture) == {"failed": 1}
    assert hybridobs_capture.events[-1].error == name


def test_the_facts_of_an_attempt_count_when_it_ends(hybridobs_capture: Capture, place: Path) -> None:
    """Bytes, signature and duration belong to the attempt, not to its states."""
    with begin(place) as attempt:
        attempt.transferred(700)
        attempt.transferred(300)
        attempt.signature("verified")
        hybridobs_capture.clock.advance(40)
        attempt.installed()
        attempt.confirm("1.3.0")
    assert hybridobs_capture.kpi("ota_bytes") == 1000
    assert hybridobs_capture.kpi("ota_verified_share") == 1.0
    assert hybridobs_capture.kpi("ota_duration_p50") == pytest.approx(40, rel=0.03)


def test_native_words_move_an_attempt(hybridobs_capture: Capture, place: Path) -> None:
    """They are kept word for word beside what they mean."""
    with ota.attempt("rauc", "os", "1.2.0", "1.3.0", "d-1", directory=place) as attempt:
        for word in ("install started", "install succeeded", "boot"):
            attempt.native(word, running_version="1.3.0" if word == "boot" else "")
        assert attempt.native("mark good", running_version="1.3.0") == CONFIRMED
    assert outcomes(hybridobs_capture) == {"succeeded+": 1}
    assert hybridobs_capture.events[-1].texts[c.OTA_NATIVE_STATUS] == "mark good"


@pytest.mark.parametrize(
    "wrong", [{"kind": "fridge"}, {"trigger": "moon"}, {"to_version": ""}, {"deployment_id": ""}, {"directory": "here"}]
)
def test_a_wrong_argument_is_a_config_error(place: Path, wrong: dict[str, str]) -> None:
    """Said where the attempt is made, with the way out."""
    right = {"system": "homemade", "kind": "model", "from_version": "1", "to_version": "2", "deployment_id": "d"}
    with pytest.raises(ConfigError):
        ota.attempt(**{**right, "directory": str(place), **wrong})  # type: ignore[arg-type]


def test_a_shared_directory_is_refused(tmp_path: Path) -> None:
    """Whoever may write there could forge an outcome."""
    (tmp_path / "open").mkdir(mode=0o700)
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(ConfigError, match="ota directory"):
        ota.resume("1", directory=tmp_path / "open")


def test_a_disk_that_takes_nothing_hurts_nobody(
    hybridobs_capture: Capture, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said is said all the same; the fault is counted."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    install(place)
    assert outcomes(hybridobs_capture) == {"succeeded": 1}
    assert _guard.failures()["ota journal"] > 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', '{"version": 1, "said": []}'])
def test_a_damaged_file_is_left_alone(hybridobs_capture: Capture, place: Path, text: str) -> None:
    """It is neither an attempt nor a crash."""
    install(place)
    (path,) = place.glob("*.json")
    path.write_text(text)
    assert ota.resume("1.3.0", directory=place) == ()


def test_nonsense_from_the_host_is_counted(hybridobs_capture: Capture, place: Path) -> None:
    """Nothing but ConfigError at the start ever comes out."""
    with begin(place) as attempt:
        attempt.end("exploded")
        attempt.native(7)  # type: ignore[arg-type]
        attempt.transferred("many")  # type: ignore[arg-type]
        with attempt.phase("party"):
            pass
    assert outcomes(hybridobs_capture) == {}
    assert set(_guard.failures()) >= {"_move", "ota", "transferred"}


def test_somebody_elses_attempt_is_not_judged(hybridobs_capture: Capture, place: Path) -> None:
    """While a process is at work on it, another one's start says nothing about it."""
    with begin(place) as attempt:
        attempt.installed()
        assert ota.resume("1.3.0", directory=place) == ()
    assert len(ota.resume("1.3.0", directory=place)) == 1


def test_a_clock_that_was_never_set_ends_nothing(hybridobs_capture: Capture, place: Path) -> None:
    """Fifty years between two starts are a clock, not an age."""
    with begin(place) as attempt, attempt.phase("download"):
        pass
    (path,) = place.glob("*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "changed_ns": 10**9}))
    (found,) = ota.resume("1.2.0", directory=place)
    assert found.state == State("in_progress", "download")


def test_personal_data_reach_neither_disk_nor_wire(hybridobs_capture: Capture, place: Path) -> None:
    """The state on disk goes through the same redaction as what is sent."""
    mail = "jane.doe@example.com"
    with begin(place, deployment_id=f"for {mail}") as attempt:
        attempt.native("failure", f"could not reach {mail}")
    assert all(mail not in path.read_text() for path in place.iterdir())
    assert mail not in str(hybridobs_capture.events)
    assert len(hybridobs_capture.events) == 2

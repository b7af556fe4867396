"""What may leave a process: which keys, in which form, and how that is counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import hybridobs
from hybridobs import contract
from hybridobs.errors import ConfigError
from hybridobs.sdk import _guard, redact
from hybridobs.sdk._settings import resolve
from tests.sdk.conftest import Wire

SECRET = "0123456789abcdef"


@pytest.fixture
def quiet_wire() -> Iterator[Wire]:
    """An SDK whose requests stay here, with the privacy of those who configure nothing."""
    redact.forget()
    wire = Wire()
    wire.configure(service="test", tier="device", allow=[])
    yield wire
    hybridobs.shutdown(1)
    redact.forget()


def said(wire: Wire, **values: object) -> dict[str, object]:
    """Return what arrives of attributes; ``__`` in a name stands for a dot."""
    with hybridobs.observe(model="m") as call:
        for name, value in values.items():
            call.attribute(name.replace("__", "."), value)  # type: ignore[arg-type]
    found = wire.values(wire.span())
    return {name: found[key] for name in values if (key := name.replace("__", ".")) in found}


def test_an_attribute_that_nobody_allowed_stays(quiet_wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """It is counted each time and said once, with the way out and without the value."""
    assert said(quiet_wire, app__seller="Doe", app__till=7) == {}
    hybridobs.current()
    assert hybridobs.status().redactions == {"not_allowed": 2}
    assert [record.getMessage().count("app.seller") for record in caplog.records if "app." in record.message] == [1, 0]
    assert "Doe" not in caplog.text and "configure(allow=" in caplog.text


def test_what_is_allowed_leaves(quiet_wire: Wire) -> None:
    """By exact key or pattern, from code or environment."""
    quiet_wire.configure(allow=["app.*", "till"])
    assert said(quiet_wire, app__shift="early", till=7, other=1) == {"app__shift": "early", "till": 7}
    assert resolve({}, {"HYBRIDOBS_ALLOW": "app.*, till"}).allow == ("app.*", "till")


def test_every_key_of_the_contract_leaves(quiet_wire: Wire) -> None:
    """And the foreign names that are read as ours."""
    keys = [key for key in (*contract.ATTRIBUTES, *contract.ALIASES) if "<" not in key]
    policy = redact.Policy()
    values = {key: policy.attribute(key, 1) for key in keys}
    assert redact.LEFT_OUT not in values.values()


@pytest.mark.parametrize("key", ["gen_ai.input.messages", "gen_ai.prompt.0.content", "input.value", "db.query.text"])
def test_content_needs_a_word_of_its_own(key: str) -> None:
    """Allowing ``*`` does not send what went into a model and came out of it."""
    redact.forget()
    assert redact.Policy(allow=["*"]).attribute(key, "x") is redact.LEFT_OUT
    assert redact.counts() == {"content": 1}
    assert redact.Policy(allow=["*"], content=True).attribute(key, "x") == "x"
    assert redact.Policy(content=True).attribute(key, "x") is redact.LEFT_OUT


def test_a_key_made_of_data_stays() -> None:
    """A key is a text too."""
    policy = redact.Policy(allow=["*"])
    assert policy.attribute("seen.jane@example.com", 1) is redact.LEFT_OUT
    assert policy.attribute(f"{contract.FEATURE_PREFIX}jane@example.com", 1.0) is redact.LEFT_OUT
    assert policy.attribute("app.10.1.2.3", 1) is redact.LEFT_OUT
    assert policy.attribute("app.layer.3", 1) == 1
    assert policy.attribute("k" * 1000, 1) is redact.LEFT_OUT


@pytest.mark.parametrize(
    ("value", "left"),
    [
        (["a", "jane@example.com"], ["a", "[email]"]),
        (("10.1.2.3",), ["[ip]"]),
        (b"jane@example.com", redact.LEFT_OUT),
        (b"\x00\x01", b"\x00\x01"),
        (4111111111111111, redact.LEFT_OUT),
        (1760000000000000000, 1760000000000000000),
        (True, True),
        ("x" * 5000, "x" * 1024),
    ],
)
def test_values_of_every_type(value: object, left: object) -> None:
    """Lists item by item; what cannot be mended is left out."""
    assert redact.Policy(allow=["*"]).attribute("app.value", value) == left


def test_coordinates_lose_their_precision(quiet_wire: Wire) -> None:
    """As numbers and texts, by the names that such attributes have; features too."""
    quiet_wire.configure(allow=["geo.*"])
    with hybridobs.observe(model="m") as call:
        call.set_attribute("geo.location.lat", 48.137154)
        call.set_attribute("geo.location.lon", "11.576124")
        call.features(latitude=48.137154, brightness=0.123456)
    found = quiet_wire.values(quiet_wire.span())
    assert (found["geo.location.lat"], found["geo.location.lon"]) == (48.14, "11.58")
    assert found["hybridobs.feature.latitude"] == 48.14
    assert found["hybridobs.feature.brightness"] == 0.123456


def test_ids_are_hashed_with_a_key(tmp_path: Path) -> None:
    """The name of the key stands before 32 digits, so a rotation is seen; a hash is not hashed again."""
    keys = tmp_path / "keys"
    keys.write_text(f"k1:{SECRET}\n")
    hybridobs.configure(hash_key_file=keys, shutdown_timeout=0)
    first = hybridobs.hash_id("jane@example.com")
    assert first.startswith("k1:") and len(first) == 35 and "jane" not in first
    assert hybridobs.hash_id("jane@example.com") == first == hybridobs.hash_id(first)
    keys.write_text(f"k2:{SECRET[::-1]}\nk1:{SECRET}\n")
    hybridobs.configure(hash_key_file=keys, shutdown_timeout=0)
    second = hybridobs.hash_id("jane@example.com")
    assert second.startswith("k2:") and second[3:] != first[3:]


def test_the_key_is_not_shown() -> None:
    """Neither by the settings nor by what is said of a bad one."""
    assert SECRET not in repr(resolve({"hash_key": f"k1:{SECRET}"}))
    assert "short" not in str(redact.find_key("k1:short", ""))


def test_an_id_without_a_key_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """It is said and counted, and the id does not leave."""
    redact.forget()
    policy = redact.Policy(find_key=lambda: redact.find_key("", "/nowhere/keys"))
    assert policy.attribute(contract.PSEUDO_ID, "jane") is redact.LEFT_OUT
    assert redact.counts() == {"no_key": 1}
    assert "left out" in caplog.text and "jane" not in caplog.text


def test_a_place_that_is_no_number_stays(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it says is about a place: it is counted, and the log has nothing of it."""
    redact.forget()
    assert redact.Policy(allow=["*"]).attribute("geo.lat", "Hauptstrasse 7") is redact.LEFT_OUT
    assert redact.counts() == {"location": 1}
    assert "Hauptstrasse" not in caplog.text


def test_the_log_of_an_ignored_value_has_no_personal_data(quiet_wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """A value that makes no sense is shown as it might leave."""
    _guard.forget()
    hybridobs.feedback("jane.doe@example.com", outcome="true_accept")
    with hybridobs.observe(model="m") as call:
        call.confidence("+49 170 1234567")  # type: ignore[arg-type]
        call.batch(-4111111111111111)
    assert len(caplog.records) == 3 and "[email]" in caplog.text
    assert not [secret for secret in ("jane", "1234567", "4111") if secret in caplog.text]


def test_a_failing_policy_leaks_nothing(quiet_wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application goes on, the value stays here, and both are counted."""

    def broken(*_: object, **__: object) -> str:
        raise RuntimeError

    monkeypatch.setattr("hybridobs.privacy.scan.Scanner.text", broken)
    policy = redact.Policy()
    assert policy.attribute(contract.ROUTE_REASON, "jane@example.com") is redact.LEFT_OUT
    assert hybridobs.status().redactions["failed"] == 1


@pytest.mark.parametrize(
    "wrong",
    [{"redact": {"a": "("}}, {"redact": {"a b": "x"}}, {"allow": 7}, {"location_decimals": 9}, {"content": "maybe"}],
)
def test_a_wrong_setting_is_said_at_once(wrong: dict[str, object]) -> None:
    """Before anything is recorded."""
    with pytest.raises(ConfigError):
        resolve(wrong)

"""Tokens: who may send, who may read, and what everybody else is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridobs.collector import token_line
from hybridobs.collector.access._file import AccessFile
from hybridobs.errors import ConfigError
from tests.access.conftest import DEVICE, VIEWER, ask, call, counted, post, serving

UNKNOWN = "a-token-that-nobody-gave"


def test_a_token_lets_in_over_http(tmp_path: Path, access: Path) -> None:
    """The right token is taken, none and a wrong one are told how to do it, and nothing of theirs is counted."""
    with serving(tmp_path, access=access) as collector:
        assert [post(collector, token) for token in (DEVICE, "", UNKNOWN)] == [200, 401, 401]
        _, _, headers = ask(f"{collector.http_url}/v1/traces", body=b"x")
    assert headers["WWW-Authenticate"] == "Bearer"
    assert counted(tmp_path) == 1


def test_a_token_lets_in_over_grpc(tmp_path: Path, access: Path) -> None:
    """The same with gRPC's own codes."""
    with serving(tmp_path, access=access) as collector:
        said = [call(collector, token) for token in (DEVICE, "", UNKNOWN)]
        assert said == ["OK", "UNAUTHENTICATED", "UNAUTHENTICATED"]
        assert call(collector, VIEWER) == "PERMISSION_DENIED"


def test_a_device_may_not_read(tmp_path: Path, access: Path) -> None:
    """A token taken off a device shows nobody the numbers of the fleet, and a dashboard's cannot write."""
    with serving(tmp_path, access=access) as collector:
        metrics = f"{collector.http_url}/metrics"
        assert [ask(metrics, token)[0] for token in (VIEWER, DEVICE, "")] == [200, 403, 401]
        assert post(collector, VIEWER) == 403


def test_health_is_open(tmp_path: Path, access: Path) -> None:
    """A load balancer needs no token."""
    with serving(tmp_path, access=access) as collector:
        assert [ask(f"{collector.http_url}{path}")[0] for path in ("/healthz", "/readyz")] == [200, 200]


def test_metrics_may_be_open(tmp_path: Path, access: Path) -> None:
    """With the option anybody may scrape."""
    with serving(tmp_path, access=access, open_metrics=True) as collector:
        assert ask(f"{collector.http_url}/metrics")[0] == 200


def test_who_is_turned_away_is_counted(tmp_path: Path, access: Path) -> None:
    """By why, and never with the token."""
    with serving(tmp_path, access=access) as collector:
        post(collector, UNKNOWN)
        post(collector, VIEWER)
        _, text, _ = ask(f"{collector.http_url}/metrics", VIEWER)
    assert 'turned_away_total{reason="unauthenticated"} 1.0' in text
    assert 'turned_away_total{reason="forbidden"} 1.0' in text
    assert UNKNOWN not in text


def test_an_unknown_sender_is_not_read(tmp_path: Path, access: Path) -> None:
    """Whoever has no token is answered before its body is received."""
    import http.client

    with serving(tmp_path, access=access) as collector:
        connection = http.client.HTTPConnection(collector.http_url.removeprefix("http://"), timeout=10)
        connection.putrequest("POST", "/v1/traces")
        connection.putheader("Content-Length", str(60 * 1024 * 1024))
        connection.endheaders(b"the first few bytes of many")
        assert connection.getresponse().status == 401
        connection.close()


def test_a_changed_file_is_read_again(access: Path) -> None:
    """A new token works and a removed one does not, within a second and without a restart."""
    now = [0.0]
    file = AccessFile(access, lambda: now[0])
    file.load()
    access.write_text(token_line("acme", "send", UNKNOWN))
    assert file.grants().of_token(DEVICE) is None
    found = file.grants().of_token(UNKNOWN)
    assert found is not None and found.tenant == "acme"


def test_a_file_that_breaks_changes_nothing(access: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What it said before holds, and the log says what is wrong."""
    now = [0.0]
    file = AccessFile(access, lambda: now[0])
    file.load()
    access.write_text("acme nonsense secret-secret-secret")
    assert file.grants().of_token(DEVICE) is not None
    assert "line 1" in caplog.text and "secret-secret" not in caplog.text
    access.unlink()
    now[0] += 2
    assert file.grants().of_token(DEVICE) is not None
    assert "is gone" in caplog.text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "lets nobody in"),
        ("acme send", "2 words"),
        ("ACME send a-token-that-is-long", "tenant 'ACME'"),
        ("../up send a-token-that-is-long", "tenant"),
        ("acme write a-token-that-is-long", "no right"),
        ("acme send short", "16 characters"),
        ("acme send sha256:xyz", "64 hexadecimal"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, text: str, says: str) -> None:
    """With its number and what to write, without what may be a secret."""
    file = tmp_path / "access.txt"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(ConfigError, match=says) as caught:
        AccessFile(file).load()
    assert not text.split()[2:] or text.split()[2] not in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "who", "says"),
    [
        (0o644, "a-token-that-is-long", "chmod o-r"),
        (0o602, "name:*.example", "chmod o-w"),
        (0o644, f"sha256:{'0' * 64}", ""),
        (0o640, "a-token-that-is-long", ""),
    ],
)
def test_a_file_that_others_can_use_is_refused(tmp_path: Path, mode: int, who: str, says: str) -> None:
    """Others may read hashes, never tokens, and write neither."""
    file = tmp_path / "access.txt"
    file.write_text(f"acme send {who}\n")
    file.chmod(mode)
    if not says:
        assert AccessFile(file).load().tenants == ("acme",)
        return
    with pytest.raises(ConfigError, match=says):
        AccessFile(file).load()

"""TLS and client certificates on both transports."""

from __future__ import annotations

import logging
import ssl
import urllib.error
import urllib.parse
from pathlib import Path

import pytest

from hybridobs.collector import Relay, RelayLimits, Tls
from hybridobs.collector.access import _tls
from hybridobs.errors import ConfigError
from hybridobs.sdk.hop import HttpPost, Outcome, resolve
from tests.access.conftest import DEVICE, Certificates, ask, call, counted, post, serving
from tests.collector.conftest import request, span
from tests.relay.conftest import until


def test_tls(tmp_path: Path, certificates: Certificates) -> None:
    """Both transports show the certificate, and a sender who does not trust it does not send."""
    with serving(tmp_path, tls=certificates.tls()) as collector:
        assert collector.http_url.startswith("https://")
        assert post(collector, context=certificates.context()) == 200
        assert call(collector, credentials=certificates.credentials(), numbers=[2]) == "OK"
        with pytest.raises(urllib.error.URLError):
            post(collector, context=ssl.create_default_context())
    assert counted(tmp_path) == 2


def test_a_client_certificate_lets_in(tmp_path: Path, certificates: Certificates) -> None:
    """Whoever has none, or one of somebody else's authority, is not let in; health stays open."""
    with serving(tmp_path, tls=certificates.tls(mutual=True)) as collector:
        assert post(collector, context=certificates.context(certificates.till)) == 200
        assert call(collector, credentials=certificates.credentials(certificates.till), numbers=[2]) == "OK"
        assert post(collector, context=certificates.context()) == 401
        assert call(collector, credentials=certificates.credentials(), numbers=[3]) == "UNAVAILABLE"
        with pytest.raises((urllib.error.URLError, ssl.SSLError, ConnectionError)):
            post(collector, context=certificates.context(certificates.stranger))
        assert ask(f"{collector.http_url}/readyz", context=certificates.context())[0] == 200
    assert counted(tmp_path) == 2


def test_the_name_in_a_certificate_says_whose_it_is(tmp_path: Path, access: Path, certificates: Certificates) -> None:
    """A line of the access file names certificates; without one the certificate alone is not enough."""
    with serving(tmp_path, access=access, tls=certificates.tls(mutual=True)) as collector:
        context, credentials = certificates.context(certificates.till), certificates.credentials(certificates.till)
        assert post(collector, context=context) == 401
        assert post(collector, DEVICE, context=context) == 200
    access.write_text("acme send name:*.acme.example\n")
    with serving(tmp_path, access=access, tls=certificates.tls(mutual=True)) as collector:
        assert post(collector, context=context, numbers=[2]) == 200
        assert call(collector, credentials=credentials, numbers=[3]) == "OK"
        assert ask(f"{collector.http_url}/metrics", context=context)[0] == 403


def test_half_a_certificate_is_refused(certificates: Certificates, tmp_path: Path) -> None:
    """A missing key, and files that are no certificates, are named before anything listens."""
    with pytest.raises(ConfigError, match="both"):
        Tls(certificates.server[0], "")
    (tmp_path / "broken.pem").write_text("no certificate")
    broken = Tls(tmp_path / "broken.pem", certificates.server[1])
    with pytest.raises(ConfigError, match=r"broken\.pem"), serving(tmp_path, tls=broken):
        pass


def test_a_renewed_certificate_is_used(tmp_path: Path, certificates: Certificates) -> None:
    """gRPC asks at each handshake; where nothing changed it hears so, and a file that is gone changes nothing."""
    for name, path in zip(("server.pem", "server.key"), certificates.server, strict=True):
        (tmp_path / name).write_bytes(path.read_bytes())
    tls = Tls(tmp_path / "server.pem", tmp_path / "server.key")
    tls.credentials()
    assert tls._changed() is None
    (tmp_path / "server.pem").write_bytes(certificates.till[0].read_bytes())
    assert tls._changed() is not None
    (tmp_path / "server.pem").unlink()
    assert tls._changed() is None


def test_half_a_renewal_changes_nothing(
    tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The certificate is there before its key: both transports show the old one until the other half has come."""
    caplog.set_level(logging.INFO, _tls.__name__)
    monkeypatch.setattr(_tls, "_LOOK_SECONDS", 0.01)
    own = tmp_path / "own.pem", tmp_path / "own.key"
    for file, path in zip(own, certificates.server, strict=True):
        file.write_bytes(path.read_bytes())
    with serving(tmp_path, tls=Tls(*own)) as collector:
        own[0].write_bytes(certificates.till[0].read_bytes())
        until(lambda: "the old one stays" in caplog.text)
        assert post(collector, context=certificates.context()) == 200
        assert call(collector, credentials=certificates.credentials(), numbers=[2]) == "OK"
        own[1].write_bytes(certificates.till[1].read_bytes())
        until(lambda: "is used now" in caplog.text)
        shown = ssl.get_server_certificate(("127.0.0.1", urllib.parse.urlsplit(collector.http_url).port or 0))
    assert shown == certificates.till[0].read_text()


def test_a_device_shows_token_and_certificate(tmp_path: Path, access: Path, certificates: Certificates) -> None:
    """The SDK's own settings reach a collector that wants both; a token file is read again."""
    token = tmp_path / "token"
    token.write_text("a-token-that-nobody-gave\n")
    with serving(tmp_path, access=access, tls=certificates.tls(mutual=True)) as collector:
        given = {"endpoint": collector.http_url, "certificate": str(certificates.ca), "token_file": str(token)}
        own = {"client_certificate": str(certificates.till[0]), "client_key": str(certificates.till[1])}
        send = HttpPost(resolve({**given, **own}, {}))
        assert send("traces", request([span(1)]), 30).outcome is Outcome.RETRY
        token.write_text(f"{DEVICE}\n")
        assert send("traces", request([span(1)]), 30).outcome is Outcome.SENT
        token.unlink()
        assert send("traces", request([span(2)]), 30).outcome is Outcome.RETRY
    assert counted(tmp_path) == 1


def test_a_relay_on_both_sides(tmp_path: Path, access: Path, certificates: Certificates) -> None:
    """Devices show the relay their token, and the relay shows its own and its certificate to the collector."""
    with serving(tmp_path, access=access, tls=certificates.tls(mutual=True)) as collector:
        relay = Relay(
            collector.http_url,
            spool=tmp_path / "spool",
            http="127.0.0.1:0",
            grpc=None,
            keep=RelayLimits(first_backoff=0.05),
            token=DEVICE,
            certificate=str(certificates.ca),
            client_certificate=str(certificates.till[0]),
            client_key=str(certificates.till[1]),
            access=access,
        )
        with relay.running():
            assert ask(f"{relay.http_url}/v1/traces", body=request([span(1)]))[0] == 401
            assert ask(f"{relay.http_url}/v1/traces", DEVICE, request([span(1)]))[0] == 200
            until(lambda: counted(tmp_path) == 1)

"""Collectors that ask who is there, and senders that say it."""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme

from hybridobs.collector import Collector, Tls, token_line
from hybridobs.store import Store
from tests.collector.conftest import EXPORT, request, span

DEVICE, VIEWER, OTHER = "device-token-of-acme-1", "viewer-token-of-acme-1", "device-token-of-beta-1"


@pytest.fixture
def access(tmp_path: Path) -> Path:
    """An access file: acme may send with one token and read with another."""
    file = tmp_path / "access.txt"
    file.write_text(f"# who\n\n{token_line('acme', 'send', DEVICE)}\n{token_line('acme', 'read', VIEWER)}\n")
    file.chmod(0o600)
    return file


@contextmanager
def serving(tmp_path: Path, name: str = "store", **settings: Any) -> Iterator[Collector]:
    """A collector on free ports."""
    url = f"sqlite:///{tmp_path}/{name}.db"
    with Collector(url, http="127.0.0.1:0", grpc="127.0.0.1:0", **settings).running() as collector:
        yield collector


def ask(
    url: str, token: str = "", body: bytes | None = None, context: ssl.SSLContext | None = None
) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of one request over HTTP."""
    headers = {"Content-Type": "application/x-protobuf"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30, context=context) as answer:
            return answer.status, answer.read().decode("utf-8", "replace"), dict(answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode("utf-8", "replace"), dict(error.headers)


def post(collector: Collector, token: str = "", numbers: Sequence[int] = (1,), **options: Any) -> int:
    """Send spans; the HTTP status."""
    return ask(f"{collector.http_url}/v1/traces", token, request([span(number) for number in numbers]), **options)[0]


def call(collector: Collector, token: str = "", credentials: Any = None, numbers: Sequence[int] = (1,)) -> str:
    """Send spans over gRPC; the name of the status."""
    target = collector.grpc_target
    options = [("grpc.ssl_target_name_override", "localhost")]
    channel = grpc.secure_channel(target, credentials, options) if credentials else grpc.insecure_channel(target)
    with channel:
        export: Any = channel.unary_unary(EXPORT)
        metadata = [("authorization", f"Bearer {token}")] if token else None
        try:
            export(request([span(number) for number in numbers]), timeout=30, metadata=metadata)
        except grpc.RpcError as error:
            return str(error.code().name)
        return "OK"


def counted(tmp_path: Path, name: str = "store") -> int:
    """Numbers counted in one store."""
    with Store.open(f"sqlite:///{tmp_path}/{name}.db", create=False) as store:
        return sum(stream.counted for stream in store.streams())


class Certificates:
    """A certificate authority, the server's certificate and two clients'."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca)
        self.server = _written(authority.issue_cert("localhost", "127.0.0.1"), folder / "server")
        self.till = _written(authority.issue_cert(common_name="till-7.acme.example"), folder / "till")
        self.stranger = _written(trustme.CA().issue_cert(common_name="till-7.acme.example"), folder / "stranger")

    def tls(self, *, mutual: bool = False) -> Tls:
        """What the collector shows."""
        return Tls(*self.server, client_ca=self.ca if mutual else None)

    def context(self, client: tuple[Path, Path] | None = None) -> ssl.SSLContext:
        """What an HTTP client trusts and shows."""
        made = ssl.create_default_context(cafile=str(self.ca))
        if client is not None:
            made.load_cert_chain(*client)
        return made

    def credentials(self, client: tuple[Path, Path] | None = None) -> Any:
        """The same for gRPC."""
        own = [path.read_bytes() for path in client] if client is not None else [None, None]
        return grpc.ssl_channel_credentials(self.ca.read_bytes(), own[1], own[0])


def _written(made: trustme.LeafCert, place: Path) -> tuple[Path, Path]:
    certificate, key = place.with_suffix(".pem"), place.with_suffix(".key")
    made.cert_chain_pems[0].write_to_path(certificate)
    made.private_key_pem.write_to_path(key)
    return certificate, key


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Made once; nothing changes them."""
    return Certificates(tmp_path_factory.mktemp("certificates"))

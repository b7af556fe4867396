"""TLS of both transports: the server's certificate, and whose certificates its clients must have.

Certificate and key are read again when they change, so that a renewed one needs no restart.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc

from hybridobs.errors import ConfigError

log = logging.getLogger(__name__)

_LOOK_SECONDS = 30.0


class Tls:
    """PEM files: ``certificate`` (with its chain) and ``key`` of the server, ``client_ca`` of its clients.

    With ``client_ca`` whoever sends or reads needs a certificate that it signed. ConfigError for half a setting.
    """

    def __init__(self, certificate: str | Path, key: str | Path, *, client_ca: str | Path | None = None) -> None:
        if not certificate or not key:
            raise ConfigError("tls", str(certificate or key), "give a certificate and its key, both")
        self.certificate = Path(certificate)
        self.key = Path(key)
        self.client_ca = Path(client_ca) if client_ca else None
        self._context: ssl.SSLContext | None = None
        self._shown: tuple[bytes, bytes] = (b"", b"")

    def context(self) -> ssl.SSLContext:
        """For HTTP; ConfigError for files that cannot be used. It asks for a certificate, the door insists on it."""
        self._context = self._loaded()
        return self._context

    def _loaded(self) -> ssl.SSLContext:
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        try:
            made.load_cert_chain(self.certificate, self.key)
            if self.client_ca is not None:
                made.load_verify_locations(self.client_ca)
                made.verify_mode = ssl.CERT_OPTIONAL
        except (OSError, ssl.SSLError) as error:
            shown = f"{self.certificate}, {self.key}" + (f", {self.client_ca}" if self.client_ca else "")
            raise ConfigError("tls", shown, f"cannot be used: {error}") from error
        return made

    def credentials(self) -> Any:
        """For gRPC; ConfigError for files that cannot be used."""
        self._loaded()
        self._shown = self._pair()
        return grpc.dynamic_ssl_server_credentials(
            self._configuration(self._shown), self._changed, self.client_ca is not None
        )

    async def watch(self) -> None:
        """Give HTTP a renewed certificate, until cancelled."""
        seen = self._pair()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                found = self._pair()
                if found != seen and self._context is not None:
                    self._renew(self._context)
                    log.info("%s changed and is used now", self.certificate)
                seen = found
            except (OSError, ssl.SSLError) as error:
                log.warning("%s changed and cannot be used; the old one stays: %s", self.certificate, error)

    def _renew(self, context: ssl.SSLContext) -> None:
        """Load the files elsewhere first: a context takes a certificate before it sees that its key is another one."""
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key)
        context.load_cert_chain(self.certificate, self.key)

    def _changed(self) -> Any:
        """Asked by gRPC at each handshake: None where nothing changed."""
        try:
            found = self._pair()
        except OSError:
            return None
        if found == self._shown:
            return None
        self._shown = found
        return self._configuration(found)

    def _pair(self) -> tuple[bytes, bytes]:
        return self.key.read_bytes(), self.certificate.read_bytes()

    def _configuration(self, pair: tuple[bytes, bytes]) -> Any:
        roots = self.client_ca.read_bytes() if self.client_ca is not None else None
        return grpc.ssl_server_certificate_configuration([pair], roots)


def names_of(certificate: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Common name and alternative names of a checked certificate, as Python's ssl gives it."""
    if not certificate:
        return ()
    subject = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    return (*subject, *(value for _, value in certificate.get("subjectAltName", ())))

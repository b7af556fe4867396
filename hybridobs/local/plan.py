"""What runs where: the addresses of a stack, the configuration files of its parts, and the parts in order."""

from __future__ import annotations

import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from hybridobs.contract import ENV_PREFIX
from hybridobs.errors import ConfigError
from hybridobs.local.part import Part
from hybridobs.local.place import Place
from hybridobs.local.prometheus import configuration

PROMETHEUS = ("prometheus",)
ALERTMANAGER = ("prometheus-alertmanager", "alertmanager")  # Debian's name, everybody else's
INSTALL = "apt-get install prometheus prometheus-alertmanager"
_KEPT = "15d"


class Addresses(NamedTuple):
    """``HOST:PORT`` of each part."""

    http: str = "127.0.0.1:4318"
    grpc: str = "127.0.0.1:4317"
    prometheus: str = "127.0.0.1:9090"
    alertmanager: str = "127.0.0.1:9093"


class Alerting(NamedTuple):
    """``rules`` are files for Prometheus by name, ``manager`` is the configuration of an Alertmanager."""

    rules: Mapping[str, str]
    manager: str


class Plan(NamedTuple):
    """``parts`` in the order in which they start; ``urls`` for people; ``missing`` says what is not installed."""

    parts: tuple[Part, ...]
    store: str
    urls: Mapping[str, str]
    missing: str


def plan(place: Place, addresses: Addresses, alerting: Alerting, collector: Path | None = None) -> Plan:
    """Write the configuration of everything that is installed, and say how it is run.

    ``collector`` is a collector as code, in the place of the default one. ConfigError for an address in use.
    """
    store = f"sqlite:///{place.directory / 'hybridobs.db'}"
    prometheus, manager = _program(PROMETHEUS), _program(ALERTMANAGER)
    parts = [_collector(place, addresses, store, collector)]
    urls = {"OTLP": f"http://{addresses.http}", "OTLP/gRPC": addresses.grpc, "live": f"http://{addresses.http}/metrics"}
    used = {"http": addresses.http, "grpc": addresses.grpc}
    if prometheus and manager:
        parts.append(_alertmanager(place, addresses, manager, alerting.manager))
        urls["Alertmanager"], used["alertmanager"] = f"http://{addresses.alertmanager}", addresses.alertmanager
    if prometheus:
        told = addresses.alertmanager if manager else None
        parts.append(_prometheus(place, addresses, prometheus, alerting.rules, told))
        urls["Prometheus"], used["prometheus"] = f"http://{addresses.prometheus}", addresses.prometheus
    _require_free(used)
    return Plan(tuple(parts), store, urls, "; ".join(_missing(prometheus, manager)))


def _missing(prometheus: str | None, manager: str | None) -> Iterator[str]:
    if not prometheus:
        yield f"Prometheus is not installed, so there is no PromQL and no alert: {INSTALL}"
    elif not manager:
        yield f"Alertmanager is not installed, so alerts reach nobody: {INSTALL}"


def _program(names: tuple[str, ...]) -> str | None:
    return next(filter(None, map(shutil.which, names)), None)


def _collector(place: Place, addresses: Addresses, store: str, file: Path | None) -> Part:
    command = [sys.executable, "-m", "hybridobs", "collector", "run", *([str(file.absolute())] if file else [])]
    command += ["--store", store, "--http", addresses.http, "--grpc", addresses.grpc]
    folder = place.part("collector")
    unbuffered = {"PYTHONUNBUFFERED": "1", f"{ENV_PREFIX}STORE": store}
    return Part("collector", tuple(command), f"http://{addresses.http}/readyz", folder / "log", unbuffered)


def _alertmanager(place: Place, addresses: Addresses, program: str, manager: str) -> Part:
    folder = place.part("alertmanager")
    (folder / "alertmanager.yml").write_text(manager)
    command = [
        program,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={addresses.alertmanager}",
        "--cluster.listen-address=",  # alone, and no port of a cluster
    ]
    return Part("alertmanager", tuple(command), f"http://{addresses.alertmanager}/-/ready", folder / "log")


def _prometheus(place: Place, addresses: Addresses, program: str, rules: Mapping[str, str], told: str | None) -> Part:
    folder = place.part("prometheus")
    for name, text in rules.items():
        (folder / name).write_text(text)
    (folder / "prometheus.yml").write_text(configuration(addresses.http, told, list(rules)))
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--storage.tsdb.retention.time={_KEPT}",
        f"--web.listen-address={addresses.prometheus}",
        "--enable-feature=exemplar-storage",
    ]
    return Part("prometheus", tuple(command), f"http://{addresses.prometheus}/-/ready", folder / "log")


def _require_free(addresses: Mapping[str, str]) -> None:
    """ConfigError that names the option when somebody listens there already."""
    for key, address in addresses.items():
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ConfigError(key, address, "give HOST:PORT, for example 127.0.0.1:4318")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host.strip("[]"), int(port)))
            except OSError as error:
                way_out = f"cannot listen there ({error.strerror}); stop what does, or choose another with --{key}"
                raise ConfigError(key, address, way_out) from error

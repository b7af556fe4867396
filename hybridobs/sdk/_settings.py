"""Every setting in one table, resolved by one rule: argument, then ``HYBRIDOBS_*``, then ``OTEL_*``, then the default.

A wrong argument is the programmer's and raises :class:`hybridobs.errors.ConfigError`. A wrong environment variable
belongs to whoever runs the program: it is logged and the next source is used, for telemetry must not stop a host.
"""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from hybridobs import contract
from hybridobs.errors import ConfigError
from hybridobs.privacy import DECIMALS, compiled
from hybridobs.sdk import _hosts
from hybridobs.sdk._guard import log

TIERS = ("device", "site", "cloud")
COMPRESSIONS = ("gzip", "deflate", "none")
RESOURCE_VARIABLE = "OTEL_RESOURCE_ATTRIBUTES"
Environment = Mapping[str, str]
Parse = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, checked; times in seconds, sizes in bytes."""

    service: str = "unknown_service"
    service_version: str = ""
    environment: str = ""
    tier: str = ""
    cohort: str = ""
    channel: str = ""
    site: str = ""
    device_class: str = ""
    power_source: str = ""
    installation_id: str = ""
    resource: Mapping[str, str] = dataclasses.field(default_factory=dict)
    endpoint: str = "http://127.0.0.1:4318"
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)
    token: str = dataclasses.field(default="", repr=False)
    token_file: str = ""
    timeout: float = 10.0
    compression: str = "gzip"
    certificate: str = ""
    client_certificate: str = ""
    client_key: str = ""
    interval: float = 1.0
    queue_bytes: int = 16 * 1024 * 1024
    batch_records: int = 2048
    shutdown_timeout: float = 5.0
    spool: str = ""
    baggage_hosts: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    redact: Mapping[str, re.Pattern[str]] = dataclasses.field(default_factory=dict)
    content: bool = False
    location_decimals: int = DECIMALS
    hash_key: str = dataclasses.field(default="", repr=False)
    hash_key_file: str = ""
    disabled: bool = False


class Setting(NamedTuple):
    """One row: ``otel`` are the variables read after ``HYBRIDOBS_<NAME>``; ``VARIABLE:key`` picks one pair.

    What is ``secret`` is never repeated in a message.
    """

    name: str
    parse: Parse
    brief: str
    otel: tuple[str, ...] = ()
    secret: bool = False

    def shown(self, value: object) -> object:
        """The value as a message may show it."""
        return "..." if self.secret else value

    @property
    def variable(self) -> str:
        """The environment variable of our own."""
        return contract.ENV_PREFIX + self.name.upper()


class _UnusableError(ValueError):
    """A value cannot be used; the message is the way out."""


def _label(value: Any) -> str:
    if not isinstance(value, str) or not value or len(value) > contract.LABEL_MAX_CHARS:
        raise _UnusableError(f"give a string of 1 to {contract.LABEL_MAX_CHARS} characters")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, (str, os.PathLike)):
        raise _UnusableError("give a string")
    return os.fspath(value)


def _token(value: Any) -> str:
    if not isinstance(value, str) or not value.isascii() or not value.isprintable() or " " in value.strip():
        raise _UnusableError("give the token alone: no blank, no line break, ASCII only")
    return value.strip()


def _one_of(choices: tuple[str, ...]) -> Parse:
    def parse(value: Any) -> str:
        if value not in choices:
            raise _UnusableError(f"use one of {', '.join(choices)}")
        return str(value)

    return parse


def _url(value: Any) -> str:
    try:
        parts = urlsplit(value)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except (ValueError, TypeError, AttributeError):
        fine = False
    if not fine:
        raise _UnusableError("give the address of an OTLP/HTTP receiver, such as http://127.0.0.1:4318")
    return str(value).rstrip("/")


def _between(lowest: float, highest: float, unit: str) -> Parse:
    def parse(value: Any) -> float:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not lowest <= number <= highest:
            raise _UnusableError(f"give a number of {unit} from {lowest:g} to {highest:g}")
        return number

    return parse


def _whole(lowest: int, highest: int, unit: str) -> Parse:
    number = _between(lowest, highest, unit)
    return lambda value: int(number(value))


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    word = str(value).strip().lower()
    if word not in words:
        raise _UnusableError("use true or false")
    return words[word]


def _pairs(value: Any) -> dict[str, str]:
    """Take a mapping, or the ``key=value,key=value`` of OpenTelemetry's variables (values percent-encoded)."""
    if isinstance(value, Mapping):
        return {str(key): str(item) for key, item in value.items()}
    if not isinstance(value, str):
        raise _UnusableError("give a mapping")
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    if not all(key.strip() and separator for key, separator, _ in pairs):
        raise _UnusableError("write key=value,key=value")
    return {unquote(key.strip()): unquote(item.strip()) for key, _, item in pairs}


def _host_patterns(value: Any) -> tuple[str, ...]:
    """Take patterns, or the same in one string with commas between them."""
    items = value.split(",") if isinstance(value, str) else value
    try:
        return tuple(_hosts.pattern(item) for item in items if item)
    except ValueError as wrong:
        raise _UnusableError(str(wrong)) from None
    except (TypeError, AttributeError):
        raise _UnusableError("give a list of host names") from None


def _key_patterns(value: Any) -> tuple[str, ...]:
    """Take patterns of attribute keys, or the same in one string with commas between them."""
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple | set | frozenset) or not all(isinstance(item, str) for item in items):
        raise _UnusableError("give a list of attribute keys; * stands for anything, as in app.*")
    return tuple(item.strip() for item in items if item.strip())


def _rules(value: Any) -> dict[str, re.Pattern[str]]:
    try:
        return compiled(_pairs(value))
    except ValueError as wrong:
        raise _UnusableError(str(wrong)) from None


def _from_resource(key: str) -> str:
    return f"{RESOURCE_VARIABLE}:{key}"


_OTLP = "OTEL_EXPORTER_OTLP_"
TABLE: tuple[Setting, ...] = (
    Setting(
        "service",
        _label,
        "Logical name of the service.",
        ("OTEL_SERVICE_NAME", _from_resource(contract.SERVICE_NAME)),
    ),
    Setting("service_version", _label, "Version of the application.", (_from_resource(contract.SERVICE_VERSION),)),
    Setting("environment", _label, "Deployment environment.", (_from_resource(contract.ENVIRONMENT),)),
    Setting(
        "tier", _one_of(TIERS), "Where the model answers: device, site or cloud.", (_from_resource(contract.TIER),)
    ),
    Setting("cohort", _label, "Who the device or user is for analysis.", (_from_resource(contract.COHORT),)),
    Setting("channel", _label, "Release channel: beta, canary, stable.", (_from_resource(contract.CHANNEL),)),
    Setting("site", _label, "Bounded name of the place.", (_from_resource(contract.SITE),)),
    Setting("device_class", _label, "Bounded device class.", (_from_resource(contract.DEVICE_CLASS),)),
    Setting(
        "power_source",
        _one_of(("battery", "mains", "vehicle")),
        "battery, mains or vehicle.",
        (_from_resource(contract.POWER_SOURCE),),
    ),
    Setting(
        "installation_id",
        _label,
        "Id of the installation; a keyed hash of the machine id if not given.",
        (_from_resource(contract.INSTALLATION_ID),),
    ),
    Setting("resource", _pairs, "Further resource attributes.", (RESOURCE_VARIABLE,)),
    Setting("endpoint", _url, "Where to send: base address of an OTLP/HTTP receiver.", (f"{_OTLP}ENDPOINT",)),
    Setting("headers", _pairs, "HTTP headers of every request.", (f"{_OTLP}HEADERS",), secret=True),
    Setting("token", _token, "Bearer token of every request.", secret=True),
    Setting("token_file", _text, "File of that token; read again when it changes."),
    Setting("timeout", _between(0.001, 3600, "seconds"), "Seconds for one request.", (f"{_OTLP}TIMEOUT",)),
    Setting("compression", _one_of(COMPRESSIONS), "gzip, deflate or none.", (f"{_OTLP}COMPRESSION",)),
    Setting("certificate", _text, "File of CA certificates to trust.", (f"{_OTLP}CERTIFICATE",)),
    Setting("client_certificate", _text, "File of the client certificate.", (f"{_OTLP}CLIENT_CERTIFICATE",)),
    Setting("client_key", _text, "File of the client's private key.", (f"{_OTLP}CLIENT_KEY",)),
    Setting("interval", _between(0.01, 3600, "seconds"), "Seconds between two sends."),
    Setting("queue_bytes", _whole(1, 2**40, "bytes"), "Most memory for what waits to be sent."),
    Setting("batch_records", _whole(1, 1_000_000, "records"), "Most records in one request."),
    Setting("shutdown_timeout", _between(0, 3600, "seconds"), "Longest wait for the last send at exit."),
    Setting("spool", _text, "Directory of the durable spool; what waits is kept in memory if empty."),
    Setting("baggage_hosts", _host_patterns, "Hosts that may learn cohort, channel and device class; none by default."),
    Setting("allow", _key_patterns, "Keys of further attributes that may leave; * stands for anything."),
    Setting("redact", _rules, "Own rules: name and regular expression of what must not leave."),
    Setting("content", _switch, "Let inputs and outputs of models leave, where their keys are allowed as well."),
    Setting(
        "location_decimals", _whole(0, 6, "places"), "Decimal places that are kept of a coordinate; 2 is about 1 km."
    ),
    Setting("hash_key", _text, "Key to hash ids with, as name:secret.", secret=True),
    Setting("hash_key_file", _text, "File of such keys, one a line, the one in use first."),
    Setting("disabled", _switch, "Record nothing at all.", ("OTEL_SDK_DISABLED",)),
)


def resolve(arguments: Mapping[str, object], environment: Environment | None = None) -> Settings:
    """Return the settings in force; None among the arguments means not given."""
    environment = os.environ if environment is None else environment
    found: dict[str, Any] = {}
    for setting in TABLE:
        given = arguments.get(setting.name)
        if given is not None:
            try:
                found[setting.name] = setting.parse(given)
            except _UnusableError as wrong:
                raise ConfigError(setting.name, setting.shown(given), str(wrong)) from None
        else:
            _from_environment(setting, environment, found)
    return Settings(**found)


def _from_environment(setting: Setting, environment: Environment, found: dict[str, Any]) -> None:
    for variable in (setting.variable, *setting.otel):
        text = _look_up(variable, environment)
        if text:
            try:
                found[setting.name] = setting.parse(text)
            except _UnusableError as wrong:
                log.warning("hybridobs ignores %s=%r: %s", variable.replace(":", " "), setting.shown(text), wrong)
            else:
                return


def _look_up(variable: str, environment: Environment) -> str:
    name, _, key = variable.partition(":")
    text = environment.get(name, "").strip()
    if not key:
        if name == f"{_OTLP}ENDPOINT" and environment.get(f"{_OTLP}PROTOCOL", "") == "grpc":
            return ""  # that address speaks gRPC and we do not; HYBRIDOBS_ENDPOINT is ours alone
        return text
    try:
        return _pairs(text).get(key, "")
    except _UnusableError:
        return ""  # said once, for the setting that reads the whole variable

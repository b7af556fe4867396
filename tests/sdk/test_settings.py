"""One table, one precedence: argument, HYBRIDOBS_*, OTEL_*, default."""

from __future__ import annotations

import dataclasses
import inspect
from contextlib import suppress

import pytest

import hybridobs
from hybridobs.errors import ConfigError
from hybridobs.sdk._settings import TABLE, Settings, resolve

SECRET = {setting.name for setting in TABLE if setting.secret}


def test_precedence() -> None:
    """Each source gives way to the one before it."""
    environment = {"OTEL_RESOURCE_ATTRIBUTES": "service.name=d,a=b"}
    assert resolve({}, {}).service == "unknown_service"
    assert resolve({}, environment).service == "d"
    environment["OTEL_SERVICE_NAME"] = "c"
    assert resolve({}, environment).service == "c"
    environment["HYBRIDOBS_SERVICE"] = "b"
    assert resolve({}, environment).service == "b"
    assert resolve({"service": "a"}, environment).service == "a"


def test_the_table_the_settings_and_configure_agree() -> None:
    """A setting that is in one of the three is in all."""
    names = [setting.name for setting in TABLE]
    assert names == [field.name for field in dataclasses.fields(Settings)]
    assert [*names, "queue"] == list(inspect.signature(hybridobs.configure).parameters)


def test_every_setting_has_a_sentence() -> None:
    """The table is its own manual."""
    assert all(setting.brief.endswith(".") for setting in TABLE)


@pytest.mark.parametrize(
    ("key", "value", "way_out"),
    [
        ("tier", "edge", "device, site, cloud"),
        ("endpoint", "localhost:4318", "http://"),
        ("endpoint", "http://[", "http://"),
        ("timeout", "soon", "seconds"),
        ("timeout", -1, "seconds"),
        ("timeout", float("nan"), "seconds"),
        ("compression", "zstd", "gzip"),
        ("queue_bytes", 0, "bytes"),
        ("service", "x" * 200, "128"),
        ("headers", "novalue", "key=value"),
        ("headers", 3, "mapping"),
        ("token", "Bearer abc", "alone"),
        ("token", "ab\nc", "alone"),
        ("disabled", "perhaps", "true or false"),
        ("spool", 3, "string"),
    ],
)
def test_a_wrong_argument_names_key_value_and_way_out(key: str, value: object, way_out: str) -> None:
    """The programmer learns what to write instead."""
    with pytest.raises(ConfigError, match=key) as caught:
        resolve({key: value}, {})
    assert (caught.value.key, caught.value.value) == (key, "..." if key in SECRET else value)
    assert way_out in caught.value.way_out


@pytest.mark.parametrize("name", sorted(SECRET))
def test_a_secret_is_never_shown(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a message, nor the log, nor the settings themselves repeat one."""
    with suppress(ConfigError):
        resolve({name: "two words"}, {})
    settings = resolve({}, {f"HYBRIDOBS_{name.upper()}": "s3cret words"})
    fine = resolve({"token": "s3cret", "headers": {"authorization": "s3cret"}, "hash_key": "k:s3cret"}, {})
    assert "s3cret" not in caplog.text + repr(settings) + repr(fine)


def test_a_wrong_variable_is_said_and_the_next_source_is_used(caplog: pytest.LogCaptureFixture) -> None:
    """Telemetry must not stop a program over its environment."""
    found = resolve({}, {"HYBRIDOBS_ENDPOINT": "nonsense", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://there:4318/"})
    assert found.endpoint == "http://there:4318"
    assert len(caplog.records) == 1
    assert "HYBRIDOBS_ENDPOINT='nonsense'" in caplog.text


def test_the_variables_of_opentelemetry() -> None:
    """Pairs are percent-decoded; what is unknown goes to the resource."""
    found = resolve(
        {},
        {
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=prod, team=a%2Cb",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20x",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
            "OTEL_SDK_DISABLED": "true",
        },
    )
    assert (found.environment, found.resource["team"]) == ("prod", "a,b")
    assert found.headers == {"authorization": "Bearer x"}
    assert (found.timeout, found.compression, found.disabled) == (3.0, "none", True)


def test_an_address_for_grpc_is_not_ours() -> None:
    """OpenTelemetry's endpoint is not used if it speaks another protocol."""
    grpc = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://there:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert resolve({}, grpc).endpoint == "http://127.0.0.1:4318"

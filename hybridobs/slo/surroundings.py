"""The environment of a program whose telemetry is to be judged."""

from __future__ import annotations

from collections.abc import Mapping

from hybridobs.contract import ENV_PREFIX

# A spool would bring what older runs left, into a store that is thrown away.
_OURS = (f"{ENV_PREFIX}ENDPOINT", f"{ENV_PREFIX}SPOOL")


def environment(url: str, usual: Mapping[str, str]) -> dict[str, str]:
    """The ``usual`` environment with everything that says where telemetry goes pointed at ``url``."""
    kept = {
        key: value for key, value in usual.items() if key not in _OURS and not key.startswith("OTEL_EXPORTER_OTLP_")
    }
    return {**kept, "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}

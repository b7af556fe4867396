"""Headers as each transport has them, read into one form and written in place; names match in any letter case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Pairs = Iterable[tuple[str | bytes, str | bytes | None]]
Headers = Mapping[str, Any] | Mapping[bytes, Any] | Pairs


def read(headers: object) -> dict[str, list[str]]:
    """Return values by lower-case name, in order of arrival; ``headers`` is a mapping, pairs, or paho's properties."""
    plain: dict[str, list[str]] = {}
    for name, value in _pairs(headers):
        values = value if isinstance(value, list) else [value]  # grpc.aio has all values of a name together
        found = [_text(one) for one in values if one is not None]
        if found:
            plain.setdefault(_text(name).lower(), []).extend(found)
    return plain


def write(carrier: Any, fields: Mapping[str, str], gone: Iterable[str], text: bool | None) -> None:
    """Replace ``fields`` in the carrier, and take out those that are ``gone``."""
    names = {*fields, *gone}
    if _is_properties(carrier):
        kept = list(getattr(carrier, "UserProperty", ()))
        if kept:
            del carrier.UserProperty  # setting it would add to what is there
        new = _merged(kept, fields, names)
        if new:
            carrier.UserProperty = new
    elif isinstance(carrier, list):
        as_text = text if text is not None else bool(carrier) and all(isinstance(value, str) for _, value in carrier)
        values = fields if as_text else {name: value.encode() for name, value in fields.items()}
        carrier[:] = _merged(carrier, values, names)
    else:
        for name in [name for name in carrier.keys() if _text(name).lower() in names]:  # noqa: SIM118 - not every one is a mapping
            del carrier[name]
        for name, value in fields.items():
            carrier[name] = value


def _merged(pairs: Iterable[Any], fields: Mapping[str, Any], names: set[str]) -> list[Any]:
    return [pair for pair in pairs if _text(pair[0]).lower() not in names] + list(fields.items())


def _pairs(headers: Any) -> Iterable[tuple[Any, Any]]:
    if headers is None:
        return ()
    if _is_properties(headers):
        return getattr(headers, "UserProperty", ())
    items = getattr(headers, "items", None)  # http.client's headers are no Mapping but have items()
    pairs: Iterable[tuple[Any, Any]] = headers if items is None else items()
    return pairs


def _is_properties(carrier: object) -> bool:
    """Whether this is ``paho.mqtt.properties.Properties``, by what only that has: paho need not be installed."""
    return hasattr(carrier, "packetType")


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)

"""The price table that a collector was given: read from its file, put on calls that say no cost."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from hybridobs.collector._records import Decoded, Part
from hybridobs.errors import ConfigError
from hybridobs.kpi.prices import PriceTable, priced_alike

Prices = str | PathLike[str] | Mapping[str, object] | PriceTable


def price_table(prices: Prices) -> PriceTable:
    """A table as it is, from its data, or from a TOML or JSON file with that data; ConfigError if it is none."""
    if isinstance(prices, PriceTable):
        return prices
    if isinstance(prices, Mapping):
        return PriceTable.of(prices)
    path = Path(prices)
    try:
        text = path.read_text(encoding="utf-8")
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ConfigError("prices", prices, f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigError("prices", prices, f"is not the file of a price table: {error}") from error
    if not isinstance(data, dict):
        raise ConfigError("prices", prices, "must hold a table with version, currency and prices")
    return PriceTable.of(data)


def put_prices(decoded: Decoded, table: PriceTable) -> None:
    """Give the calls of a request their costs."""
    for piece in decoded.pieces:
        for parts in (piece.numbered, piece.by_id):
            parts[:] = [_priced(part, table) for part in parts]


def _priced(part: Part, table: PriceTable) -> Part:
    return part if part.alike is None else part._replace(alike=priced_alike(part.alike, table))

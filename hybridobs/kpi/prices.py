"""What a call costs that says its tokens but not its money: a versioned table of prices.

The table is data that somebody keeps; the version that made a number stays with it as the label ``price_table``, so a
new table never changes what was spent under an old one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from hybridobs import contract as c
from hybridobs.errors import ConfigError
from hybridobs.kpi.event import Alike, Event

ANY = "*"
UNITS = ("input_token", "output_token", "call", "second")
_MOST_REMEMBERED = 4096
_COLUMNS = ("region", "provider", "model", "unit", "price")


class Price(NamedTuple):
    """The price of one unit; ``*`` stands for any region, provider or model."""

    region: str
    provider: str
    model: str
    unit: str
    price: float


class PriceTable:
    """Prices in one currency under one version; the most specific price counts, region before provider before model.

    Raises ConfigError for an unknown unit, a negative price or two prices for the same thing.
    """

    def __init__(self, version: str, currency: str, prices: Iterable[Price]) -> None:
        self.version = version
        self.currency = currency
        self._prices: dict[tuple[str, str, str, str], float] = {}
        for price in prices:
            if price.unit not in UNITS:
                raise ConfigError("unit", price.unit, f"choose of: {', '.join(UNITS)}")
            if not 0 <= price.price < float("inf"):
                raise ConfigError("price", price.price, f"the price of {' '.join(price[:4])} must be zero or more")
            if self._prices.setdefault(price[:4], price.price) != price.price:
                raise ConfigError("price", price.price, f"{' '.join(price[:4])} has another price above; keep one")
        self._found: dict[tuple[str, str, str], tuple[float | None, ...]] = {}
        self._stated: dict[frozenset[tuple[str, str]], dict[str, str]] = {}

    @classmethod
    def of(cls, data: Mapping[str, object]) -> PriceTable:
        """From parsed TOML or JSON: ``version``, ``currency`` and ``prices``, a list of tables with Price's fields."""
        for key in ("version", "currency"):
            if not isinstance(data.get(key), str) or not data[key]:
                raise ConfigError(key, data.get(key), "must be a text that is not empty")
        rows = data.get("prices")
        if not isinstance(rows, Sequence) or isinstance(rows, str):
            raise ConfigError("prices", rows, "must be a list of prices")
        return cls(str(data["version"]), str(data["currency"]), [_price(row) for row in rows])

    def cost(self, event: Event) -> float | None:
        """What a call costs in ``currency``; None if nothing that it used has a price."""
        texts = event.texts
        who = (texts.get(c.REGION, ""), texts.get(c.PROVIDER, ""), event.labels.model)
        used = (
            event.numbers.get(c.INPUT_TOKENS),
            event.numbers.get(c.OUTPUT_TOKENS),
            1.0,
            event.duration_ns * 1e-9,
        )
        parts = [
            amount * price
            for amount, price in zip(used, self._of(who), strict=True)
            if amount is not None and price is not None
        ]
        return sum(parts) if parts else None

    def costs(self, calls: Alike) -> list[float] | None:
        """What each of many calls costs that are alike; None if nothing that they used has a price."""
        prices = self._of((calls.texts.get(c.REGION, ""), calls.texts.get(c.PROVIDER, ""), calls.labels.model))
        tokens_in, tokens_out, call, second = prices
        parts: list[list[float]] = []
        for price, key in ((tokens_in, c.INPUT_TOKENS), (tokens_out, c.OUTPUT_TOKENS)):
            if price is not None and key in calls.numbers:
                parts.append([amount * price for amount in calls.numbers[key]])
        if call is not None:
            parts.append([call] * len(calls.times_ns))
        if second is not None:
            parts.append([duration * 1e-9 * second for duration in calls.durations_ns])
        return [*map(sum, zip(*parts, strict=True))] if parts else None

    def stated(self, texts: dict[str, str]) -> dict[str, str]:
        """The texts of a call whose cost this table made; the same dictionary for the same texts."""
        key = frozenset(texts.items())
        found = self._stated.get(key)
        if found is None:
            if len(self._stated) >= _MOST_REMEMBERED:
                self._stated.clear()
            found = self._stated[key] = {**texts, c.CURRENCY: self.currency, c.PRICE_TABLE: self.version}
        return found

    def _of(self, who: tuple[str, str, str]) -> tuple[float | None, ...]:
        """The price of each unit for one region, provider and model; remembered."""
        found = self._found.get(who)
        if found is None:
            if len(self._found) >= _MOST_REMEMBERED:
                self._found.clear()
            found = self._found[who] = tuple(self._best(who, unit) for unit in UNITS)
        return found

    def _best(self, who: tuple[str, str, str], unit: str) -> float | None:
        region, provider, model = who
        for r in (region, ANY):
            for p in (provider, ANY):
                for m in (model, ANY):
                    if (price := self._prices.get((r, p, m, unit))) is not None:
                        return price
        return None


def priced(event: Event, table: PriceTable) -> Event:
    """The call with its cost, where it says none and the table knows one; otherwise the event as it is."""
    if event.kind != c.EventKind.INFERENCE or c.COST in event.numbers:
        return event
    cost = table.cost(event)
    if cost is None:
        return event
    return event._replace(numbers={**event.numbers, c.COST: cost}, texts=table.stated(event.texts))


def priced_alike(calls: Alike, table: PriceTable) -> Alike:
    """The same as ``priced`` for each of many calls that are alike."""
    if calls.kind != c.EventKind.INFERENCE or c.COST in calls.numbers:
        return calls
    costs = table.costs(calls)
    if costs is None:
        return calls
    return calls._replace(numbers={**calls.numbers, c.COST: costs}, texts=table.stated(calls.texts))


def _price(row: object) -> Price:
    if not isinstance(row, Mapping) or set(row) - set(_COLUMNS) or not {"unit", "price"} <= set(row):
        raise ConfigError("prices", row, f"each price has unit and price, and may have: {', '.join(_COLUMNS[:3])}")
    price = row["price"]
    if isinstance(price, bool) or not isinstance(price, int | float):
        raise ConfigError("price", price, "must be a number")
    region, provider, model = (str(row.get(column, ANY)) for column in _COLUMNS[:3])
    return Price(region, provider, model, str(row["unit"]), float(price))

"""Tokens become money by a table that is kept with the number it made."""

from __future__ import annotations

import re

import pytest

from hybridobs import contract as c
from hybridobs.contract import EventKind as Kind
from hybridobs.errors import ConfigError
from hybridobs.kpi.event import Event
from hybridobs.kpi.fold import adds
from hybridobs.kpi.prices import PriceTable, priced

TABLE = PriceTable.of(
    {
        "version": "2026-11",
        "currency": "EUR",
        "prices": [
            {"model": "large", "unit": "input_token", "price": 0.002},
            {"model": "large", "unit": "output_token", "price": 0.008},
            {"region": "eu", "model": "large", "unit": "input_token", "price": 0.004},
            {"region": "eu", "unit": "input_token", "price": 0.1},
            {"provider": "own", "unit": "second", "price": 0.5},
        ],
    }
)


def _call(model: str = "large", *, texts: dict[str, str] | None = None, **numbers: float) -> Event:
    said = {getattr(c, name.upper()): value for name, value in numbers.items()}
    return Event(Kind.INFERENCE, 0, c.Labels(model=model), 2 * 10**9, numbers=said, texts=texts or {})


def _cost(call: Event) -> float | None:
    return priced(call, TABLE).numbers.get(c.COST)


def test_tokens() -> None:
    """Input and output tokens have prices of their own."""
    assert _cost(_call(input_tokens=100, output_tokens=10)) == pytest.approx(0.28)


def test_the_most_specific_price_counts() -> None:
    """A region's price for the model is before the region's price for any model."""
    assert _cost(_call(texts={c.REGION: "eu"}, input_tokens=100)) == pytest.approx(0.4)
    assert _cost(_call("small", texts={c.REGION: "eu"}, input_tokens=100)) == pytest.approx(10)


def test_time() -> None:
    """What is paid by the second is paid for the duration."""
    assert _cost(_call("small", texts={c.PROVIDER: "own"})) == pytest.approx(1.0)


def test_no_price_is_no_cost() -> None:
    """A model that the table does not know costs an unknown amount, not nothing."""
    call = _call("small", input_tokens=100)
    assert priced(call, TABLE) is call


def test_a_stated_cost_stays() -> None:
    """Whoever says what it cost knows better than a table."""
    call = _call(cost=0.5, input_tokens=100)
    assert priced(call, TABLE) is call


def test_only_calls_have_prices() -> None:
    """Other events are left as they are."""
    event = _call(input_tokens=100)._replace(kind=Kind.CRASH)
    assert priced(event, TABLE) is event


def test_the_version_stays_with_the_number() -> None:
    """The cost carries the version of its table; a stated one carries none."""
    made = {name: extra for name, extra, _ in adds(priced(_call(input_tokens=100), TABLE))}
    assert made["inference.cost"] == (("currency", "EUR"), ("price_table", "2026-11"))
    stated = {name: extra for name, extra, _ in adds(_call(cost=0.5))}
    assert stated["inference.cost"] == (("currency", "unknown"),)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": ""}, "version='': must be a text"),
        ({"currency": None}, "currency=None: must be a text"),
        ({"prices": "free"}, "prices='free': must be a list"),
        ({"prices": [{"unit": "token", "price": 1}]}, "unit='token': choose of: input_token"),
        ({"prices": [{"unit": "call", "price": -1}]}, "price=-1.0: the price of * * * call must be zero or more"),
        ({"prices": [{"unit": "call", "price": True}]}, "price=True: must be a number"),
        ({"prices": [{"unit": "call", "prize": 1}]}, "each price has unit and price"),
        ({"prices": [{"unit": "call", "price": 1}, {"unit": "call", "price": 2}]}, "has another price above"),
    ],
)
def test_a_wrong_table_is_refused(change: dict[str, object], message: str) -> None:
    """The message names the key, the value and the way out."""
    data = {"version": "1", "currency": "EUR", "prices": [], **change}
    with pytest.raises(ConfigError, match=re.escape(message)):
        PriceTable.of(data)

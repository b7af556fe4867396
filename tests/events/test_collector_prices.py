"""A collector with a price table: tokens become cost, and the version of the table stays with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

import hybridobs
from hybridobs.collector import Collector
from hybridobs.collector._prices import price_table
from hybridobs.contract import EventKind, Labels
from hybridobs.errors import ConfigError
from hybridobs.kpi.event import Alike
from hybridobs.kpi.prices import priced, priced_alike
from hybridobs.store import Store
from hybridobs.testing import Capture

OUT, IN = "gen_ai.usage.output_tokens", "gen_ai.usage.input_tokens"
ROWS = [
    {"region": "eu-central-1", "model": "large", "unit": "output_token", "price": 0.002},
    {"provider": "openai", "unit": "input_token", "price": 0.001},
]
DATA = {"version": "2026-11", "currency": "EUR", "prices": ROWS}
TOML = """
version = "2026-11"
currency = "EUR"
[[prices]]
region = "eu-central-1"
model = "large"
unit = "output_token"
price = 0.002
[[prices]]
provider = "openai"
unit = "input_token"
price = 0.001
"""


def calls(texts: dict[str, str], numbers: Mapping[str, list[float]]) -> Alike:
    """Two calls that are alike."""
    labels = Labels(model="large")
    return Alike(EventKind.INFERENCE, labels, False, "", texts, [1, 2], [10**9, 10**9], numbers)


@pytest.mark.parametrize("name", ["prices.toml", "prices.json"])
def test_from_a_file(tmp_path: Path, name: str) -> None:
    """A collector reads TOML and JSON, when it is made."""
    path = tmp_path / name
    path.write_text(TOML if name.endswith("toml") else json.dumps(DATA))
    made = Collector("sqlite://", prices=path).prices
    assert made is not None and (made.version, made.currency) == ("2026-11", "EUR")
    assert made.cost(next(calls({"cloud.region": "eu-central-1"}, {OUT: [5, 7]}).events())) == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("content", "says"), [(None, "cannot be read"), ("version =", "not the file"), ("[]", "not the")]
)
def test_a_file_that_is_none(tmp_path: Path, content: str | None, says: str) -> None:
    """It is said before anything starts."""
    path = tmp_path / "prices.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=says):
        Collector("sqlite://", prices=path)


@pytest.mark.parametrize("texts", [{}, {"cloud.region": "eu-central-1"}, {"gen_ai.provider.name": "openai"}])
@pytest.mark.parametrize(
    "numbers", [{}, {OUT: [5, 7]}, {IN: [1, 2], OUT: [5, 7]}, {"hybridobs.inference.cost": [1, 1]}]
)
def test_pricing_many_is_pricing_each(texts: dict[str, str], numbers: dict[str, list[float]]) -> None:
    """A column costs what its calls cost, whatever is known of them."""
    table, alike = price_table(DATA), calls(texts, numbers)
    assert list(priced_alike(alike, table).events()) == [priced(event, table) for event in alike.events()]


def test_the_texts_of_priced_calls_stay_shared() -> None:
    """The fold looks texts up by identity, so the same ones must stay the same object."""
    table = price_table(DATA)
    first, second = (priced_alike(calls({"gen_ai.provider.name": "openai"}, {IN: [1, 2]}), table) for _ in range(2))
    assert first.texts is second.texts and first.texts["hybridobs.cost.price_table"] == "2026-11"


def test_from_the_call_to_the_store(hybridobs_capture: Capture, tmp_path: Path) -> None:
    """The region of the resource and the provider of the call choose the price, in a running collector."""
    hybridobs.configure(service="chat", tier="cloud", resource={"cloud.region": "eu-central-1"})
    with hybridobs.observe(model="large", version="1") as call:
        call.tokens(input=100, output=10)
        call.attribute("gen_ai.provider.name", "openai")
    _, _, body = next(hybridobs_capture._requests())
    url = f"sqlite:///{tmp_path}/store.db"
    with Collector(url, http="127.0.0.1:0", grpc=None, prices=DATA).running() as running:
        headers = {"Content-Type": "application/x-protobuf"}
        with urlopen(Request(f"{running.http_url}/v1/traces", body, headers), timeout=30) as answer:
            assert answer.status == 200
    with Store.open(url) as store:
        found = store.read(["inference.cost"], by=("currency", "price_table"))
    assert found[("EUR", "2026-11")]["inference.cost"].sum == 120_000_000

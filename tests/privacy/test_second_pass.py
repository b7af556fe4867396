"""What a sender that knows nothing of privacy says is taken out before it is counted or kept, once for each value."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hybridobs import contract as c
from hybridobs.collector import Collector, detect
from hybridobs.collector._screen import Screen
from hybridobs.errors import ConfigError
from hybridobs.sdk import redact
from tests.collector.conftest import FOREIGN, Start, pair, request, span
from tests.privacy.planted import PLANTED

SECRETS = ("jane.doe@example.com", "+49 170 1234567", "4111111111111111", "10.1.2.3")


def test_nothing_foreign_is_stored(start: Start, tmp_path: Path) -> None:
    """Labels, names, errors, attributes of a stock sender: in no row, on no page, and counted by rule."""
    said = {"hybridobs.inference.task": SECRETS[0], "hybridobs.cohort": SECRETS[1], "app.note": f"card {SECRETS[2]}"}
    spans = [span(number, {**said, "hybridobs.seq": None}) for number in range(1, 30)]
    for made in spans:
        made.name = f"for {SECRETS[0]}"
        made.status.code = 2  # type: ignore[assignment]
        made.events.add(name="exception").attributes.append(pair("exception.message", f"no route to {SECRETS[3]}"))
    with start() as running:
        assert running.post(request(spans, FOREIGN | {"hybridobs.site": SECRETS[0]})).status == 200
        page = running.get("/metrics")
    assert 'hybridobs_collector_redactions_total{rule="email"}' in page
    [database] = tmp_path.rglob("*.db")
    rows = "\n".join(sqlite3.connect(database).iterdump())
    assert "[email]" in rows and "[card]" in rows and "[ip]" in rows
    assert not [secret for secret in SECRETS if secret in rows + page]


def test_a_value_that_repeats_is_looked_at_once() -> None:
    """What is clean is remembered; only what is found is counted."""
    screen = Screen()
    for _ in range(3):
        assert screen.text("hybridobs.site", "store-7") == "store-7"
    assert screen.text("hybridobs.model.version", "1.2.3.4") == "1.2.3.4"
    assert not screen.taken()
    assert screen.text("hybridobs.model.version", "built on 10.1.2.3") == "built on [ip]"


def test_values_of_every_type() -> None:
    """Lists, maps and coordinates, as attributes of kept spans have them."""
    screen = Screen()
    assert screen.value("a", ["x", {"b": "jane@example.com", "jane@example.com": 1}]) == ["x", {"b": "[email]"}]
    assert screen.value("geo.location.lat", 48.137154) == 48.14
    assert screen.value("a", 48.137154) == 48.137154
    assert screen.value("geo.location.lon", "11.576124") == "11.58"
    assert screen.value("app.card", 4111111111111111) == "[card]"
    assert screen.value("app.note", b"by jane@example.com") == ""
    assert screen.value("app.raw", b"\x00\x01") == b"\x00\x01"
    assert screen.taken() == {"email": 3, "location": 2, "card": 1}


def test_a_count_is_no_card() -> None:
    """Bytes and numbers of the contract may have as many digits as a card, and its check digit."""
    terabytes = 4222222222222
    assert Screen().value(c.DISK_FREE, terabytes) == terabytes
    assert redact.Policy().attribute(c.DISK_FREE, terabytes) == terabytes


def test_own_rules() -> None:
    """The collector and the relay take them by name; a wrong one is said when it is given."""
    with pytest.raises(ConfigError):
        Collector("sqlite:///never.db", redact={"a": "("})
    assert detect(badge=r"B-\d{6}")("app.note", "by B-123456") == "by [badge]"
    assert detect()("app.note", PLANTED["email"][0]) == "[email]"

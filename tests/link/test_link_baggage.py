"""Cohort, channel and device class travel to hosts on the list and to nobody else, and label the answer there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import baggage, propagate
from opentelemetry.context import attach, detach

import hybridobs
from hybridobs import contract, link
from hybridobs.sdk import _origin
from tests.link.conftest import LABELS, TRACEPARENT
from tests.sdk.conftest import Wire

CLOUD = "https://api.example.com/answer"
OTHER = "https://elsewhere.example.com/"
observed = hybridobs.observe(model="m")
ENTRIES = (contract.COHORT, contract.CHANNEL, contract.DEVICE_CLASS)
DEVICE = {"tier": "device", "cohort": "beta testers", "channel": "beta", "device_class": "till-arm64"}
ARRIVED = {"traceparent": TRACEPARENT, "baggage": LABELS}


@pytest.fixture(autouse=True)
def _few_values_so_far() -> Iterator[None]:
    """Values of other tests do not count."""
    for known in _origin._encoded.values():
        known.clear()
    yield


def sent(**where: Any) -> str | None:
    """Return the baggage that goes out."""
    headers: dict[str, str] = link.inject({}, **where)
    return headers.get("baggage")


def told(wire: Wire) -> dict[str, Any]:
    """Return what the only span says of cohort, channel and device class."""
    values = wire.values(wire.span())
    return {key: values[key] for key in ENTRIES if key in values}


def test_to_allowed_hosts_only(wire: Wire) -> None:
    """By default and without a host nothing goes along; on the list all three do, percent-encoded."""
    wire.configure(**DEVICE)
    assert sent(url=CLOUD) is None
    wire.configure(**DEVICE, baggage_hosts=["api.example.com"])
    assert (sent(), sent(url=OTHER), sent(host="elsewhere.example.com:443")) == (None, None, None)
    assert sent(url=CLOUD) == sent(host="api.example.com:443") == LABELS


def test_beside_the_applications_own_baggage(wire: Wire) -> None:
    """The application's entries go where they always went; ours in forwarded headers do not."""
    wire.configure(**DEVICE, baggage_hosts=["api.example.com"])
    token = attach(baggage.set_baggage("user", "5"))
    assert (sent(url=CLOUD), sent(url=OTHER)) == (f"user=5,{LABELS}", "user=5")
    detach(token)
    assert link.inject({"Baggage": f"a=1;p,{LABELS}"}, url=OTHER) == {"baggage": "a=1;p"}
    assert link.inject({"Baggage": LABELS}, url=OTHER) == {}


def test_the_answer_has_the_labels_of_who_asked(wire: Wire) -> None:
    """A cloud service that says none of them itself takes all three, on every call for that request and no other."""
    wire.configure(tier="cloud")
    with link.extract(ARRIVED), observed:
        pass
    with observed:
        pass
    first, second = (wire.values(span) for span in wire.spans())
    assert [first[key] for key in ENTRIES] == ["beta testers", "beta", "till-arm64"]
    assert not any(key in second for key in ENTRIES)


def test_local_configuration_wins(wire: Wire) -> None:
    """Key by key: what the service says of itself it keeps, wherever it said it."""
    wire.configure(tier="cloud", device_class="gpu", resource={contract.CHANNEL: "stable"})
    with link.extract(ARRIVED), observed:
        pass
    assert told(wire) == {contract.COHORT: "beta testers"}


def test_a_device_knows_what_it_is(wire: Wire) -> None:
    """Nobody tells a device its cohort."""
    wire.configure(tier="device")
    with link.extract(ARRIVED), observed:
        pass
    assert told(wire) == {}


def test_the_call_itself_has_the_last_word(wire: Wire) -> None:
    """What the application sets on a call replaces what came over the wire."""
    wire.configure(tier="cloud")
    with link.extract(ARRIVED), observed as call:
        call.attribute(contract.COHORT, "mine")
    assert told(wire)[contract.COHORT] == "mine"


def test_it_stops_at_a_host_that_is_not_on_the_list(wire: Wire) -> None:
    """What came in goes on to the next allowed host as it was, and is in nothing that others send."""
    wire.configure(tier="cloud", channel="stable", baggage_hosts=["api.example.com"])
    with link.extract(ARRIVED):
        for inside in (False, True):
            with observed if inside else link.extract({}):
                ordinary: dict[str, str] = {}
                propagate.inject(ordinary)
                assert "baggage" not in ordinary
                assert (sent(url=CLOUD), sent(url=OTHER)) == (LABELS, None)


def test_below_an_ordinary_server_instrumentation(wire: Wire) -> None:
    """What another propagator has put into the baggage is taken out of it, and read the same."""
    wire.configure(tier="cloud")
    token = attach(propagate.extract({"traceparent": TRACEPARENT, "baggage": f"user=5,{LABELS}"}))
    try:
        assert sent(url=OTHER) == "user=5"
        with observed:
            assert dict(baggage.get_all()) == {"user": "5"}
    finally:
        detach(token)
    assert told(wire)[contract.DEVICE_CLASS] == "till-arm64"


def test_towards_lets_an_instrumented_client_take_them(wire: Wire) -> None:
    """In the block the ordinary propagators see them, if the host is allowed, and behind it no more."""
    wire.configure(**DEVICE, baggage_hosts=["api.example.com"])
    seen = []
    for url in (CLOUD, OTHER):
        with link.towards(url=url):
            headers: dict[str, str] = {}
            propagate.inject(headers)
            seen.append(headers.get("baggage"))
    assert seen == [LABELS.replace("%20", "+"), None] and dict(baggage.get_all()) == {}


@pytest.mark.parametrize("value", ["", "x" * 129, "a%0Ab", "%00"])
def test_no_label(wire: Wire, value: str) -> None:
    """A value that fits no label is as good as none."""
    wire.configure(tier="cloud")
    with link.extract({"traceparent": TRACEPARENT, "baggage": f"hybridobs.cohort={value},hybridobs.other=1"}), observed:
        pass
    assert told(wire) == {}


def test_a_stranger_cannot_make_series_without_end(wire: Wire) -> None:
    """After so many different cohorts further ones are ignored and counted; known ones stay known."""
    wire.configure(tier="cloud")
    for number in [*range(_origin.MOST_VALUES + 3), 0]:
        with link.extract({"traceparent": TRACEPARENT, "baggage": f"hybridobs.cohort=c{number}"}), observed:
            pass
    found = [wire.values(span).get(contract.COHORT) for span in wire.spans()]
    assert found[-5:] == [f"c{_origin.MOST_VALUES - 1}", None, None, None, "c0"]
    assert hybridobs.status().ignored_values == {f"{contract.COHORT}: out_of_range": 3}


def test_too_long_a_header_stays_the_applications(wire: Wire) -> None:
    """Ours are left out rather than the whole refused by the other side."""
    wire.configure(**DEVICE, baggage_hosts=["api.example.com"])
    long = "a=" + "x" * 8150
    assert link.inject({"baggage": long}, url=CLOUD) == {"baggage": long}

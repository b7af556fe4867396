"""How much one sender may send."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridobs.collector import Limits
from hybridobs.collector.access._door import host_of, warn_if_open
from hybridobs.collector.access._rates import Rates
from tests.access.conftest import DEVICE, ask, call, post, serving
from tests.collector.conftest import request, span


@pytest.mark.parametrize("used", [{"requests": 10}, {"size": 1000}, {"events": 100}])
def test_a_bucket_empties_and_fills(used: dict[str, int]) -> None:
    """What is used up comes back with time, to the second, and others do not feel it."""
    now = [100.0]
    limits = Limits(sender_requests_s=1, sender_bytes_s=100, sender_events_s=10, sender_burst_seconds=10)
    rates = Rates(limits, lambda: now[0])
    assert rates.wait("till-1") == 0
    rates.charge("till-1", **used)
    assert rates.wait("till-1") >= 1
    assert rates.wait("till-2") == 0
    now[0] += 1.0
    assert rates.wait("till-1") == 0


def test_a_large_request_is_paid_off() -> None:
    """One that costs more than a bucket holds is taken, and waited for afterwards."""
    now = [0.0]
    rates = Rates(Limits(sender_bytes_s=10, sender_burst_seconds=1), lambda: now[0])
    rates.charge("till-1", size=100)
    assert rates.wait("till-1") == 10
    now[0] += 9.5
    assert rates.wait("till-1") == 0


def test_without_a_limit_nothing_is_remembered() -> None:
    """The default costs nothing."""
    rates = Rates(Limits())
    rates.charge("till-1", requests=10**9)
    assert rates.wait("till-1") == 0 and not rates._spent


def test_senders_are_forgotten() -> None:
    """A flood of addresses takes bounded memory."""
    rates = Rates(Limits(sender_requests_s=1), lambda: 0.0)
    for number in range(10_100):
        rates.charge(f"till-{number}", requests=1)
    assert len(rates._spent) == 10_000


def test_a_sender_is_told_when_to_come_again(tmp_path: Path, access: Path) -> None:
    """429 with Retry-After, RESOURCE_EXHAUSTED with RetryInfo; it is counted, and nothing is lost."""
    limits = Limits(sender_events_s=1, sender_burst_seconds=10)
    with serving(tmp_path, access=access, limits=limits, open_metrics=True) as collector:
        assert post(collector, DEVICE, numbers=range(1, 41)) == 200
        status, _, headers = ask(f"{collector.http_url}/v1/traces", DEVICE, request([span(41)]))
        assert status == 429 and 25 <= int(headers["Retry-After"]) <= 31
        assert call(collector, DEVICE) == "RESOURCE_EXHAUSTED"
        assert 'turned_away_total{reason="throttled"} 2.0' in ask(f"{collector.http_url}/metrics")[1]


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unix:", "unix:"),
    ],
)
def test_a_host_cannot_choose_a_new_address(address: str, host: str) -> None:
    """A host on IPv6 has a network of addresses; it is one sender."""
    assert host_of(address) == host


@pytest.mark.parametrize(
    ("address", "says"), [("127.0.0.1", ""), ("::1", ""), ("localhost", ""), ("0.0.0.0", "anybody"), ("::", "anybody")]
)
def test_an_open_address_is_said(address: str, says: str, caplog: pytest.LogCaptureFixture) -> None:
    """Once, with what to set; the loopback interface needs nothing."""
    from hybridobs.collector.access._door import Door

    warn_if_open(address, Door(None, None), None)
    assert (says in caplog.text) if says else not caplog.text


def test_tokens_in_the_clear_are_said(access: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A token without TLS is no secret for long."""
    from hybridobs.collector.access._door import Door

    warn_if_open("0.0.0.0", Door(access, None), None)
    assert "in the clear" in caplog.text

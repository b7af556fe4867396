"""The allow list says which host is meant, and in any doubt that it is none."""

from __future__ import annotations

import pytest

import hybridobs
from hybridobs.errors import ConfigError
from hybridobs.sdk._hosts import allowed, pattern, place
from hybridobs.sdk._settings import resolve

HOSTS = tuple(map(pattern, ("API.example.com", "*.inner.example", "127.0.0.1:8080", "[::1]", "proxy:443")))


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/v1?x=1",
        "https://API.EXAMPLE.COM.:8443/",
        "http://user:pass@api.example.com/",
        "https://a.b.inner.example/",
        "http://127.0.0.1:8080",
        "http://[::1]:9/",
        "https://proxy/",
    ],
)
def test_on_the_list(url: str) -> None:
    """Letter case, a last dot, user and port change nothing; a pattern's own port must be the one."""
    assert allowed(HOSTS, place(url=url))


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://evilapi.example.com/",
        "https://api.example.com.evil.org/",
        "https://inner.example/",
        "https://evil-inner.example/",
        "http://127.0.0.1/",
        "http://127.0.0.1:80801/",
        "http://proxy/",
        "https://api.example.com@evil.org/",
        "https://evil.org\\@api.example.com/",
        "https://evil.org#@api.example.com/",
        "https://evil.org/api.example.com",
        "https://api.example.com\t.evil.org/",
        "api.example.com",
        "",
        "https://[::1/",
    ],
)
def test_not_on_the_list(url: str) -> None:
    """No trick with an address reaches a host that is not meant."""
    assert not allowed(HOSTS, place(url=url))


@pytest.mark.parametrize(
    ("host", "expected"),
    [("api.example.com", True), ("api.example.com:50051", True), ("127.0.0.1:8080", True), ("127.0.0.1:81", False)]
    + [(odd, False) for odd in ("", "evil.org/api.example.com", "x@y@api.example.com", "api.example.com/x", "a b")],
)
def test_a_host_instead_of_an_address(host: str, expected: bool) -> None:
    """gRPC targets and brokers are named as host and port."""
    assert allowed(HOSTS, place(host=host)) is expected


@pytest.mark.parametrize(
    "wrong", ["*", "*.", "a*.b", "*a.example", "https://a.example", "a b", "ä.example", "a:123456", "-a"]
)
def test_no_pattern(wrong: str) -> None:
    """Above all, nothing that means everybody."""
    with pytest.raises(ConfigError, match="baggage_hosts"):
        hybridobs.configure(baggage_hosts=[wrong])


def test_the_setting() -> None:
    """Given as a list or in the environment with commas; none by default; a number is told off."""
    assert resolve({}, {}).baggage_hosts == ()
    assert resolve({"baggage_hosts": ["A.example."]}, {}).baggage_hosts == ("a.example",)
    assert resolve({}, {"HYBRIDOBS_BAGGAGE_HOSTS": "a.example, *.b.example:1"}).baggage_hosts == (
        "a.example",
        "*.b.example:1",
    )
    with pytest.raises(ConfigError, match="list of host names"):
        resolve({"baggage_hosts": 5}, {})

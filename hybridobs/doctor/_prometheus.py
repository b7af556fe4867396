"""Prometheus: whether it answers, scrapes the collector, and reads event time from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import urllib3

from hybridobs.doctor._finding import Finding, fail, ok, warn

_SECONDS = 5.0
_READ = "/api/v1/read"


def check_prometheus(url: str, endpoint: str) -> Iterator[Finding]:
    """Its own API says all of it."""
    try:
        targets = _asked(url, "/api/v1/targets?state=active")["activeTargets"]
        configuration = str(_asked(url, "/api/v1/status/config")["yaml"])
    except (urllib3.exceptions.HTTPError, OSError, ValueError, KeyError, TypeError) as error:
        yield fail("prometheus", f"{url}: {error}", "give its base address, such as http://127.0.0.1:9090")
        return
    yield ok("prometheus", f"{url} answers")
    yield from _scraped(targets, urlsplit(endpoint).port or 4318)
    if _READ in configuration:
        yield ok("remote read", "event time is read from a collector")
    else:
        mend = f"add to its configuration: remote_read: [{{url: {endpoint}{_READ}, read_recent: true}}]"
        yield warn("remote read", "Prometheus shows arrival times only", mend)


def _scraped(targets: list[dict[str, Any]], port: int) -> Iterator[Finding]:
    ours = [one for one in targets if (parts := urlsplit(one["scrapeUrl"])).port == port and parts.path == "/metrics"]
    if not ours:
        yield fail("scrape", f"no target has port {port} and /metrics", "add the collector to its scrape_configs")
    for one in ours:
        if one["health"] == "up":
            yield ok("scrape", f"{one['scrapeUrl']} is up")
        else:
            seen = f"{one['scrapeUrl']} is {one['health']}: {one['lastError'] or 'not scraped yet'}"
            yield fail("scrape", seen, "401 and 403 need a token that may read; else look at the network")


def _asked(url: str, path: str) -> Any:
    answer = urllib3.PoolManager(retries=False, timeout=_SECONDS).request("GET", url.rstrip("/") + path)
    if answer.status != 200:
        raise ValueError(f"HTTP {answer.status}")
    return json.loads(answer.data)["data"]

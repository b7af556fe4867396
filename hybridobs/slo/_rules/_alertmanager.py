"""Who is told of an alert: the configuration of an Alertmanager for the alerts that the rules make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from hybridobs.errors import ConfigError
from hybridobs.slo._rules._faults import ALIVE, GONE
from hybridobs.slo.outcome import Severity

ALERTMANAGER = "alertmanager.yml"
_HEAD = """\
# Made by hybridobs. Pages come at once and again every hour, tickets wait for company and come again once a day, what
# is only informative is on Alertmanager's own page. A site with an address of its own hears its alerts itself.
# While no collector is seen, nothing else is told: it would be about the collector. The alert that always fires is
# sent every minute: whoever stops hearing it knows that nobody would hear a real one.
"""
_DEADMAN = "deadman"


def alertmanager(webhook: str | None = None, sites: Mapping[str, str] | None = None) -> str:
    """YAML that tells ``webhook`` (a URL) of everything, and the URLs of ``sites`` (by name) of their own.

    Without a URL alerts are on Alertmanager's page alone. ConfigError for a URL that is none.
    """
    import yaml

    own = dict(sites or {})
    for url in filter(None, (webhook, *own.values())):
        _require_url(url)
    names = {site: f"site-{site}" for site in own}
    made = {
        "route": _route(names),
        "inhibit_rules": _inhibitions(),
        "receivers": [
            *(_receiver(name, webhook) for name in (Severity.PAGE.value, Severity.TICKET.value)),
            _receiver(_DEADMAN, webhook, resolved=False),
            {"name": "shown"},
            *(_receiver(names[site], url) for site, url in own.items()),
        ],
    }
    return _HEAD + yaml.safe_dump(made, sort_keys=False, width=120)


def _route(sites: Mapping[str, str]) -> dict[str, Any]:
    hourly = {"group_wait": "10s", "group_interval": "1m", "repeat_interval": "1h"}
    minutely = {"group_wait": "0s", "group_interval": "1m", "repeat_interval": "1m"}
    return {
        "receiver": Severity.TICKET.value,
        "group_by": ["alertname", "slo", "site"],
        "group_wait": "1m",
        "group_interval": "5m",
        "repeat_interval": "1d",
        "routes": [
            {"matchers": [f'alertname="{ALIVE}"'], "receiver": _DEADMAN, **minutely},
            {"matchers": [f'severity="{Severity.INFO}"'], "receiver": "shown"},
            *({"matchers": [f"site={_quoted(site)}"], "receiver": name, **hourly} for site, name in sites.items()),
            {"matchers": [f'severity="{Severity.PAGE}"'], "receiver": Severity.PAGE.value, **hourly},
        ],
    }


def _quoted(value: str) -> str:
    """As a matcher has it: what would end the text stands behind a backslash."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")):
        value = value.replace(plain, escaped)
    return f'"{value}"'


def _inhibitions() -> list[dict[str, Any]]:
    others = ['alertname=~"Hybridobs.+"', f'alertname!~"{GONE}|{ALIVE}"']
    return [
        {"source_matchers": [f'alertname="{GONE}"'], "target_matchers": others},
        {
            "source_matchers": ['alertname="HybridobsStoreFailing"'],
            "target_matchers": ['alertname="HybridobsCollectorBehind"'],
        },
        {
            "source_matchers": [f'severity="{Severity.PAGE}"'],
            "target_matchers": [f'severity="{Severity.TICKET}"'],
            "equal": ["alertname", "slo", "model", "version", "tier", "site"],
        },
    ]


def _receiver(name: str, url: str | None, *, resolved: bool = True) -> dict[str, Any]:
    return {"name": name, "webhook_configs": [{"url": url, "send_resolved": resolved}]} if url else {"name": name}


def _require_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("webhook", url, "give a URL, for example http://127.0.0.1:9095/alerts")

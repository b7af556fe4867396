"""Panels of the collector's own counters: what came in, how it left, how full it is."""

from __future__ import annotations

from grafanalib.core import Panel

from hybridobs.grafana import panels
from hybridobs.grafana.panels import GREEN, RED, Query, Told, step
from hybridobs.grafana.promql import LIVE_WINDOW

PREFIX = "hybridobs_collector_"
_FROM_NOTHING = {"axisSoftMin": 0}
_LIVE = "Live: counted by the collectors themselves, scraped by Prometheus."


def rate_of(name: str, *labels: str, title: str, brief: str, matchers: str = "", unit: str = "cps") -> Panel:
    """One counter of the collector, a second, stacked by its labels."""
    grouped = f"sum by ({', '.join(labels)})" if labels else "sum"
    expr = f"{grouped} (rate({PREFIX}{name}_total{{{matchers}}}[{LIVE_WINDOW}]))"
    legend = " · ".join(f"{{{{{label}}}}}" for label in labels) or title.lower()
    told = Told(title, f"{brief} {_LIVE}", unit)
    return panels.timeseries(
        f"own/{name}/{'/'.join(labels)}{matchers}", told, [Query(expr, legend)], stacked=True, custom=_FROM_NOTHING
    )


def alarming(name: str, *, title: str, brief: str, matchers: str = "") -> Panel:
    """How often something happened in the selected time that never should."""
    told = Told(title, f"{brief} Over the selected time; anything above none is red. {_LIVE}", "short")
    expr = f"round(sum (increase({PREFIX}{name}_total{{{matchers}}}[$__range])))"
    return panels.stat(
        f"alarming/{name}{matchers}", told, [Query(expr, title, instant=True)],
        [step(GREEN, None), step(RED, 0.5)], names=False,
    )  # fmt: skip


def fill(part: str, whole: str, *, title: str, brief: str, limit: float) -> Panel:
    """How full something is, with the share from which an alert comes."""
    expr = f"max (max by (instance) ({PREFIX}{part}) / max by (instance) ({PREFIX}{whole}))"
    told = Told(title, f"{brief} The fullest collector. {_LIVE}", "percentunit")
    return panels.timeseries(
        f"fill/{part}", told, [Query(expr, title.lower())], [step(GREEN, None), step(RED, limit)],
        custom={"axisSoftMin": 0, "axisSoftMax": 1},
    )  # fmt: skip


def commit_times() -> Panel:
    """How long the store takes for a group of requests."""
    metric = f"{PREFIX}commit_duration_seconds_bucket"
    queries = [
        Query(f"histogram_quantile({q:g}, sum by (le) (rate({metric}[{LIVE_WINDOW}])))", f"p{q * 100:g}")
        for q in (0.5, 0.95, 0.99)
    ]
    told = Told("Commit: p50, p95, p99", f"Claim, fold and commit of one group of requests. {_LIVE}", "s")
    return panels.timeseries("own/commit", told, queries, custom={"axisSoftMin": 0})


def alerts() -> Panel:
    """How many alerts fire now."""
    expr = 'count (ALERTS{alertname=~"Hybridobs.*",alertstate="firing"}) or on () vector(0)'
    told = Told(
        "Alerts firing",
        "Alerts of `hybridobs slo rules` that fire now. None is shown where Prometheus has not loaded the rules, too. "
        "Live: evaluated by Prometheus.",
        "short",
    )
    return panels.stat(
        "own/alerts", told, [Query(expr, "firing", instant=True)], [step(GREEN, None), step(RED, 1)], names=False,
    )  # fmt: skip


def scrape_age() -> Panel:
    """How old the newest live number is."""
    expr = f"max by (instance) (time() - timestamp({PREFIX}series))"
    told = Told("Age of the last scrape", f"How old the newest live number of each collector is. {_LIVE}", "s")
    return panels.timeseries("own/scrape-age", told, [Query(expr, "{{instance}}")], custom={"axisSoftMin": 0})

"""From a slow call to its trace: live latency with exemplars, and the trace that was chosen."""

from __future__ import annotations

from grafanalib.core import Panel

from hybridobs.grafana import panels, words
from hybridobs.grafana.panels import Query, Told
from hybridobs.grafana.promql import LIVE_WINDOW, Asked, query
from hybridobs.grafana.variables import TRACES_TYPE
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.kpi import Kpi, Quantile

TERMINAL = """The collector keeps the slowest and the failed calls of each minute, with all their spans.

```
hybridobs trace list --slowest    # which are kept
hybridobs trace show TRACE_ID     # one of them as a waterfall, device and cloud on one axis
```
"""
_EXEMPLARS = "Diamonds are single calls that a trace was kept of: click one, then its trace id."


def latencies() -> list[Kpi]:
    """The percentiles of one inference call, of which the collector shows exemplars."""
    return [kpi for kpi in KPIS.values() if isinstance(kpi.formula, Quantile) and kpi.formula.measure is m.DURATION]


def with_exemplars(*, by: str = "tier") -> Panel:
    """Live latency by tier, with calls to click on."""
    asked = Asked(by=(by,), window=LIVE_WINDOW, live=True, guarded=False)
    kpis = tuple(latencies())
    queries = [Query(query(kpi, asked), f"{kpi.title} {{{{{by}}}}}", exemplar=True) for kpi in kpis]
    told = Told(
        "Latency, live, with single calls",
        f"{words.description(kpis, 'Each point is about the last few scrapes.', live=True)} {_EXEMPLARS}",
        "s",
    )
    return panels.timeseries(
        "exemplars/latency", told, queries, words.lines(kpis), custom={"axisSoftMin": 0, "showPoints": "never"}
    )


def errors(*, by: str = "tier") -> Panel:
    """Live error rate, to see whether the slow ones also fail."""
    asked = Asked(by=(by, "error_type"), window=LIVE_WINDOW, live=True)
    expr = asked.grew(asked.name(m.ERRORS), asked.by)
    told = Told(
        "Failed calls, live",
        f"{m.ERRORS.brief} In the last few scrapes. Live: what one collector counted, at the time of arrival.",
        "short",
    )
    return panels.timeseries(
        "exemplars/errors",
        told,
        [Query(expr, f"{{{{{by}}}}} {{{{error_type}}}}")],
        stacked=True,
        custom={"axisSoftMin": 0},
    )


def chosen_trace() -> Panel:
    """The trace whose id is in the variable, from device to cloud."""
    told = Told(
        "The chosen trace",
        "Every kept span of the trace whose id stands above, device and cloud on one time axis. Reads the trace store; "
        "the same on a terminal: `hybridobs trace show $trace_id`.",
        "none",
    )
    source = {"type": TRACES_TYPE, "uid": "${traces}"}
    return panels.traces("chosen-trace", told, source, {"query": "$trace_id"})

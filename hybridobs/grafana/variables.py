"""The variables of a board: where it reads, whom it is about, and how it shows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from grafanalib.core import Template

from hybridobs.grafana.promql import VARIABLES
from hybridobs.kpi.catalog.measures import DURATION
from hybridobs.kpi.prometheus import metric_name, stored_name

DATASOURCE_UID = "hybridobs-prometheus"
TRACES_UID, TRACES_TYPE = "hybridobs-traces", "jaeger"
_ALL = ".*"
_ON_TIME_RANGE = 2  # ask again when the time range changes
_NATURALLY, NATURALLY_DOWN = 7, 8
_SOURCE = {"type": "prometheus", "uid": "${ds}"}
_WINDOWS = ("5m", "15m", "1h", "6h", "1d", "7d")


def of(names: Sequence[str] = (), *, live: bool = False) -> list[Template]:
    """The data source, then the named ones; without names all filters, the lines' label, window and sample."""
    chosen = names or (*VARIABLES, "by", *(() if live else ("window", "sample")))
    filters = [name for name in VARIABLES if name in chosen]
    one = "model" if "baseline" in chosen else ""  # versions of two models are no releases of one another
    made = (
        _filter(name, filters, live=live, several=name != one) if name in filters else _OWN[name]() for name in chosen
    )
    return [_datasource(), *made]


def _datasource() -> Template:
    return Template(name="ds", label="Prometheus", type="datasource", query="prometheus", default=DATASOURCE_UID)


def _filter(label: str, filters: Sequence[str], *, live: bool, several: bool) -> Template:
    """Which values of a label to show, limited by the filters before it.

    In event time labels are asked for by a query, because Prometheus lists no labels of what it reads remotely.
    """
    before = ",".join(f'{other}=~"${other}"' for other in filters[: filters.index(label)])
    return Template(
        name=label,
        label=label.replace("_", " ").capitalize(),
        type="query",
        dataSource=_SOURCE,
        multi=several,
        includeAll=several,
        allValue=_ALL if several else None,
        **(_live_values(label, before) if live else _values(label, before)),
    )


def _live_values(label: str, matchers: str) -> dict[str, object]:
    query = f"label_values({metric_name(DURATION)}_count{{{matchers}}}, {label})"
    return {"query": query, "refresh": _ON_TIME_RANGE}


def _values(label: str, matchers: str) -> dict[str, object]:
    series = f"{stored_name(DURATION)}_count{{{matchers}}}"
    query = f"query_result(count by ({label}) (increase({series}[$__range]) > 0))"
    return {"query": query, "regex": f'/{label}="([^"]*)"/', "refresh": _ON_TIME_RANGE}


def _version(name: str, label: str, sort: int) -> Callable[[], Template]:
    def made() -> Template:
        values = _values("version", ",".join(f'{other}=~"${other}"' for other in ("tier", "model")))
        return Template(name=name, label=label, type="query", dataSource=_SOURCE, sort=sort, **values)

    return made


def _choice(name: str, label: str, options: Sequence[tuple[str, str]], default: str) -> Template:
    return Template(
        name=name,
        label=label,
        type="custom",
        query=", ".join(f"{shown} : {value}" for shown, value in options),
        options=[{"text": shown, "value": value, "selected": value == default} for shown, value in options],
    )


def _by() -> Template:
    options = [(label.replace("_", " "), label) for label in VARIABLES]
    return _choice("by", "A line for each", options, "tier")


def _sample() -> Template:
    options = [("as the KPI needs", "1"), ("a tenth of it", "0.1"), ("any", "0")]
    return _choice("sample", "Smallest sample", options, "1")


def _window() -> Template:
    options = [{"text": each, "value": each, "selected": each == "1h"} for each in _WINDOWS]
    return Template(
        name="window",
        label="Each point about",
        type="interval",
        query=",".join(_WINDOWS),
        options=options,
        default="1h",
    )


def _traces() -> Template:
    return Template(name="traces", label="Traces", type="datasource", query=TRACES_TYPE, default=TRACES_UID)


def _trace_id() -> Template:
    return Template(name="trace_id", label="Trace id", type="textbox", query="", default="")


_OWN: dict[str, Callable[[], Template]] = {
    "by": _by,
    "window": _window,
    "sample": _sample,
    "traces": _traces,
    "trace_id": _trace_id,
    "baseline": _version("baseline", "Baseline version", _NATURALLY),
    "candidate": _version("candidate", "Candidate version", NATURALLY_DOWN),
}

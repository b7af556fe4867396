"""Ask a Prometheus what the panels of a board would show: the queries as Grafana sends them, variables filled in."""

from __future__ import annotations

import json
import math
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

from hybridobs.errors import ConfigError
from hybridobs.grafana.lint import panels
from hybridobs.grafana.variables import NATURALLY_DOWN

Json = dict[str, Any]
_MOST_BYTES = 64 << 20
_METRIC = re.compile(r"\b(hybridobs_\w+|ALERTS)\b")
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}")
_LABEL = re.compile(r"^/|=.*$")


@dataclass(frozen=True, slots=True)
class View:
    """The time a board shows (Unix s), and its variables by name; a filter that is not named shows everything.

    ``points`` is how many of them a line has, about.
    """

    since: int
    until: int
    values: Mapping[str, str] = field(default_factory=dict)
    points: int = 240

    @property
    def step(self) -> int:
        """Seconds between two points: whole minutes, as the store's windows are."""
        return max(60, math.ceil((self.until - self.since) / self.points / 60) * 60)

    def filled(self, expr: str) -> str:
        """The expression with every variable and macro filled in."""
        span = self.until - self.since
        known = {
            "__range": f"{span}s", "__interval": f"{self.step}s", "__rate_interval": f"{4 * self.step}s",
            "window": "1h", "sample": "1", "by": "tier", **self.values,
        }  # fmt: skip
        return _VARIABLE.sub(lambda found: known.get(found[1] or found[2], ".*"), expr)


class Shown(NamedTuple):
    """What one panel got: series by the name of the query, and the metrics it asked for."""

    panel: int
    title: str
    found: Mapping[str, Sequence[Json]]
    metrics: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether it would show nothing but *no data*."""
        return not any(_numbers(series) for found in self.found.values() for series in found)


class Prometheus:
    """One server, asked over its HTTP API; every failure is a ConfigError that says what to do."""

    def __init__(self, url: str, timeout: float = 60.0) -> None:
        if not url.startswith(("http://", "https://")):
            raise ConfigError("prometheus", url, "is no address; write it as http://127.0.0.1:9090")
        self.url = url.rstrip("/")
        self._timeout = timeout

    def instant(self, expr: str, at: int) -> list[Json]:
        """The series of an instant query."""
        return self._ask("query", {"query": expr, "time": str(at)})

    def over(self, expr: str, view: View, step: int) -> list[Json]:
        """The series of a query over time, with points on whole steps as Grafana has them."""
        start, end = view.since // step * step, view.until // step * step
        return self._ask("query_range", {"query": expr, "start": str(start), "end": str(end), "step": str(step)})

    def _ask(self, path: str, form: Mapping[str, str]) -> list[Json]:
        request = urllib.request.Request(f"{self.url}/api/v1/{path}", urlencode(form).encode())  # noqa: S310 (checked)
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
                return list(json.loads(answer.read(_MOST_BYTES))["data"]["result"])
        except urllib.error.HTTPError as error:
            said = error.read(2000).decode(errors="replace")
            raise ConfigError("prometheus", self.url, f"refused {form['query']!r}: {said}") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError("prometheus", self.url, f"did not answer as a Prometheus does: {error}") from error


def shown(server: Prometheus, board: Json, view: View) -> Iterator[Shown]:
    """What each panel of the board that reads Prometheus would show."""
    view = opened(server, board, view)
    for panel in panels(board):
        targets = [target for target in panel.get("targets", []) if "expr" in target]
        if targets:
            found = {target["refId"]: _target(server, target, view) for target in targets}
            asked = sorted({name for target in targets for name in _METRIC.findall(target["expr"])})
            yield Shown(panel["id"], panel["title"], found, tuple(asked))


def _target(server: Prometheus, target: Json, view: View) -> list[Json]:
    expr = view.filled(target["expr"])
    if target["instant"]:
        return server.instant(expr, view.until)
    least = 60 * int(target.get("interval", "1m").removesuffix("m"))
    return server.over(expr, view, max(view.step, least))


def opened(server: Prometheus, board: Json, view: View) -> View:
    """The view with what the board starts with where a variable has one value: the first found, or the last."""
    for variable in board["templating"]["list"]:
        name, asked = variable["name"], str(variable["query"])
        if variable["type"] == "query" and not variable.get("includeAll") and name not in view.values:
            label = _LABEL.sub("", variable["regex"])
            series = server.instant(view.filled(asked.removeprefix("query_result(").removesuffix(")")), view.until)
            found = sorted((each["metric"].get(label, "") for each in series), key=_natural)
            if found:
                last = variable.get("sort") == NATURALLY_DOWN
                view = replace(view, values={**view.values, name: found[-1 if last else 0]})
    return view


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(part) if part.isdigit() else -1, part) for part in re.split(r"(\d+)", text)]


def _numbers(series: Json) -> bool:
    pairs = series.get("values") or [series.get("value", (0, "NaN"))]
    return any(not math.isnan(float(value)) for _, value in pairs)

"""From a report to one HTML file: it loads nothing, runs nothing, and what devices say is never markup."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from hybridobs.contract import CONTRACT_VERSION
from hybridobs.kpi.kpi import Direction, Kpi
from hybridobs.kpi.quantity import digits, quantity
from hybridobs.report import charts, tables
from hybridobs.report.gathering import Report
from hybridobs.report.sections import groups, headline, looks, steady
from hybridobs.report.state import State


def render(report: Report) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("hybridobs.report"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(_FILTERS)
    style = files("hybridobs.report").joinpath("templates/style.css").read_text(encoding="utf-8")
    template = environment.get_template("page.html")
    return template.render(
        report=report,
        groups=groups(report.board),
        looks=looks(report),
        trends=steady(report.board),
        facts=headline(report),
        charts=charts,
        tables=tables,
        State=State,
        style=Markup(style),  # noqa: S704 - our own file
        policy=_policy(style),
        version=version("hybridobs"),
        contract=CONTRACT_VERSION,
    )


def _policy(style: str) -> str:
    """Nothing may be fetched and no script may run; the one style sheet is known by its hash."""
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


def _utc(unix_s: float) -> str:
    return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M} UTC"


def _iso(unix_s: float) -> str:
    return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%dT%H:%MZ}"


def _lasting(seconds: float) -> str:
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = seconds / size
            return f"{digits(round(number, 1))} {name}{'' if number == 1 else 's'}"
    return f"{seconds:.0f} s"


def _objective(kpi: Kpi) -> str:
    if kpi.objective is None:
        return ""
    side = "≥" if kpi.direction is Direction.HIGHER else "≤"
    return f"{side} {kpi.exactly(kpi.objective)}"


def _percent(share: float) -> str:
    return f"{digits(round(100 * share, 1))} %"


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in labels.items())


_FILTERS: dict[str, Any] = {
    "utc": _utc,
    "iso": _iso,
    "lasting": _lasting,
    "objective": _objective,
    "percent": _percent,
    "labels": _labels,
    "quantity": quantity,
    "digits": digits,
    "seconds": lambda ns: quantity(ns / 1e9, "s"),
}

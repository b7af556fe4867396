"""From ``NAME.dashboard.py`` to ``generated/NAME.json``: what Grafana reads, made the same every time."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any, NamedTuple

from grafanalib._gen import DashboardEncoder
from grafanalib.core import Dashboard

from hybridobs.errors import ConfigError
from hybridobs.grafana.limits import Limits, drawn_at
from hybridobs.grafana.normal import normal
from hybridobs.grafana.promql import classic

SUFFIX = ".dashboard.py"


class Built(NamedTuple):
    """One board: where it was declared, where it is written, what is to be in there, and whether that is so already."""

    source: Path
    target: Path
    text: str
    stale: bool

    @property
    def json(self) -> dict[str, Any]:
        """The board as Grafana reads it."""
        made: dict[str, Any] = json.loads(self.text)
        return made


def build(
    folder: Path, limits: Limits | None = None, out: Path | None = None, *, classic_histograms: bool = False
) -> list[Built]:
    """Every board declared in ``folder``, rendered with these limits; nothing is written.

    ``classic_histograms`` is for a Prometheus before 2.45, which reads no native ones from a remote store.

    ConfigError where the folder holds no board, or a file of it sets none.
    """
    built = []
    for source in sorted(folder.glob(f"*{SUFFIX}")):
        target = (out or folder / "generated") / f"{source.name.removesuffix(SUFFIX)}.json"
        with drawn_at(limits or Limits()), classic(classic_histograms):
            text = render(load(source))
        current = target.read_bytes() if target.is_file() else None  # what is no text, or no file, is stale
        built.append(Built(source, target, text, stale=text.encode() != current))
    if not built:
        raise ConfigError("folder", str(folder), f"holds no file that ends in {SUFFIX}")
    return built


def load(source: Path) -> Dashboard:
    """The variable ``dashboard`` of a file."""
    found = runpy.run_path(str(source)).get("dashboard")
    if not isinstance(found, Dashboard):
        raise ConfigError("dashboard", str(source), "the file must set a variable `dashboard`, made by grafana.board()")
    return found


def render(dashboard: Dashboard) -> str:
    """The board as JSON text for a current Grafana: sorted keys, no legacy ones, a newline at the end."""
    raw: dict[str, Any] = json.loads(json.dumps(dashboard.to_json_data(), cls=DashboardEncoder))
    return json.dumps(normal(raw), indent=2, sort_keys=True, ensure_ascii=False) + "\n"

"""Marks on every time axis: what was released or taken back, and which alert fired."""

from __future__ import annotations

from typing import Any

from hybridobs.grafana.panels import DATASOURCE
from hybridobs.kpi.catalog import happenings as h
from hybridobs.kpi.prometheus import stored_name

_FILTERS = 'cohort=~"$cohort",tier=~"$tier"'


def all_of_them() -> list[dict[str, Any]]:
    """Promotions and pauses, rollbacks, alerts."""
    where = f"{{{_FILTERS}}}"
    return [
        _mark(
            "Releases", "blue", f"sum by (action, version) (increase({stored_name(h.RELEASES)}{where}[2m])) > 0",
            "{{action}} {{version}}", "action,version",
        ),
        _mark(
            "Rollbacks", "red", f"sum by (version, trigger) (increase({stored_name(h.ROLLBACKS)}{where}[2m])) > 0",
            "Rolled back: {{version}}, by {{trigger}}", "version,trigger",
        ),
        _mark(
            "Alerts", "orange", 'ALERTS{alertname=~"Hybridobs.*",alertstate="firing"}',
            "{{alertname}}", "alertname,severity,slo",
        ),
    ]  # fmt: skip


def _mark(name: str, color: str, expr: str, title: str, tags: str) -> dict[str, Any]:
    """Grafana's Prometheus data source reads ``expr`` and the formats beside the keys that every annotation has."""
    return {
        "datasource": DATASOURCE,
        "enable": True,
        "expr": expr,
        "hide": False,
        "iconColor": color,
        "name": name,
        "step": "60s",
        "tagKeys": tags,
        "textFormat": "",
        "titleFormat": title,
    }

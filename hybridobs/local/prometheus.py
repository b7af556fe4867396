"""The configuration of the Prometheus beside a collector, whether it runs in a container or as a plain process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

SCRAPE_S = 5
_HEAD = """\
# Live (`hybridobs_…`): what the collector counted since its start, by the time of the scrape. Event time
# (`hybridobs_stored_…`): what the store knows, each call in the minute in which it began, however late it came.
"""


def configuration(collector: str, alertmanager: str | None, rules: Sequence[str] = ()) -> str:
    """YAML for a Prometheus that scrapes ``collector`` (HOST:PORT), reads its store, and tells ``alertmanager``."""
    import yaml

    made: dict[str, Any] = {
        "global": {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": "15s"},
        "scrape_configs": [{"job_name": "hybridobs", "static_configs": [{"targets": [collector]}]}],
        # The store alone has what is read from it, the newest samples too.
        "remote_read": [{"url": f"http://{collector}/api/v1/read", "read_recent": True}],
        "rule_files": list(rules),
    }
    if alertmanager:
        made["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]}
    return _HEAD + yaml.safe_dump(made, sort_keys=False)

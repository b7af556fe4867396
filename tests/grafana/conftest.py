"""What the boards tests share: the boards that are shipped, as `make dashboards` builds them."""

from __future__ import annotations

import re
from pathlib import Path

from hybridobs.cli._boards import built
from hybridobs.grafana import Built

FOLDER = Path(__file__).parents[2] / "dashboards"
BOARDS: dict[str, Built] = {board.target.stem: board for board in built(FOLDER, None)}


def plain(expression: str) -> str:
    """The expression with Grafana's variables filled in, each by something of its kind."""
    known = {"__rate_interval": "5m", "__range": "1d", "window": "1h", "sample": "1", "by": "tier"}
    return re.sub(r"\$(\w+)", lambda found: known.get(found[1], ".*"), expression)

"""Boards: rows of panels placed on Grafana's grid, with the variables, links and annotations that every board has."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from grafanalib.core import Annotations, Dashboard, DashboardLink, GridPos, Panel, RowPanel, Templating, Time

from hybridobs.grafana import marks, variables
from hybridobs.grafana.links import BOARDS, uid
from hybridobs.grafana.panels import Drawn

COLUMNS = 24
SCHEMA_VERSION = 42
TAG = "hybridobs"


@dataclass(frozen=True, slots=True)
class Row:
    """A titled block of panels, ``across`` of them side by side."""

    title: str
    panels: tuple[Panel, ...]
    height: int
    across: int


def row(title: str, *panels: Panel, height: int = 8, across: int = 3) -> Row:
    """Panels under a title; ``height`` in grid units of 30 pixels, the last line fills the width."""
    return Row(title, panels, height, across)


def board(
    name: str, description: str, rows: Sequence[Row], *, live: bool = False, only: Sequence[str] = (), since: str = ""
) -> Dashboard:
    """A board with uid ``hybridobs-<name>``: panels placed, with ids that stay when others come and go.

    ``live`` boards show the last hour and renew themselves often; ``only`` names the variables that the board needs
    besides its data source, all of them if left out.
    """
    return Dashboard(
        uid=uid(name),
        title=f"hybridobs · {BOARDS.get(name, name.replace('-', ' ').capitalize())}",
        description=description,
        tags=[TAG],
        panels=list(_placed(name, rows)),
        templating=Templating(list=variables.of(only, live=live)),
        annotations=Annotations(list=marks.all_of_them()),
        links=[_other_boards()],
        time=Time(since or ("now-1h" if live else "now-24h"), "now"),
        refresh="10s" if live else "1m",
        timezone="browser",
        editable=False,
        graphTooltip=1,
        schemaVersion=SCHEMA_VERSION,
    )


def _placed(name: str, rows: Sequence[Row]) -> Iterator[Panel]:
    top = 0
    for block in rows:
        yield _identified(name, RowPanel(title=block.title, gridPos=GridPos(h=1, w=COLUMNS, x=0, y=top)))
        top += 1
        for line in _lines(block):
            x = 0
            for place, panel in enumerate(line):
                width = (COLUMNS - x) // (len(line) - place)
                panel.gridPos = GridPos(h=block.height, w=width, x=x, y=top)
                x += width
                yield _identified(name, panel)
            top += block.height


def _lines(block: Row) -> Iterator[tuple[Panel, ...]]:
    """The panels of a block, line by line, as even as they go: sixteen across three are 3, 3, 3, 3, 2, 2."""
    count = -(-len(block.panels) // block.across)
    left = iter(block.panels)
    for place in range(count):
        yield tuple(islice(left, (len(block.panels) + count - 1 - place) // count))


def _identified(name: str, panel: Panel) -> Panel:
    """A positive 31-bit id that follows from the board and from what the panel is about."""
    key = panel.key if isinstance(panel, Drawn) else f"row/{panel.title}"
    panel.id = zlib.crc32(f"{name}/{key}".encode()) & 0x7FFFFFFF
    return panel


def _other_boards() -> DashboardLink:
    return DashboardLink(
        title="hybridobs", type="dashboards", tags=[TAG], asDropdown=True, includeVars=True, keepTime=True
    )

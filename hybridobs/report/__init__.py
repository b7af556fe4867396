"""One page for those without Grafana: what a store says, in one HTML file that loads nothing and runs nothing.

:func:`gather` reads a store, :func:`render` makes the page; only the page needs the extra ``report``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from hybridobs.errors import MissingExtra

if TYPE_CHECKING:
    from hybridobs.report.board import Board, Line, read_board
    from hybridobs.report.gathering import STEPS, Report, gather
    from hybridobs.report.lights import Shown, read_lights
    from hybridobs.report.page import render
    from hybridobs.report.state import Asked, Judge, Promise, State, Verdict
    from hybridobs.report.worst import Worst, read_worst

_HOMES = {
    "board": ("Board", "Line", "read_board"),
    "gathering": ("STEPS", "Report", "gather"),
    "lights": ("Shown", "read_lights"),
    "page": ("render",),
    "state": ("Asked", "Judge", "Promise", "State", "Verdict"),
    "worst": ("Worst", "read_worst"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "STEPS",
    "Asked",
    "Board",
    "Judge",
    "Line",
    "Promise",
    "Report",
    "Shown",
    "State",
    "Verdict",
    "Worst",
    "gather",
    "read_board",
    "read_lights",
    "read_worst",
    "render",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    except ModuleNotFoundError as fault:
        if (fault.name or "").startswith("hybridobs"):
            raise
        raise MissingExtra(fault.name or "jinja2", "report") from fault

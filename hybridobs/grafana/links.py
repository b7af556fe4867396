"""Links from one level to the next, keeping every variable and the time."""

from __future__ import annotations

BOARDS = {
    "overview": "Overview",
    "experience": "Experience",
    "quality": "Quality",
    "cost": "Cost",
    "stability": "Stability",
    "learning": "Learning",
    "device": "Device health",
    "release": "Compare two releases",
    "traces": "Traces",
    "pipeline": "Pipeline",
}
KEPT = "${__url_time_range}&${__all_variables}"


def uid(name: str) -> str:
    """A board's uid, the same on every server."""
    return f"hybridobs-{name}"


def url(name: str) -> str:
    """Where a board is, with what is selected here."""
    return f"/d/{uid(name)}?{KEPT}"


def to(*names: str) -> tuple[tuple[str, str], ...]:
    """Title and address of boards to go on with."""
    return tuple((BOARDS[name], url(name)) for name in names)

"""What the commands about boards share: where boards are declared, and what they are drawn at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridobs.grafana import Built, Limits

_CHECKOUT = Path(__file__).parents[2] / "dashboards"


def shipped() -> Path:
    """Where our own boards are declared: beside the package in a checkout, inside it where it is installed."""
    import hybridobs.grafana

    installed = Path(hybridobs.grafana.__file__).parent / "shipped"
    return _CHECKOUT if (_CHECKOUT / "overview.dashboard.py").exists() else installed


def limits(slo: Path | None) -> Limits:
    """The objectives and triggers of an SLO file; without one the catalogue's, and the triggers a gate starts with."""
    from hybridobs.grafana import Limits, Promise, Trigger
    from hybridobs.kpi.stats.verdict import Worse
    from hybridobs.slo import TRIGGERS, load

    file = load(slo) if slo else None
    compared = file.triggers if file and file.triggers else TRIGGERS
    return Limits(
        promises=tuple(
            Promise(one.kpi, one.limit, one.worse is Worse.HIGHER, dict(one.where), one.window.name)
            for one in (file.objectives if file else ())
        ),
        triggers=tuple(Trigger(one.kpi, one.limit, one.relative) for one in compared if not one.hard),
    )


def built(
    folder: Path | None, slo: Path | None, out: Path | None = None, *, classic_histograms: bool = False
) -> list[Built]:
    """Every board of a folder, ours without one."""
    from hybridobs.grafana import build

    return build(folder or shipped(), limits(slo), out, classic_histograms=classic_histograms)

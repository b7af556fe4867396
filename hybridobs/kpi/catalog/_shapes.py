"""How a measure is declared: one line each, and all of them in one register."""

from __future__ import annotations

from hybridobs.kpi.measure import Measure, Shape, Source

MEASURES: dict[str, Measure] = {}

NANO = 1e-9
MICRO = 1e-6
# Thresholds that a person notices or that a target names (mission map, section 2): counted exactly, in seconds.
LATENCY_EDGES = (0.00833, 0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.3, 0.45, 0.8, 2.0)


def _register(measure: Measure) -> Measure:
    assert measure.name not in MEASURES, measure.name
    MEASURES[measure.name] = measure
    return measure


def count(name: str, unit: str, brief: str, *extra: str, source: Source = Source.EVENTS) -> Measure:
    """Occurrences; ``extra`` labels may be added up."""
    return _register(Measure(name, unit, Shape.COUNT, brief, extra=extra, source=source))


def total(name: str, unit: str, brief: str, *apart: str, quantum: float = 1.0, extra: tuple[str, ...] = ()) -> Measure:
    """A sum; the labels ``apart`` must never be added together, ``extra`` ones may."""
    return _register(Measure(name, unit, Shape.SUM, brief, quantum, extra=(*apart, *extra), apart=apart))


def distribution(
    name: str,
    unit: str,
    brief: str,
    *apart: str,
    edges: tuple[float, ...] = (),
    quantum: float = NANO,
    extra: tuple[str, ...] = (),
    source: Source = Source.EVENTS,
) -> Measure:
    """Values with their histogram and exact counts at the ``edges``, which are given in ``unit``."""
    exact = tuple(round(edge / quantum) for edge in edges)
    labels = (*apart, *extra)
    return _register(
        Measure(name, unit, Shape.DISTRIBUTION, brief, quantum, exact, extra=labels, apart=apart, source=source)
    )


def different(name: str, unit: str, brief: str, *, back: int = 0) -> Measure:
    """Which ones; seen ``back`` seconds after the window they count for."""
    return _register(Measure(name, unit, Shape.DISTINCT, brief, back=back))

"""What the first screen has that no other has: four lights, every promise at a glance, the versions in a table."""

from __future__ import annotations

from collections.abc import Iterator

from grafanalib.core import Panel

from hybridobs.grafana import panels, words
from hybridobs.grafana.families import Family
from hybridobs.grafana.kpis import SELECTED, of_rows, over_time
from hybridobs.grafana.limits import Promise, promises
from hybridobs.grafana.links import to, url
from hybridobs.grafana.panels import GREEN, RED, Query, Told, by_ref, step
from hybridobs.grafana.promql import RANGE, STRICTNESS, Asked, query
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.catalog import measures as m
from hybridobs.kpi.kpi import SHARE, Kpi

# The words of the customer, and the board that says more; the KPIs are those of row G16 of the mission map, in order.
LIGHTS = (("Fast", "experience"), ("Uninterrupted", "stability"), ("Safe", "learning"), ("Predictable", "cost"))
_SPEND_RISES = 1.2  # ours: a fifth more than in the time before is no longer predictable
VERSION_LABELS = ("model", "version", "cohort")


def lights() -> Iterator[Panel]:
    """Fast, uninterrupted, safe, predictable: green, red, or grey while nobody can say."""
    for (title, board), kpi in zip(LIGHTS, of_rows("G16"), strict=False):
        kept = promises(kpi)
        yield _kept(kept[0], title, board) if kept else _steady(kpi, title, board)


def _kept(promise: Promise, title: str, board: str) -> Panel:
    kpi = promise.kpi
    told = Told(f"{title} · {kpi.title}", words.description((kpi,), SELECTED), words.unit(kpi), to(board))
    value = query(kpi, Asked(window=RANGE).where(promise.where))
    light = Query(f"({value}) or on () vector(NaN)", kpi.title, instant=True)
    return panels.stat(f"light/{title}", told, [light], words.steps(promise), background=True, names=False, size=40)


def _steady(kpi: Kpi, title: str, board: str) -> Panel:
    """What has no objective must be what it was: now, as a share of the same time before."""
    asked = Asked(window=RANGE)
    now = query(kpi, asked)
    before = now.replace(f"[{RANGE}]", f"[{RANGE}] offset {RANGE}")
    told = Told(
        f"{title} · {kpi.title}, as before",
        f"{kpi.brief} Over the selected time, as a share of the equally long time before: 100 % is as "
        f"before, red from {_SPEND_RISES:.0%} on (a choice of this board). No value unless the time before had "
        f"{SHARE} calls. {words.source(kpi)}",
        "percentunit",
        to(board),
    )
    calls = asked.grew(f"{asked.name(m.DURATION)}_count", ()).replace(f"[{RANGE}]", f"[{RANGE}] offset {RANGE}")
    light = f"(({now}) / ({before} > 0) and on () ({calls} >= {STRICTNESS} * {SHARE})) or on () vector(NaN)"
    return panels.stat(
        f"light/{title}", told, [Query(light, " ".join(f"{{{{{label}}}}}" for label in kpi.apart), instant=True)],
        [step(GREEN, None), step(RED, _SPEND_RISES)], background=True, names=False, size=40,
    )  # fmt: skip


def every_promise() -> Panel:
    """All objectives on one panel, each in its own unit and with its own limit."""
    queries, overrides = [], []
    kept = [promise for kpi in KPIS.values() for promise in promises(kpi)]
    for place, promise in enumerate(kept):
        ref = f"P{place}"
        where = "".join(f" {value}" for value in promise.where.values())
        apart = "".join(f" {{{{{label}}}}}" for label in promise.kpi.apart)
        value = query(promise.kpi, Asked(window=RANGE).where(promise.where))
        queries.append(
            Query(f"({value}) or on () vector(NaN)", f"{promise.kpi.title}{where}{apart}", ref, instant=True)
        )
        thresholds = {"mode": "absolute", "steps": words.steps(promise)}
        overrides.append(by_ref(ref, unit=words.unit(promise.kpi), thresholds=thresholds))
    told = Told(
        "Every promise",
        "Each KPI of which something is promised, over the selected time: green where it is kept, red where it is not, "
        "grey where there is not enough data to say. The boards of the groups say how it came to this. "
        "Event time: read from the store, each event in the minute in which it began. "
        "The same as an exit code: `hybridobs slo check`.",
        "none",
    )
    return panels.stat("every-promise", told, queries, [], overrides=overrides, size=18)


def versions() -> Panel:
    """The usual KPIs of each model, version and cohort; a click compares the releases."""
    kpis = [kpi for kpi in KPIS.values() if kpi.default]
    columns = {label: label.replace("_", " ").capitalize() for label in VERSION_LABELS}
    queries, overrides = [], []
    for place, kpi in enumerate(kpis):
        ref = chr(ord("A") + place)
        queries.append(Query(query(kpi, Asked(VERSION_LABELS, RANGE)), "", ref, instant=True, table=True))
        columns[f"Value #{ref}"] = kpi.title
        kept = promises(kpi)[:1]
        cell = {"type": "color-text"} if kept else {"type": "auto"}
        thresholds = {"mode": "absolute", "steps": words.steps(kept[0] if kept else None)}
        overrides.append(
            {
                "matcher": {"id": "byName", "options": kpi.title},
                "properties": [
                    {"id": "unit", "value": words.unit(kpi)},
                    {"id": "thresholds", "value": thresholds},
                    {"id": "custom.cellOptions", "value": cell},
                ],
            }
        )
    link = {"title": "Compare the releases", "url": url("release")}
    overrides.append(
        {"matcher": {"id": "byName", "options": "Version"}, "properties": [{"id": "links", "value": [link]}]}
    )
    told = Told(
        "Models, versions, cohorts",
        "The usual KPIs over the selected time; an empty cell has too little data. Click a version to compare. "
        "Event time: read from the store, each event in the minute in which it began.",
        "none",
        to("release"),
    )
    return panels.table("versions", told, queries, columns=columns, overrides=overrides)


def by_task(*rows: str) -> Iterator[Panel]:
    """The KPIs of these rows of the mission map, a line for each task."""
    for kpi in of_rows(*rows):
        yield over_time(Family(f"{kpi.title}, by task", (kpi,)), by="task")

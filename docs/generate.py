"""Write what follows from a declaration: contract, KPIs, the list of boards, and JSON Schemas.

``python docs/generate.py`` writes them; with ``--check`` nothing is written and a stale file is named (exit 1).
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any

from hybridobs import contract
from hybridobs.cli._boards import built
from hybridobs.contract._setters import set_by
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.catalog.mission import MISSION
from hybridobs.kpi.kpi import Direction, Kpi
from hybridobs.kpi.measure import Measure
from hybridobs.slo import plan_schema, schema, verdict_schema

ROOT = Path(__file__).parents[1]
MADE_BY = "<!-- Made by `make docs` from {source}; edit that file, not this one. -->"
PLACES = {
    "resource": ("On the resource: who is speaking", "Sent once a request."),
    "scope": ("On the scope: how the batch left", "Sent once a request."),
    "record": ("On every record", "Spans and log records alike."),
    "span": ("On a span: one inference", "All are optional but the model's name."),
    "span event": ("On an exception event", "OpenTelemetry's own names."),
    "collector": ("Computed by the collector", "Never sent."),
}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table; a pipe inside a cell is escaped."""
    lines = [list(head)]
    lines.append(["---"] * len(lines[0]))
    lines.extend([cell.replace("|", "\\|") for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    """Text in backticks; nothing for an empty one."""
    return f"`{text}`" if text else ""


def said_in_source(enum: type[StrEnum]) -> dict[str, str]:
    """The comment beside each member of an enumeration: its sentence is written there once."""
    found = re.findall(r'^ +\w+ = "(\S+)"(?:  # (.+))?$', inspect.getsource(enum), re.MULTILINE)
    return dict(found)


def attributes(place: str) -> str:
    """The table of what one place carries."""
    rows = [
        [code(a.key), a.type, code(a.unit), a.brief, code(a.example), set_by(a.key), a.stability]
        for a in contract.ATTRIBUTES.values()
        if a.where == place
    ]
    return table(["attribute", "type", "unit", "meaning", "example", "set by", "stability"], rows)


def closed_lists() -> list[type[StrEnum]]:
    """Every enumeration of the contract, in the order of the source."""
    found = [value for value in vars(contract).values() if isinstance(value, type) and issubclass(value, StrEnum)]
    return [enum for enum in dict.fromkeys(found) if enum is not StrEnum]


def contract_page() -> str:
    """Every name on the wire: attributes by place, foreign names, closed lists of reasons, labels."""
    parts = [
        MADE_BY.format(source="`hybridobs/contract/`"),
        "# The wire contract",
        f"Version **{contract.CONTRACT_VERSION}**. Everything travels as plain OTLP; these are the names that "
        "hybridobs reads and writes. OpenTelemetry's names are used where they exist, `hybridobs.*` only where "
        "none does. Units are UCUM.",
        "*Set by*: a function of `hybridobs` that the application calls (`call` is what `observe` gives); the "
        "*operator* in `configure` or the environment; the *SDK* by itself; *relay* and *collector*. *Any sender* is "
        "whoever has the value: there is no function of its own; stock OpenTelemetry sends it, or on a call "
        "`call.attribute`.",
    ]
    for place, (title, note) in PLACES.items():
        parts += [f"## {title}", note, attributes(place)]
    parts += [
        "## Events",
        "What happens beside a call: an OTLP log record with one of these event names. It may carry the tags of a span "
        "and what every record carries as well.",
    ]
    for place in dict.fromkeys(a.where for a in contract.ATTRIBUTES.values() if a.where not in PLACES):
        parts += [f"### {code(place)}", attributes(place)]
    parts += [
        "## Foreign names that are read as ours",
        "A sender that knows nothing of hybridobs is understood where it uses these.",
        table(["sent", "read as"], [[code(theirs), code(ours)] for theirs, ours in contract.ALIASES.items()]),
        "## Closed lists",
    ]
    for enum in closed_lists():
        parts += [f"### {enum.__name__}", inspect.cleandoc(enum.__doc__ or "")]
        said = said_in_source(enum)
        if any(said.values()):
            parts.append(table(["value", "meaning"], [[code(m.value), said.get(m.value, "")] for m in enum]))
        else:
            parts.append(", ".join(code(member.value) for member in enum) + ".")
    base = ", ".join(code(label) for label in contract.LABELS)
    extra = ", ".join(code(label) for label in contract.EXTRA_LABELS)
    parts += [
        "## Labels of a series",
        f"Every series has {base}; one that was not sent is `{contract.UNKNOWN}`. A measure may add some of {extra}. "
        f"A label value has at most {contract.LABEL_MAX_CHARS} characters; past the limit of series everything new "
        f"goes to `{contract.OVERFLOW}`, where it can be seen.",
        table(["attribute", "label"], [[code(key), code(label)] for key, label in contract.LABEL_KEYS.items()]),
    ]
    return "\n\n".join(parts) + "\n"


def sample(kpi: Kpi) -> str:
    """What has to be there before a value is more than luck."""
    return "any" if kpi.minimum_sample == 1 else f"{kpi.minimum_sample:,}"


def objective(kpi: Kpi) -> str:
    """A limit to start from, on the side that is better."""
    side = "≤" if kpi.direction is Direction.LOWER else "≥"
    return "" if kpi.objective is None else f"{side} {kpi.objective:g}"


def shown(kpi: Kpi) -> str:
    """Whether it is shown without being asked for."""
    return "●" if kpi.default else ""


def requirements() -> str:
    """Each requirement with what answers it, or with the reason why no measure can."""
    own = {row: [kpi.id for kpi in KPIS.values() if kpi.row == row] for row in MISSION}
    rows = [
        [
            row,
            what.asked,
            ", ".join(code(kpi) for kpi in (*own[row], *what.kpis) if kpi in KPIS),
            ", ".join(code(label) for label in what.labels),
            ", ".join(code(kind) for kind in what.events),
            what.reason,
        ]
        for row, what in MISSION.items()
    ]
    return table(["row", "asked for", "KPIs", "labels", "events", "why no KPI, or not for all of it"], rows)


def edges_of(measure: Measure) -> str:
    """Exact thresholds in the measure's unit."""
    return ", ".join(f"{edge / measure.resolution:g}" for edge in measure.edges)


def kpis_page() -> str:
    """Every KPI by group, then every measure that they are read from."""
    parts = [
        MADE_BY.format(source="`hybridobs/kpi/catalog/`"),
        "# KPIs and measures",
        "`hybridobs kpi` prints the ones marked ●, or those that it is asked for. A value from fewer observations than "
        "the *sample* is shown as too little data; without any it is no data, never 0. *Better* says which way, "
        "*objective* a limit to start from, *row* which requirement it answers (at the end). Shares have Wilson's "
        "interval, quantiles an interval of ranks. Units are UCUM: `1` is a share.",
    ]
    head = ["id", "title", "unit", "better", "objective", "sample", "row", "meaning", ""]
    for group in dict.fromkeys(kpi.group for kpi in KPIS.values()):
        rows = [
            [code(k.id), k.title, code(k.unit), k.direction.value, objective(k), sample(k), k.row, k.brief, shown(k)]
            for k in KPIS.values()
            if k.group == group
        ]
        parts += [f"## {group.value.capitalize()}", table(head, rows)]
    head = ["measure", "metric", "unit", "kept as", "exact edges", "extra labels", "meaning"]
    rows = [
        [code(m.name), code(m.metric), code(m.unit), m.shape.value, edges_of(m), ", ".join(m.extra), m.brief]
        for m in MEASURES.values()
    ]
    parts += [
        "## Measures",
        "What is added up. A distribution keeps a count, sum, smallest, largest, a histogram at scale 5, and an exact "
        "count of the values at or below each edge (in the unit of the measure). A distinct measure keeps which ones "
        "there were, as hashes; all of them while they are few.",
        table(head, rows),
        "## Requirements",
        "What a hybrid-AI product is asked to show, and where it went. E to L are the board; N is latency, F cost, "
        "R release, D quality and learning, P privacy, T tags and layers, H the hybrid patterns, G placement.",
        requirements(),
    ]
    return "\n\n".join(parts) + "\n"


BOARDS_BEGIN, BOARDS_END = "<!-- boards: made by `make docs`, edit the boards instead -->", "<!-- end of boards -->"


def boards() -> str:
    """Each board with its picture and its panels."""
    parts = []
    for board in built(ROOT / "dashboards", None):
        made, name = board.json, board.target.stem
        parts += [f"### {made['title'].removeprefix('hybridobs · ')}", made["description"]]
        if (ROOT / "docs" / "pictures" / f"{name}.png").exists():
            parts.append(f"![The board {made['title']}](pictures/{name}.png)")
        rows = [[panel["title"], panel["type"], read_from(panel)] for panel in made["panels"] if panel["type"] != "row"]
        parts.append(f"<details><summary>{len(rows)} panels</summary>")
        parts += [table(["panel", "kind", "shows"], rows), "</details>"]
    return "\n\n".join(parts)


def read_from(panel: dict[str, Any]) -> str:
    """Which of the two times a panel shows."""
    times = [
        words for words, mark in (("event time", "Event time:"), ("live", "Live:")) if mark in panel["description"]
    ]
    return ", ".join(times)


def dashboards_page() -> str:
    """The page about boards, as it is but for the part that follows from them."""
    page = (ROOT / "docs" / "dashboards.md").read_text(encoding="utf-8")
    before, _, rest = page.partition(BOARDS_BEGIN)
    return f"{before}{BOARDS_BEGIN}\n\n{boards()}\n\n{BOARDS_END}{rest.partition(BOARDS_END)[2]}"


def _shipped(made: Callable[[], dict[str, Any]]) -> Callable[[], str]:
    """A JSON Schema as it is shipped."""
    return lambda: json.dumps(made(), indent=2, ensure_ascii=False) + "\n"


OPERATING = ROOT / "docs" / "operating.md"
METRICS = ("<!-- self-metrics: begin, made by `make docs` -->", "<!-- self-metrics: end -->")
LIMITS = ("<!-- limits: begin, made by `make docs` -->", "<!-- limits: end -->")


def operating_page() -> str:
    """The page as it is written by hand, with the table of self-metrics that the code declares."""
    from hybridobs.collector.counters import COUNTERS, GAUGES, HISTOGRAMS, PREFIX, TURNED_AWAY

    name, brief, labels = TURNED_AWAY
    rows = [
        *([f"{PREFIX}{name}_total", ", ".join(labels), brief] for name, (brief, labels) in COUNTERS.items()),
        [f"{PREFIX}{name}_total", ", ".join(labels), brief],
        *([PREFIX + name, "histogram", brief] for name, (brief, _) in HISTOGRAMS.items()),
        *([PREFIX + name, "", brief] for name, brief in GAUGES.items()),
    ]
    made = table(["metric", "labels", "meaning"], [[code(metric), said, told] for metric, said, told in rows])
    page = _between(OPERATING.read_text(encoding="utf-8"), METRICS, made)
    return _between(page, LIMITS, table(["limit", "default", "what"], limits_rows()))


def _between(page: str, marks: tuple[str, str], made: str) -> str:
    """The page with ``made`` between two marks."""
    begin, end = marks
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n{made}\n{end}{rest.partition(end)[2]}"


def limits_rows() -> list[list[str]]:
    """Every limit of the collector as it is declared: name, default, the comment beside it."""
    from hybridobs.collector.limits import Limits

    found = re.findall(r"^ {4}(\w+): \w+ = (.+?)  # (.+)$", inspect.getsource(Limits), re.MULTILINE)
    return [[code(name), code(default.replace("_MIB", "MiB")), said] for name, default, said in found]


PAGES: dict[str, Callable[[], str]] = {
    "docs/contract.md": contract_page,
    "docs/kpis.md": kpis_page,
    "docs/dashboards.md": dashboards_page,
    "docs/operating.md": operating_page,
    "hybridobs/slo/schema.json": _shipped(schema),
    "hybridobs/slo/plan.schema.json": _shipped(plan_schema),
    "hybridobs/slo/verdict.schema.json": _shipped(verdict_schema),
}


def main(arguments: list[str]) -> int:
    """Write every page, or with ``--check`` say which are stale."""
    made = {ROOT / name: page() for name, page in PAGES.items()}
    stale = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in arguments:
        for path in stale:
            print(f"stale: {path.relative_to(ROOT)}; write it again with: make docs", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(made[path], encoding="utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

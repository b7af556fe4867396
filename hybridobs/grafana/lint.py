"""What is wrong with boards, one sentence each: what Grafana would not complain of, and a reader would."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

from hybridobs.grafana.boards import COLUMNS

Json = dict[str, Any]
_WORDS_ONLY = ("row", "text")
_BUILT_IN = re.compile(r"__(range|range_s|rate_interval|interval|url_time_range|all_variables|value\.raw)")
_VARIABLE = re.compile(r"\$\{?(\w+(?:\.\w+)?)")
_WINDOW = re.compile(r"\[(\$\w+|\d+\w+)\]")
_WINDOWS = {"$__range", "$window", "$__rate_interval", "2m"}  # 2m: an annotation looks at two of the store's minutes
_LEAD = re.compile(r"/d/([\w-]+)")
_TWO_TIMES = ("Event time:", "Live:")


def faults(boards: Iterable[Json]) -> Iterator[str]:
    """Every fault of every board, and of what they are to each other."""
    boards = list(boards)
    uids = [board["uid"] for board in boards]
    for uid, count in Counter(uids).items():
        if count > 1:
            yield f"{uid}: {count} boards have this uid"
    for board in boards:
        for fault in (*_board(board), *_variables(board), *_grid(board), *_links(board, set(uids))):
            yield f"{board['uid']}: {fault}"


def panels(board: Json) -> list[Json]:
    """The panels that show something."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def _board(board: Json) -> Iterator[str]:
    ids = Counter(panel["id"] for panel in board["panels"])
    for panel in board["panels"]:
        if ids[panel["id"]] > 1:
            yield f"{panel['title']}: another panel has the id {panel['id']}"
        for fault in _panel(panel):
            yield f"{panel['title'] or 'a panel without a title'}: {fault}"
    titles = Counter(panel["title"] for panel in panels(board))
    yield from (f"{count} panels are titled {title!r}" for title, count in titles.items() if count > 1)
    if board["editable"] or not board["description"] or not board["uid"].startswith("hybridobs-"):
        yield "needs a uid that begins with hybridobs-, a description, and not to be editable"


def _panel(panel: Json) -> Iterator[str]:
    if not panel["title"]:
        yield "has no title"
    if panel["type"] in _WORDS_ONLY:
        return
    if not panel.get("description"):
        yield "has no description"
    if panel["type"] == "traces":
        return
    if not any(time in panel["description"] for time in _TWO_TIMES):
        yield "does not say whether it shows event time or the live scrape"
    if not panel["fieldConfig"]["defaults"].get("unit"):
        yield "has no unit"
    if panel["datasource"]["uid"] != "${ds}":
        yield "reads a data source that is not a variable"
    yield from _queries(panel)


def _queries(panel: Json) -> Iterator[str]:
    refs = [target["refId"] for target in panel["targets"]]
    if not refs or len(refs) != len(set(refs)):
        yield "needs queries, each with a name of its own"
    for target in panel["targets"]:
        for window in _WINDOW.findall(target["expr"]):
            if window not in _WINDOWS:
                yield f"looks back [{window}]; let the reader choose: {', '.join(sorted(_WINDOWS))}"
        if "rate(" in target["expr"] and "sum" not in target["expr"]:
            yield "shows a counter that is not added up"


def _variables(board: Json) -> Iterator[str]:
    variables = board["templating"]["list"]
    defined = {variable["name"] for variable in variables}
    asked = [
        target.get("expr", "") + target.get("legendFormat", "") + target.get("query", "") for target in _targets(board)
    ]
    asked += [str(target.get("datasource", {}).get("uid", "")) for target in _targets(board)]
    asked += [variable["query"] for variable in variables if isinstance(variable["query"], str)]
    marks = [mark["expr"] for mark in board["annotations"]["list"]]
    used = {name for text in asked for name in _VARIABLE.findall(text)}
    for name in sorted({*used, *(name for text in marks for name in _VARIABLE.findall(text))} - defined):
        if not _BUILT_IN.fullmatch(name):
            yield f"${name} is used and not defined"
    for name in sorted(defined - used):
        yield f"${name} is defined and not used"


def _targets(board: Json) -> list[Json]:
    return [target for panel in panels(board) for target in panel.get("targets", [])]


def _grid(board: Json) -> Iterator[str]:
    boxes = [(panel["title"], panel["gridPos"]) for panel in board["panels"]]
    for title, box in boxes:
        if box["x"] < 0 or box["x"] + box["w"] > COLUMNS:
            yield f"{title}: stands outside the {COLUMNS} columns"
    for (title, a), (other, b) in combinations(boxes, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        if not beside and not above:
            yield f"{title} overlaps {other}"


def _links(board: Json, uids: set[str]) -> Iterator[str]:
    for url in _urls(board):
        for uid in _LEAD.findall(url):
            if uid not in uids:
                yield f"links to {uid}, and there is no such board"
        if "/d/" in url and ("${__url_time_range}" not in url or "${__all_variables}" not in url):
            yield f"the link {url} forgets the time or the variables"


def _urls(value: Any) -> Iterator[str]:
    """Every address in a board, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "url" and isinstance(inner, str):
                yield inner
            else:
                yield from _urls(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _urls(inner)

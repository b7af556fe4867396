"""Draw every board on the data of golden scenarios, to look at them: ``make pictures``. Development only.

``python -m dashboards.render.draw --out docs/pictures`` plays scenarios into a collector, asks a real Prometheus
(scrape and remote read) what each panel asks, and has Grafana's own components draw the answers in headless Chromium.
Needs node, ``npm ci`` in this folder, prometheus and chromium.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from hybridobs.cli._boards import built
from hybridobs.collector import Collector
from hybridobs.grafana.ask import Prometheus, View, opened, shown
from hybridobs.serve import LiveKpis, LiveMeasures, RemoteRead
from tests.grafana.world import prometheus

HERE = Path(__file__).parent
SCENARIOS = ("retail", "healthcare", "voice", "manufacturing")
DAYS = 1
WIDTH, HEAD = 1500, 110
# What boards that have one model start with here: retail, because it changes its version in the middle.
SHOWN = {"model": "checkout-vision"}
Json = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    """Draw the named boards, all without a name."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("boards", nargs="*", help="names of boards; all if left out")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--store", help="draw what is in this store (a URL) and play nothing")
    parser.add_argument("--hours", type=int, default=12, help="how much time the boards show")
    parser.add_argument("--devices", type=int, default=12)
    asked = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="boards-")))
        store = asked.store or f"sqlite:///{folder}/golden.db"
        shows = (LiveMeasures, LiveKpis)
        collector = Collector(store=store, http="127.0.0.1:0", grpc=None, views=shows, pages=[RemoteRead()])
        running = stack.enter_context(collector.running())
        server = Prometheus(stack.enter_context(prometheus(folder / "prometheus", running.http_url)), timeout=300)
        if not asked.store:
            play(running.http_url, asked.devices)
        draw(server, folder, asked.boards, asked.out, asked.hours)
    return 0


def play(endpoint: str, devices: int) -> None:
    """Play the scenarios into the collector, one after the other."""
    for name in SCENARIOS:
        said = ["--devices", str(devices), "--days", str(DAYS), "--endpoint", endpoint]
        subprocess.run([sys.executable, "-m", "hybridobs", "simulate", name, *said], check=True)


def draw(server: Prometheus, folder: Path, names: Sequence[str], out: Path, hours: int) -> None:
    """Ask for every board, and have it drawn."""
    out.mkdir(parents=True, exist_ok=True)
    script = folder / "board.js"
    node("--bundle", str(script))
    until = int(time.time()) // 60 * 60
    view = View(until - 3600 * hours, until, SHOWN)
    for board in built(None, None):
        name = board.target.stem
        if names and name not in names:
            continue
        file = folder / f"{name}.json"
        file.write_text(json.dumps(payload(server, board.json, view)))
        node(str(script), str(file), str((out / f"{name}.png").resolve()))
        print(f"{out / name}.png, {(out / f'{name}.png').stat().st_size / 1000:.0f} kB", flush=True)


def node(*arguments: str) -> None:
    """Run the other half, in JavaScript."""
    subprocess.run(["node", "draw.mjs", *arguments], cwd=HERE, check=True)


def payload(server: Prometheus, board: Json, view: View) -> Json:
    """What the page needs: the board, and what Prometheus answered for each panel."""
    view = opened(server, board, of_board(board, view))
    found = {one.panel: one.found for one in shown(server, board, view)}
    frames = {}
    for panel in board["panels"]:
        if panel["id"] in found:
            answers = found[panel["id"]]
            frames[panel["id"]] = [
                frame for target in panel["targets"] for frame in framed(target, answers[target["refId"]], view)
            ]
    chosen = [[each.get("label", each["name"]), value(each, view)] for each in board["templating"]["list"]]
    return {
        "board": board, "frames": frames, "since": view.since, "until": view.until, "width": WIDTH, "head": HEAD,
        "chosen": chosen,
    }  # fmt: skip


def of_board(board: Json, view: View) -> View:
    """The view without what is chosen on a board that shows everything."""
    several = {variable["name"] for variable in board["templating"]["list"] if variable.get("includeAll")}
    return replace(view, values={name: chosen for name, chosen in view.values.items() if name not in several})


def value(variable: Json, view: View) -> str:
    """What a variable shows at first."""
    text = view.values.get(variable["name"]) or variable.get("current", {}).get("text", "")
    return text[0] if isinstance(text, list) else text or "first found"


def framed(target: Json, series: Sequence[Json], view: View) -> Iterator[Json]:
    """The frames Grafana makes of an answer: one a series, or a table."""
    if target["format"] == "table":
        labels = sorted({label for each in series for label in each["metric"]})
        rows = [{"labels": each["metric"], "value": number(each["value"][1])} for each in series]
        yield {"ref": target["refId"], "name": "", "table": True, "labels": labels, "rows": rows}
        return
    for each in series:
        points = each.get("values") or [each["value"]]
        times, values = [1000 * float(at) for at, _ in points], [number(found) for _, found in points]
        if "values" in each:
            times, values = gapped(times, values)
        legend = view.filled(target.get("legendFormat", ""))
        yield {"ref": target["refId"], "name": named(legend, each["metric"]), "times": times, "values": values}


def gapped(times: list[float], values: list[float | None]) -> tuple[list[float], list[float | None]]:
    """With nothing where a point is missing, so that no line is drawn across."""
    step = min((b - a for a, b in pairwise(times)), default=math.inf)
    full_times, full_values = times[:1], values[:1]
    for before, at, found in zip(times, times[1:], values[1:], strict=False):
        if at - before > 1.5 * step:
            full_times.append(before + step)
            full_values.append(None)
        full_times.append(at)
        full_values.append(found)
    return full_times, full_values


def number(text: str) -> float | None:
    """JSON knows no NaN and no infinity."""
    found = float(text)
    return found if math.isfinite(found) else None


def named(legend: str, labels: Mapping[str, str]) -> str:
    """A series' name, as Grafana makes it of a legend."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda match: labels.get(match[1], ""), legend).strip() or "value"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

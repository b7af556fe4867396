"""How long Prometheus takes to draw a panel over the store, beside the same panel over its own database.

    python benchmarks/remote_read.py                       # 200 series, 24 hours
    python benchmarks/remote_read.py --series 20 --hours 2 --rounds 2 --json
    python benchmarks/remote_read.py --prometheus "$(tests/prometheus/build.sh)"     # that of compose.yaml

A day of minutes of ``--series`` series goes into a store and, as the counters that a scrape would have seen, into the
blocks of a Prometheus (``promtool tsdb create-blocks-from openmetrics``). Each query is then asked for the whole day,
every five minutes: of a Prometheus that reads from a collector, and of one that has everything itself. ``direct`` is
our part alone: the answer to what Prometheus asks the collector. Needs prometheus and promtool. The values of both are
compared, and the best of ``--rounds`` is shown.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from hybridobs.collector import Collector
from hybridobs.contract import Labels
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.prometheus import stored_name
from hybridobs.serve import RemoteRead
from hybridobs.serve.remote._wire import ReadRequest
from hybridobs.store import Store

END = 1_760_054_400  # a full day
ERRORS, DURATION = MEASURES["inference.errors"], MEASURES["inference.duration"]
EDGES = [edge / DURATION.resolution for edge in DURATION.edges]
STEP = 300


class Panel(NamedTuple):
    """One query, and what Prometheus asks a remote store for it; ``own`` is the same where nothing is native."""

    title: str
    query: str
    metric: str
    le: str = ""
    own: str = ""


def version(program: str) -> tuple[int, int]:
    """Major and minor: it reads native histograms from a remote store since 2.45."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    major, minor = re.findall(r"version (\d+)\.(\d+)", said.stdout + said.stderr)[0]
    return int(major), int(minor)


def panels(*, native: bool) -> list[Panel]:
    """A counter of every series, a share within an exact edge, a quantile: of one series, of one a bucket."""
    errors, whole = stored_name(ERRORS), stored_name(DURATION)
    buckets = f"{whole}_bucket"
    classic = f"histogram_quantile(0.95, sum by (le, version) (rate({buckets}[5m])))"
    found = [
        Panel("rate of every series", f"rate({errors}[5m])", errors),
        Panel("sum by version", f"sum by (version) (increase({errors}[5m]))", errors),
        Panel("within 300 ms", f'sum by (version) (increase({buckets}{{le="0.3"}}[5m]))', buckets, "0.3"),
        Panel("p95 by version", f"histogram_quantile(0.95, sum by (version) (rate({whole}[5m])))", whole, "", classic),
        Panel("p95, classic", classic, buckets),
    ]
    return [panel for panel in found if native or panel.metric != whole]


class Fleet(NamedTuple):
    """Values of every minute by series."""

    begin: int
    minutes: int
    series: list[Labels]
    errors: list[list[int]]
    seconds: list[list[list[float]]]


def fleet(series: int, hours: int) -> Fleet:
    """Ten calls a minute and series, some of which fail."""
    luck = random.Random(1)
    labels = [Labels("device", f"site-{n}", "till", "digits", f"1.{n % 4}", "canary") for n in range(series)]
    minutes = hours * 60
    errors = [[luck.randrange(3) for _ in range(minutes)] for _ in labels]
    seconds = [[[luck.lognormvariate(-2, 0.5) for _ in range(10)] for _ in range(minutes)] for _ in labels]
    return Fleet(END - hours * 3600, minutes, labels, errors, seconds)


def fill(store: Store, made: Fleet) -> None:
    """All of it, an hour in a transaction."""
    for first in range(0, made.minutes, 60):
        with store.begin() as tx:
            cells: dict[CellKey, list[int]] = {}
            for number, labels in enumerate(made.series):
                for minute in range(first, first + 60):
                    at = made.begin + 60 * minute
                    cells[CellKey(at, Series(labels, (("error_type", "timeout"),)), ERRORS.name)] = [1] * made.errors[
                        number
                    ][minute]
                    values = [round(value * DURATION.resolution) for value in made.seconds[number][minute]]
                    cells[CellKey(at, Series(labels), DURATION.name)] = values
            tx.add(cells)


def scraped(made: Fleet) -> Iterator[str]:
    """The same as OpenMetrics with the end of each minute as its time: what a scrape would have seen."""
    errors, duration = stored_name(ERRORS), stored_name(DURATION)
    yield f"# TYPE {errors.removesuffix('_total')} counter\n"
    for labels, counts in zip(made.series, made.errors, strict=True):
        named = ",".join(f'{key}="{value}"' for key, value in labels._asdict().items())
        for minute, total in enumerate((0, *accumulate(counts))):
            yield f'{errors}{{{named},error_type="timeout"}} {total} {made.begin + 60 * minute}\n'
    yield f"# TYPE {duration} histogram\n"
    for labels, minutes in zip(made.series, made.seconds, strict=True):
        named = ",".join(f'{key}="{value}"' for key, value in labels._asdict().items())
        for edge in (*EDGES, float("inf")):
            le = "+Inf" if edge == float("inf") else str(edge)
            within = (sum(value <= edge for value in values) for values in minutes)
            for minute, total in enumerate((0, *accumulate(within))):
                yield f'{duration}_bucket{{{named},le="{le}"}} {total} {made.begin + 60 * minute}\n'
    yield "# EOF\n"


def backfilled(made: Fleet, folder: Path) -> None:
    """Blocks of a Prometheus."""
    text = folder / "scraped.om"
    with text.open("w") as out:
        out.writelines(scraped(made))
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(folder / "data")]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    text.unlink()


@contextmanager
def prometheus(program: str, folder: Path, config: dict[str, object]) -> Iterator[str]:
    """The address of a Prometheus on the blocks in ``folder``."""
    folder.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    (folder / "prometheus.yml").write_text(json.dumps(config))
    own = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    keep = ["--storage.tsdb.retention.time=100y", f"--web.listen-address={address}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, *own, *keep], stdout=log, stderr=log)
        try:
            ready(f"http://{address}/-/ready")
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(timeout=60)


def ready(url: str) -> None:
    """Wait for it."""
    until = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def drawn(base: str, query: str, hours: int) -> dict[str, list[float]]:
    """The panel's lines by label set."""
    asked = {"query": query, "start": END - hours * 3600 + STEP, "end": END, "step": STEP}
    with urllib.request.urlopen(f"{base}/api/v1/query_range?{urlencode(asked)}", timeout=300) as answer:
        said = json.load(answer)
    if said.get("warnings"):
        raise SystemExit(f"{query}: {said['warnings']}")
    return {
        json.dumps(one["metric"], sort_keys=True): [float(value) for _, value in one["values"]]
        for one in said["data"]["result"]
    }


def question(panel: Panel, hours: int) -> bytes:
    """What Prometheus asks for a panel."""
    import cramjam

    start, end = (END - hours * 3600) * 1000, END * 1000
    matchers = [{"name": "__name__", "value": panel.metric}]
    if panel.le:
        matchers.append({"name": "le", "value": panel.le})
    hints = {"step_ms": STEP * 1000, "func": "rate", "range_ms": 300_000, "start_ms": start, "end_ms": end}
    query = {"start_ms": start, "end_ms": end, "matchers": matchers, "hints": hints}
    return bytes(cramjam.snappy.compress_raw(ReadRequest(queries=[query]).SerializeToString()))


class Asked(NamedTuple):
    """One question without HTTP."""

    body: bytes


def best(rounds: int, run: Callable[[], object]) -> float:
    """Seconds of the fastest round."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        took.append(time.perf_counter() - began)
    return min(took)


def alike(panel: Panel, ours: dict[str, list[float]], theirs: dict[str, list[float]], asked: tuple[int, int]) -> bool:
    """Whether both draw the same.

    Of a quantile only the lines are compared, since one over finer buckets is another one; with Prometheus 3 of all: it
    leaves out the sample on which a range begins, and guesses that minute where it has samples of its own.
    """
    if ours.keys() != theirs.keys():
        return False
    if "quantile" in panel.query or asked >= (3, 0):
        return True
    pairs = ((a, b) for key in ours for a, b in zip(ours[key], theirs[key], strict=True))
    return all(abs(a - b) <= 1e-9 * max(1.0, abs(b)) for a, b in pairs)


def measure(program: str, series: int, hours: int, rounds: int) -> list[dict[str, Any]]:
    """One row a panel: seconds over remote read, over Prometheus' own database, and of our part."""
    made = fleet(series, hours)
    rows = []
    asks = version(program)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        store = stack.enter_context(Store.open(f"sqlite:///{folder}/store.db"))
        fill(store, made)
        (folder / "peer").mkdir()
        backfilled(made, folder / "peer")
        page = RemoteRead()
        url = stack.enter_context(Collector(store, http="127.0.0.1:0", grpc=None, pages=[page]).running()).http_url
        remote: dict[str, object] = {"remote_read": [{"url": f"{url}/api/v1/read", "read_recent": True}]}
        ours = stack.enter_context(prometheus(program, folder / "ours", remote))
        peer = stack.enter_context(prometheus(program, folder / "peer", {}))
        for panel in panels(native=asks >= (2, 45)):
            asked, own = Asked(question(panel, hours)), panel.own or panel.query
            rows.append(
                {
                    "panel": panel.title,
                    "lines": len(drawn(ours, panel.query, hours)),
                    "same": alike(panel, drawn(ours, panel.query, hours), drawn(peer, own, hours), asks),
                    "remote_s": best(rounds, lambda panel=panel: drawn(ours, panel.query, hours)),  # type: ignore[misc]
                    "own_s": best(rounds, lambda own=own: drawn(peer, own, hours)),  # type: ignore[misc]
                    "direct_s": best(rounds, lambda asked=asked: page.answer(store, asked)),  # type: ignore[misc]
                    "direct_bytes": len(page.answer(store, asked).body),
                }
            )
    return rows


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prometheus", default="prometheus", metavar="PROGRAM", help="another Prometheus")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    for program in (args.prometheus, "promtool"):
        if shutil.which(program) is None:
            print(f"{program} is missing: apt-get install -y --no-install-recommends prometheus", file=sys.stderr)
            return 2
    rows = measure(args.prometheus, args.series, args.hours, args.rounds)
    if args.json:
        print(json.dumps(rows))
        return 0
    print(f"{args.series} series, {args.hours} h, a point every {STEP} s, best of {args.rounds}\n")
    print(f"{'panel':<24}{'lines':>6}{'same':>6}{'remote read':>14}{'own database':>14}{'our part':>11}{'bytes':>12}")
    for row in rows:
        times = f"{row['remote_s']:>12.3f} s{row['own_s']:>12.3f} s{row['direct_s']:>9.3f} s{row['direct_bytes']:>12,}"
        print(f"{row['panel']:<24}{row['lines']:>6}{row['same']!s:>6}{times}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Spans per CPU second: our collector from socket to committed SQLite rows, beside rotel receiving and dropping.

One client sends the same OTLP bodies over HTTP to both servers, in interleaved rounds, over several connections. The
CPU time is the server process's own, all threads, read from its CPU clock (Linux). Ours is checked: every answer is an
unqualified success and the store holds exactly what was sent. rotel is a receiver written in Rust; it decodes, batches
and drops, and writes nothing: a floor, not a rival for the same work.

Usage: ``python benchmarks/collector.py [--rounds 7] [--bodies 120] [--spans 512] [--encoding identity] [--json]``
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import importlib.util
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from hybridobs import contract
from hybridobs.store import Store

SETTLE_S = 0.3  # rotel batches for 0.2 s before it drops
START_S = 60.0


class Server(NamedTuple):
    """A running receiver: where it listens and whose CPU clock to read."""

    name: str
    port: int
    pid: int

    def cpu_s(self) -> float:
        """CPU seconds of all its threads so far (Linux: the id of another process's CPU clock follows from its pid)."""
        return time.clock_gettime((~self.pid << 3) | 2)


def attribute(key: str, value: str | bool | float) -> KeyValue:
    """One OTLP attribute; the type follows from the value."""
    match value:
        case bool():
            return KeyValue(key=key, value=AnyValue(bool_value=value))
        case int():
            return KeyValue(key=key, value=AnyValue(int_value=value))
        case float():
            return KeyValue(key=key, value=AnyValue(double_value=value))
        case _:
            return KeyValue(key=key, value=AnyValue(string_value=value))


RESOURCE = Resource(
    attributes=[
        attribute(contract.SERVICE_NAME, "till"),
        attribute(contract.STREAM_ID, "5f0c1c8f2d0e4c58a1b07e9a3f6d2b11"),
        attribute(contract.INSTALLATION_ID, "b3c1f00d"),
        attribute(contract.TIER, "device"),
        attribute(contract.SITE, "store-7"),
        attribute(contract.DEVICE_CLASS, "till-arm64"),
        attribute(contract.CHANNEL, "stable"),
        attribute(contract.CONTRACT, contract.CONTRACT_VERSION),
    ]
)
MODELS = [
    [
        attribute(contract.MODEL_NAME, "digits"),
        attribute(contract.MODEL_VERSION, version),
        attribute(contract.TASK, "classify"),
        attribute(contract.COHORT, cohort),
        attribute(contract.INTERACTION, True),
    ]
    for version, cohort in (("1.2.0", "control"), ("1.3.0", "canary"))
]


def span(rng: random.Random, seq: int, start_ns: int) -> Span:
    """One inference as our SDK sends it: five static attributes, then seven of the call, then its number."""
    seconds = rng.lognormvariate(-3.0, 0.7)
    own = [
        attribute(f"{contract.PHASE_PREFIX}preprocess.duration", 0.2 * seconds),
        attribute(f"{contract.PHASE_PREFIX}preprocess.start", 1e-6),
        attribute(f"{contract.PHASE_PREFIX}inference.duration", 0.8 * seconds),
        attribute(f"{contract.PHASE_PREFIX}inference.start", 0.2 * seconds),
        attribute(contract.CONFIDENCE, rng.random()),
        attribute(contract.INPUT_TOKENS, rng.randrange(2_000)),
        attribute(contract.OUTPUT_TOKENS, rng.randrange(500)),
        attribute(contract.SEQ, seq),
    ]
    return Span(
        trace_id=rng.randbytes(16),
        span_id=rng.randbytes(8),
        name="classify digits",
        kind=Span.SPAN_KIND_INTERNAL,
        start_time_unix_nano=start_ns,
        end_time_unix_nano=start_ns + int(seconds * 1e9),
        attributes=[*MODELS[rng.random() < 0.1], *own],
        flags=0x101,
    )


def bodies(rounds: int, count: int, spans: int, encoding: str) -> Iterator[list[bytes]]:
    """Requests of each round: one stream, each number once, spread over the last ten minutes."""
    rng = random.Random(7)
    now = time.time_ns()
    seq = iter(range(1, rounds * count * spans + 1))
    scope = InstrumentationScope(name=contract.SCOPE, attributes=[attribute(contract.EXPORT_TIME, now)])

    def body() -> bytes:
        start = now - rng.randrange(600_000_000_000)
        made = [span(rng, next(seq), start + i * 1_000_000) for i in range(spans)]
        batch = ResourceSpans(resource=RESOURCE, scope_spans=[ScopeSpans(scope=scope, spans=made)])
        plain = ExportTraceServiceRequest(resource_spans=[batch]).SerializeToString()
        return gzip.compress(plain, 6) if encoding == "gzip" else plain

    for _ in range(rounds):
        yield [body() for _ in range(count)]


def free_port() -> int:
    """A port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(name: str, command: Sequence[str], port: int, folder: Path) -> Iterator[Server]:
    """Start a server, wait until it accepts connections, stop it at the end."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, env=environment())
        try:
            deadline = time.monotonic() + START_S
            while not listening(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"{name} did not start:\n{(folder / f'{name}.log').read_text()}")
                time.sleep(0.05)
            yield Server(name, port, process.pid)
        finally:
            process.terminate()
            process.wait(timeout=30)


def environment() -> dict[str, str]:
    """rotel's program is linked against Python's shared library, which need not be where the loader looks."""
    folders = [sysconfig.get_config_var("LIBDIR"), os.environ.get("LD_LIBRARY_PATH")]
    return os.environ | {"LD_LIBRARY_PATH": os.pathsep.join(filter(None, folders))}


def listening(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ours(store: str, port: int) -> list[str]:
    """Our collector on SQLite, as a user starts it."""
    listen = ["--http", f"127.0.0.1:{port}", "--grpc", f"127.0.0.1:{free_port()}"]
    return [sys.executable, "-m", "hybridobs", "collector", "run", "--store", store, *listen]


def rotel(port: int, folder: Path) -> list[str]:
    """rotel's OTLP receiver in front of an exporter that drops."""
    package = importlib.util.find_spec("rotel")
    if package is None or package.origin is None:
        sys.exit("rotel is missing; install it with: pip install rotel")
    program = str(Path(package.origin).with_name("rotel-agent"))
    grpc = f"127.0.0.1:{free_port()}"
    listen = ["--otlp-http-endpoint", f"127.0.0.1:{port}", "--otlp-grpc-endpoint", grpc]
    files = ["--pid-file", str(folder / "rotel.pid"), "--log-file", str(folder / "rotel-agent.log")]
    return [program, "start", "--exporter", "blackhole", *listen, *files]


def send(port: int, requests: Sequence[bytes], encoding: str) -> None:
    """Post the bodies over one kept-alive connection; anything but an unqualified success ends the run."""
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": encoding}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for request in requests:
        connection.request("POST", "/v1/traces", request, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200 or b"partial" in answer:
            raise RuntimeError(f"port {port} answered {response.status}: {answer[:200]!r}")
    connection.close()


def rate(server: Server, requests: Sequence[bytes], options: argparse.Namespace) -> float:
    """Spans per CPU second of the server over one round."""
    lanes = [requests[lane :: options.connections] for lane in range(options.connections)]
    before = server.cpu_s()
    with ThreadPoolExecutor(options.connections) as pool:
        list(pool.map(lambda lane: send(server.port, lane, options.encoding), lanes))
    time.sleep(SETTLE_S)
    spans: int = len(requests) * options.spans
    return spans / (server.cpu_s() - before)


def counted(store: str) -> int:
    """Inferences in the store, read as any reader does."""
    opened = Store.open(store)
    try:
        groups = opened.read(["inference.duration"], since=None, until=None)
        return sum(measures["inference.duration"].n for measures in groups.values())
    finally:
        opened.close()


def spread(values: Sequence[float], digits: int) -> str:
    """Median with the smallest and the largest."""
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} – {max(values):,.{digits}f})"


def measure(options: argparse.Namespace, folder: Path) -> dict[str, list[float]]:
    """Rates of every round but the first, which warms both up; what ours stored is checked at the end."""
    work = bodies(options.rounds + 1, options.bodies, options.spans, options.encoding)
    store, ports = f"sqlite:///{folder}/bench.db", (free_port(), free_port())
    rates: dict[str, list[float]] = {"hybridobs": [], "rotel": []}
    with (
        running("hybridobs", ours(store, ports[0]), ports[0], folder) as mine,
        running("rotel", rotel(ports[1], folder), ports[1], folder) as peer,
    ):
        for number, requests in enumerate(work):
            for server in (mine, peer) if number % 2 else (peer, mine):
                rates[server.name].append(rate(server, requests, options))
    sent = (options.rounds + 1) * options.bodies * options.spans
    if (held := counted(store)) != sent:
        sys.exit(f"sent {sent} spans, the store counts {held}")
    return {name: found[1:] for name, found in rates.items()}


def main() -> None:
    """Measure and print; the ratio is of the two rates of one round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--bodies", type=int, default=120, help="requests a round")
    parser.add_argument("--spans", type=int, default=512, help="spans a request")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--encoding", choices=["gzip", "identity"], default="gzip", help="our SDK sends gzip")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hybridobs-bench-") as folder:
        rates = measure(options, Path(folder))
    ratios = [mine / peer for mine, peer in zip(rates["hybridobs"], rates["rotel"], strict=True)]
    if options.json:
        print(json.dumps({"spans_per_cpu_second": rates, "ratio": ratios}))
        return
    work = f"{options.rounds} rounds of {options.bodies} bodies of {options.spans} spans, {options.encoding}"
    print(f"{work}, {options.connections} connections")
    print("spans per CPU second of the server process: median (smallest – largest)")
    print(f"  hybridobs, to committed SQLite rows  {spread(rates['hybridobs'], 0)}")
    print(f"  rotel, received and dropped          {spread(rates['rotel'], 0)}")
    print(f"  ratio, hybridobs / rotel             {spread(ratios, 2)}")


if __name__ == "__main__":
    main()

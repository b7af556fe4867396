"""A collector that serves its store, and a real Prometheus that reads it from there."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest

from hybridobs.collector import Collector
from hybridobs.contract import Labels
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.reading import Question, answers
from hybridobs.serve import RemoteRead
from hybridobs.store import Store
from tests.ports import free_port
from tests.prometheus import PROGRAMS, program

NOW = 1_760_000_400  # a full hour, far enough in the past for every clock
DEVICE = Labels(tier="device", model="digits", version="1.3.0", cohort="canary")


class Asked(NamedTuple):
    """What Prometheus answered: label sets with (time, value) pairs, and what it warned of."""

    series: list[tuple[dict[str, str], list[tuple[float, float]]]]
    warnings: list[str]

    @property
    def values(self) -> list[float]:
        """Every value of the only series."""
        [(_, points)] = self.series
        return [value for _, value in points]


class Served:
    """A store, the collector that serves it and the Prometheus that reads it."""

    def __init__(self, store: Store, collector: str, prometheus: str, which: str) -> None:
        self.store = store
        self.collector = collector
        self.prometheus = prometheus
        # Prometheus 3 leaves the first millisecond of a range out, and stretches the rest over it.
        self.exact = 1e-12 if which == "debian" else 2e-5

    def put(self, measure: str, values: Sequence[float], at: int, labels: Labels = DEVICE, **extra: str) -> None:
        """Values in the unit of the measure, into the minute of ``at`` (Unix s)."""
        key = CellKey(at - at % 60, Series(labels, tuple(sorted(extra.items()))), measure)
        with self.store.begin() as tx:
            tx.add({key: [round(value * MEASURES[measure].resolution) for value in values]})

    def kpi(self, name: str, since: int, until: int, **where: str) -> float | None:
        """What `hybridobs kpi` says, of all series that match."""
        [answer] = answers(self.store, [KPIS[name]], Question(since, until, where=where))
        [(reading,)] = answer.rows.values()
        return reading.value

    def at(self, expression: str, when: float) -> Asked:
        """An instant query."""
        return self._asked("query", {"query": expression, "time": str(when)})

    def over(self, expression: str, start: float, end: float, step: int) -> Asked:
        """A range query."""
        asked = {"query": expression, "start": str(start), "end": str(end), "step": str(step)}
        return self._asked("query_range", asked)

    def _asked(self, path: str, asked: Mapping[str, str]) -> Asked:
        said = self.get(f"/api/v1/{path}?{urlencode(asked)}")
        points = [
            (one["metric"], [(float(t), float(v)) for t, v in one.get("values", [one.get("value")])])
            for one in said["data"]["result"]
        ]
        return Asked(points, said.get("warnings", []))

    def get(self, path: str) -> Any:
        """Anything Prometheus says over HTTP."""
        try:
            with urllib.request.urlopen(self.prometheus + path, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return json.loads(error.read())


@pytest.fixture(params=PROGRAMS)
def which(request: pytest.FixtureRequest) -> str:
    """Which Prometheus."""
    return str(request.param)


@pytest.fixture
def served(tmp_path: Path, which: str) -> Iterator[Served]:
    """An empty store behind a Prometheus."""
    with serving(tmp_path, which) as made:
        yield made


@contextmanager
def serving(
    folder: Path, which: str, config: Mapping[str, object] | None = None, *, store: Store | None = None
) -> Iterator[Served]:
    """A store in ``folder`` or a given one, a collector on it, a Prometheus with ``config`` beside its remote read."""
    with ExitStack() as stack:
        store = store or stack.enter_context(Store.open(f"sqlite:///{folder}/served.db", writer="test"))
        collector = Collector(store, http="127.0.0.1:0", grpc=None, pages=[RemoteRead()])
        url = stack.enter_context(collector.running()).http_url
        yield Served(store, url, stack.enter_context(reading(program(which), folder, url, config or {})), which)


@contextmanager
def reading(prometheus: str, folder: Path, collector: str, config: Mapping[str, object]) -> Iterator[str]:
    """The address of a Prometheus that reads from ``collector``."""
    address = f"127.0.0.1:{free_port()}"
    own = {"remote_read": [{"url": f"{collector}/api/v1/read", "read_recent": True}], **config}
    (folder / "prometheus.yml").write_text(json.dumps(own))
    files = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([prometheus, *files, f"--web.listen-address={address}"], stdout=log, stderr=log)
        try:
            _ready(f"http://{address}/-/ready")
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(timeout=20)


def _ready(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return

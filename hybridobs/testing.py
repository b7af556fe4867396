"""Test your own instrumentation: a pytest fixture that keeps everything in memory, on a clock of its own.

``hybridobs_capture`` records what the code under test records, reads it with the collector's own decoder and folds it
into KPIs. Nothing is sent, no thread is started and no time passes but by ``capture.clock.advance``.

``pytest --hybridobs-slo FILE`` is another matter: a collector runs beside the tests, and what they sent is judged.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import pytest

from hybridobs.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from hybridobs.collector._records import Decoded
    from hybridobs.kpi.event import Event
    from hybridobs.kpi.kpi import Reading
    from hybridobs.kpi.summary import Summary
    from hybridobs.sdk._pipeline import Pipeline
    from hybridobs.sdk._settings import Settings
    from hybridobs.sdk.queue import Record
    from hybridobs.slo import Report, SloFile

__all__ = ["Capture", "Clock", "hybridobs_capture"]

START_NS = 1_760_000_000_000_000_000  # 2025-10-09 08:53:20 UTC
SEED = 0
_BOOTED_NS = 3_600_000_000_000  # before the start
_SIGNALS = ("traces", "logs")


class Clock:
    """Time as the code under test sees it."""

    def __init__(self) -> None:
        self.now_ns = START_NS

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ns += round(seconds * 1e9)

    def read_ns(self) -> int:
        """Unix ns."""
        return self.now_ns

    def since_boot(self) -> float:
        """Seconds since the device was switched on."""
        return (self.now_ns - START_NS + _BOOTED_NS) * 1e-9


class _Kept(NamedTuple):
    pipeline: Pipeline
    record: Record


class Capture:
    """What was recorded so far; ``clock`` is the time, which stands still unless it is advanced."""

    def __init__(self) -> None:
        self.clock = Clock()
        self._kept: list[_Kept] = []
        self._resources: dict[Pipeline, bytes] = {}
        self._streams = 0

    @property
    def events(self) -> list[Event]:
        """Everything that counts, in the order in which it was recorded."""
        return [event for _, event in sorted(self._numbered(), key=lambda pair: pair[0])]

    @property
    def ignored(self) -> dict[str, int]:
        """Values that the SDK ignored, by ``key: fault``."""
        from hybridobs.sdk import _guard

        return _guard.ignored_values()

    @property
    def refused(self) -> dict[str, int]:
        """What a collector would refuse or leave out, by reason."""
        found: Counter[str] = Counter()
        for _, decoded in self._decoded():
            found.update({str(reason): n for reason, n in (*decoded.drops.items(), *decoded.faults.items())})
        return dict(found)

    def kpi(self, name: str, **labels: str) -> float | None:
        """The value of a KPI, None without data; ``labels`` narrow it, as in ``model="digits"``."""
        return self.reading(name, **labels).value

    def reading(self, name: str, **labels: str) -> Reading:
        """The same with how many observations it is made of, and whether they are enough."""
        from hybridobs.kpi.catalog import KPIS

        if name not in KPIS:
            raise ConfigError("kpi", name, "see `hybridobs kpi --list`")
        return KPIS[name].value(self._summaries(labels))

    def clear(self) -> None:
        """Forget what was recorded."""
        self._kept.clear()

    def _summaries(self, labels: dict[str, str]) -> dict[str, Summary]:
        from hybridobs.kpi.catalog import MEASURES
        from hybridobs.kpi.fold import Fold
        from hybridobs.kpi.summary import Summary

        fold = Fold()
        for event in self.events:
            fold.add(event)
        parts: dict[str, list[Summary]] = {}
        for cells, sign in ((fold.cells, 1), (fold.taken, -1)):
            for key, quanta in cells.items():
                said = {**key.series.labels._asdict(), **dict(key.series.extra)}
                if labels.items() <= said.items():
                    summary = Summary.of(MEASURES[key.measure], quanta)
                    parts.setdefault(key.measure, []).append(summary if sign > 0 else -summary)
        return {name: Summary.merged(MEASURES[name], found) for name, found in parts.items()}

    def _numbered(self) -> Iterator[tuple[tuple[int, int], Event]]:
        """Events with their place in the order; a label that was given before is left out, as a collector does."""
        given: set[bytes] = set()
        for place, decoded in self._decoded():
            for piece in decoded.pieces:
                for part in piece.numbered:
                    if part.alike is None or (part.once and not given.isdisjoint(part.once)):
                        continue
                    given.update(part.once)
                    for seq, event in zip(part.claims, part.alike.events(), strict=True):
                        yield (place, seq), event

    def _decoded(self) -> Iterator[tuple[int, Decoded]]:
        """Every stream and signal as a collector reads it."""
        try:
            from hybridobs.collector._clocks import Clocks
            from hybridobs.collector.decode import Decoder
        except ModuleNotFoundError as error:
            raise MissingExtra(error.name or "protobuf", "testing") from error
        from hybridobs.collector.limits import Limits
        from hybridobs.contract import Signal

        decoder = Decoder(Limits(), Clocks(lambda *_: None))
        for place, signal, request in self._requests():
            yield place, decoder.decode(Signal(signal), request, self.clock.now_ns)

    def _requests(self, **said: object) -> Iterator[tuple[int, str, bytes]]:
        """What would be sent: place of the stream, signal, OTLP; ``said`` goes on the scope."""
        from hybridobs import contract
        from hybridobs.sdk import _encode

        scope = _encode.scope(contract.SCOPE, "", said)
        for place, pipeline in enumerate(dict.fromkeys(kept.pipeline for kept in self._kept)):
            resource = self._resources[pipeline]
            for signal in _SIGNALS:
                records = [kept.record for kept in self._kept if kept.pipeline is pipeline]
                bodies = [record.body for record in records if record.signal == signal]
                yield place, signal, _encode.request(resource, scope, bodies)

    def _keep(self, pipeline: Pipeline, record: Record) -> None:
        if pipeline not in self._resources:  # who speaks is said once, as it is at the first record
            self._resources[pipeline] = pipeline.resource()
        self._kept.append(_Kept(pipeline, record))

    def _pipeline(self, settings: Settings, make_queue: object = None) -> Pipeline:
        """What ``configure`` puts in force during a test: it keeps records here, whatever queue it was to have."""
        from hybridobs.sdk._pipeline import Pipeline

        self._streams += 1
        pipeline = Pipeline(settings)
        pipeline.stream = f"capture-{self._streams}"
        pipeline.append = lambda record: self._keep(pipeline, record)
        pipeline.start = lambda until=None: None  # type: ignore[method-assign]
        return pipeline


@pytest.fixture
def hybridobs_capture(monkeypatch: pytest.MonkeyPatch) -> Iterator[Capture]:
    """Everything that hybridobs records in this test; ``hybridobs.configure`` works as ever, but nothing is sent."""
    from hybridobs.sdk import _clock, _guard, _ids, _pipeline, _settings, _span, redact, setup

    current = import_module("hybridobs.sdk.current")  # the room's door has a function of that name
    capture = Capture()
    clock = capture.clock
    for module, name in ((_span, "time_ns"), (_span, "perf_counter_ns"), (current, "perf_counter_ns")):
        monkeypatch.setattr(module, name, clock.read_ns)
    monkeypatch.setattr(_clock, "wall_ns", clock.read_ns)
    for module in (_span, _clock):
        monkeypatch.setattr(module, "since_boot", clock.since_boot)
    monkeypatch.setattr(setup, "Pipeline", capture._pipeline)
    settings = _settings.resolve({"service": "test", "tier": "device"}, {})
    monkeypatch.setattr(_pipeline, "active", capture._pipeline(settings))
    _guard.forget()
    redact.forget()
    _ids.seed(SEED)
    yield capture
    _ids.reseed()
    redact.forget()
    _guard.forget()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that turns the judge on."""
    group = parser.getgroup("hybridobs")
    group.addoption(
        "--hybridobs-slo",
        metavar="FILE",
        type=Path,
        help="Collect what the tests send and judge it by the objectives of FILE: the run fails unless they are kept.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to collect; a worker of pytest-xdist sends to the collector of the process that started it."""
    file: Path | None = config.getoption("--hybridobs-slo")
    if file is not None and not hasattr(config, "workerinput"):
        from hybridobs.slo.promises import promises

        try:
            slo = promises(file)
            if not config.option.collectonly:  # there a mistake in the file is found, but nothing runs to be judged
                config.pluginmanager.register(_Judge(slo), "hybridobs-slo")
        except (ConfigError, OSError) as error:
            raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send what waits in this process, be it a worker, before it is judged."""
    option = session.config.option
    if option.hybridobs_slo is not None and not option.collectonly:
        import hybridobs

        hybridobs.flush()


class _Judge:
    """A collector beside the tests, and at their end the verdict."""

    def __init__(self, slo: SloFile) -> None:
        from hybridobs.slo.surroundings import environment

        self._slo = slo
        self._report: Report | None = None
        self._stack = ExitStack()
        self._usual = dict(os.environ)
        try:
            from hybridobs.collector import Collector
        except ModuleNotFoundError as error:
            raise MissingExtra(error.name or "aiohttp", "testing") from error
        folder = self._stack.enter_context(TemporaryDirectory(prefix="hybridobs-slo-"))
        self._url = f"sqlite:///{folder}/sent.db"
        self._running = ExitStack()
        embedded = Collector(self._url, http="127.0.0.1:0", grpc="127.0.0.1:0")
        self._set(environment(self._running.enter_context(embedded.running()).http_url, self._usual))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Judge what was sent; a run that was good so far fails unless every objective is kept."""
        from hybridobs.slo import check, told
        from hybridobs.store import Store

        self._running.close()
        now = int(time.time())
        with Store.open(self._url) as store:
            results = check(store, self._slo.objectives, now, everything=True)
        self._report = told(results, subject=self._slo.path, store="what the tests sent", now=now, allow=())
        if self._report.exit_code and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The verdict as text."""
        from hybridobs.slo.report import as_text

        if self._report is not None:
            terminalreporter.section(f"objectives of {self._slo.path}")
            terminalreporter.write(as_text(self._report))

    def pytest_unconfigure(self) -> None:
        """Leave nothing behind."""
        self._running.close()
        self._stack.close()
        self._set(self._usual)

    def _set(self, environment: dict[str, str]) -> None:
        os.environ.clear()
        os.environ.update(environment)

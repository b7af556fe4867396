"""Every planted case through every public entry; then every file, the wire and the store are searched for it."""

from __future__ import annotations

import inspect
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.trace import StatusCode

import hybridobs
from hybridobs import events, health, ota
from hybridobs.collector._clocks import Clocks
from hybridobs.collector._commit import commit
from hybridobs.collector._retain import Retain
from hybridobs.collector._screen import Screen
from hybridobs.collector._series import SeriesLimit
from hybridobs.collector.decode import Decoder
from hybridobs.collector.limits import Limits
from hybridobs.contract import EventKind, Signal
from hybridobs.sdk import _pipeline, redact
from hybridobs.sdk._http import Outcome, Reply
from hybridobs.sdk._settings import resolve
from hybridobs.store import Store
from tests.privacy.planted import BADGE, CLEAN, NEAR_MISSES, PLANTED

CASES = [text for texts in PLANTED.values() for text in texts]
NOW = 1_770_000_000_000_000_000
FUNCTIONS = {
    name: function
    for name, function in vars(events).items()
    if inspect.isfunction(function) and function.__module__ == events.__name__ and name[0] != "_"
}
WORDS = {
    "verdict": "pass",
    "stage": "pre",
    "state": "provisioned",
    "action": "pause",
    "trigger": "gate",
    "kind": "baseline",
    "result": "hit",
    "decision": "offload",
}
"""Parameters that take a word of a closed list."""
NOT_SAID = {EventKind.LOST, EventKind.QUARANTINED}
"""Kinds that are said by us and have no text of the application."""


class Post:
    """A collector that is away at first, so that everything lies in the spool; then it keeps what it gets."""

    def __init__(self) -> None:
        self.away = True
        self.bodies: list[tuple[str, bytes]] = []

    def __call__(self, signal: str, body: bytes, timeout: float) -> Reply:
        if self.away:
            return Reply(Outcome.RETRY)
        self.bodies.append((signal, body))
        return Reply(Outcome.SENT)


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Post]:
    redact.forget()
    made = Post()
    yield made
    made.away = False
    hybridobs.shutdown(5)
    _pipeline.active = None
    redact.forget()


def configure(post: Post, spool: Path, text: str) -> None:
    """Set up with the text in every label that an operator may give."""
    settings = resolve(
        {
            "service": f"till {text}"[:128],
            "tier": "device",
            "site": f"at {text}"[:128],
            "channel": f"on {text}"[:128],
            "cohort": f"of {text}"[:128],
            "resource": {"app.note": text},
            "allow": ["app.*"],
            "redact": {"badge": BADGE},
            "hash_key": "k1:0123456789abcdef",
            "spool": spool,
            "interval": 3600,
            "shutdown_timeout": 0.1,
        }
    )
    _pipeline.replace(_pipeline.Pipeline(settings, make_post=lambda _: post))


def value_of(parameter: inspect.Parameter, text: str) -> object:
    """A text where one is expected, else a truth or a number."""
    return text if parameter.annotation.startswith("str") else "bool" in parameter.annotation or 1


def fit(function: str, parameter: str, seen: str, ref: str) -> str:
    """A word of the closed list where there is one, so that the event as a whole is not refused."""
    if parameter == "ref":
        return ref
    outcome = "true_accept" if function == "feedback" else "completed"
    return outcome if parameter == "outcome" else WORDS.get(parameter, seen)


def plant(text: str) -> None:
    """Say the text wherever something can be said."""
    seen = f"seen {text} today"
    with pytest.raises(ValueError), hybridobs.observe(model="digits", task=seen, name=seen) as call:
        call.attribute("app.note", seen)
        call.attribute("app.notes", [seen, text])
        call.attribute("other", seen)
        call.attribute("app.raw", seen.encode())
        call.set_attribute("hybridobs.inference.confidence", seen)
        call.features(note=seen, **{f"of {text}": 1.0})
        call.route(to=seen, reason=seen)
        call.model(name=seen)
        call.add_event(seen, {"app.note": seen, "other": seen})
        call.add_link(call.get_span_context(), {"app.note": seen})
        call.update_name(seen)
        call.set_attributes({"app.more": seen, f"app.{text}": 1})
        call.embedding(f"of {text}", [0.1] * 8)
        call.spent(seen, 0.1)
        call.set_status(StatusCode.ERROR, seen)
        call.record_exception(KeyError(seen), {"exception.stacktrace": seen, "app.note": seen})
        ref = call.ref()
        raise ValueError(seen) from KeyError(seen)
    for name, function in FUNCTIONS.items():
        said = inspect.signature(function).parameters.values()
        function(**{one.name: value_of(one, fit(name, one.name, seen, ref)) for one in said})
    hybridobs.set_cohort(f"of {text}"[:128])


def update(text: str, state: Path) -> None:
    """Say it in an update: of our own, which is kept on disk, and of another system's."""
    seen = f"seen {text} today"
    trial = ota.attempt(seen, "app", seen, f"{seen}+1", seen, model=seen, directory=state)
    with pytest.raises(ValueError), trial, trial.phase("download"):
        trial.signature(seen)
        trial.native(seen, seen, running_version=seen)
        raise ValueError(seen)
    trial.end("rolled_back", error=seen, trigger=seen)
    ota.resume(seen, kind="app", directory=state)
    report = ota.Report(seen, seen, seen, seen, seen, seen, artifact_hash=seen)
    ota.report(report, kind="app", from_version=seen)
    ota.report(report, kind=seen, stalled=seen)
    put = {"status": seen, "substate": seen, "deployment_id": seen, "id": seen, "image": {"name": seen}}
    parsed = ota.parse("mender", put, artifact_hash=seen)
    assert parsed is not None
    ota.report(parsed, corrects=report)


def run_on_a_device(text: str, state: Path) -> None:
    """Say it in what a device reports and in a crash; the state of the run stays on disk."""
    seen = f"seen {text} today"
    health.start(3600, root=state, model=seen, version=seen, rails=[seen], directory=state)
    kind = type(seen, (Exception,), {})
    sys.excepthook(kind, kind(seen), None)
    health.stop()


def stored(post: Post, url: str) -> None:
    """Commit what was sent, as a collector with a second pass that finds nothing any more."""
    store = Store.open(url)
    screen = Screen()
    clocks = Clocks(store.clock)
    decoder = Decoder(Limits(), clocks, screen)
    retain = Retain(Limits(), decoder.describe, screen)
    for signal, body in post.bodies:
        decoded = decoder.decode(Signal(signal), body, NOW)
        choice = retain.choose([decoded])
        commit(store, [decoded], SeriesLimit(1000), choice.spans, clocks, NOW // 10**9)
    store.close()
    assert sum(screen.taken().values()) == 0


def test_no_label_of_an_operator_says_it(post: Post, tmp_path: Path) -> None:
    """Who speaks is told once a stream; it is looked through as well."""
    for text in CASES:
        settings = resolve(
            {"site": text, "cohort": text, "service": text, "resource": {"a": text}, "redact": {"b": BADGE}}
        )
        pipeline = _pipeline.Pipeline(settings)
        assert text.encode() not in pipeline.resource()
        assert text not in pipeline.tags.cohort


def test_a_text_where_a_word_is_expected_goes_nowhere(post: Post, tmp_path: Path) -> None:
    """A closed list keeps out what is not in it, in every function that takes a text."""
    configure(post, tmp_path / "spool", "nothing")
    post.away = False
    for text in (texts[0] for texts in PLANTED.values()):
        for function in FUNCTIONS.values():
            said = inspect.signature(function).parameters.values()
            function(**{one.name: value_of(one, f"seen {text} today") for one in said})
    hybridobs.flush(20)
    sent = b"".join(body for _, body in post.bodies)
    assert sent and [text for text in CASES if text.encode() in sent] == []


def test_planted_data_are_nowhere(post: Post, tmp_path: Path) -> None:
    """Two hundred cases: none is in a file of the spool or of a state, in a request or in a row of the store."""
    for rule, texts in PLANTED.items():
        configure(post, tmp_path / "spool", texts[0])
        for number, text in enumerate(texts):
            plant(text)
            update(text, tmp_path / f"{rule}.{number}.ota")
            run_on_a_device(text, tmp_path / f"{rule}.{number}.health")
    hybridobs.flush(0.5)
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert sum(map(len, files)) > 100_000
    for state in (b'"from_version"', b'"memory_kills"'):
        assert sum(state in file for file in files) == len(CASES)
    post.away = False
    hybridobs.flush(20)
    sent = [body for _, body in post.bodies]
    assert sent
    stored(post, f"sqlite:///{tmp_path}/store.db")
    rows = "\n".join(sqlite3.connect(tmp_path / "store.db").iterdump()).encode()
    assert b"[email]" in b"".join(sent) and b"seen" in rows
    assert {kind for kind in EventKind if kind.encode() not in b"".join(sent)} == NOT_SAID
    leaks = {
        (text, where)
        for text in CASES
        for where, heap in (("disk", files), ("wire", sent), ("store", [rows]))
        if any(text.encode() in piece for piece in heap)
    }
    assert leaks == set()
    assert redact.counts().keys() >= PLANTED.keys() | {"not_allowed", "hashed"}


def test_what_only_looks_like_it_arrives(post: Post, tmp_path: Path) -> None:
    """Near misses and clean texts are on the wire as they were said, and a second pass finds nothing in them."""
    configure(post, tmp_path / "spool", "nothing")
    texts = [f"seen {text} today" for text in (*(one for many in NEAR_MISSES.values() for one in many), *CLEAN)]
    for text in texts:
        with pytest.raises(ValueError, match="seen"), hybridobs.observe(model="digits") as call:
            call.attribute("app.note", text)
            raise ValueError(text)
        events.business_outcome(text[:128], success=True)
    post.away = False
    hybridobs.flush(20)
    sent = b"".join(body for _, body in post.bodies)
    assert [text for text in texts if sent.count(text.encode()) < 2] == []
    stored(post, f"sqlite:///{tmp_path}/store.db")

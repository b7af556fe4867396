"""What lies between a device and a store: a network that does everything wrong, and collectors that restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from hybridobs.collector.answer import Answer, Verdict, body
from hybridobs.collector.counters import Counters
from hybridobs.collector.ingest import Ingest, Request
from hybridobs.collector.limits import Limits
from hybridobs.contract import Signal as Kind
from hybridobs.errors import StoreUnreachable
from hybridobs.sdk._http import Outcome, Reply, understand
from hybridobs.sdk.queue import Signal
from hybridobs.store import Retention, Store, Transaction

Sent = tuple[Signal, bytes]
CUT = Reply(Outcome.RETRY, "the connection was cut")
DOWN = understand(503, {"retry-after": "1"}, b"")
FOREVER = Retention(**dict.fromkeys(("minutes", "hours", "days"), timedelta(days=9999)))
TYPE = {"content-type": "application/x-protobuf"}


class FaultyStore(Store):
    """A real store; ``fail_at`` counts statements down to one that fails, ``unsure`` breaks off after the commit."""

    fail_at = 0
    unsure = False

    def arm(self) -> None:
        """Listen to every statement."""
        event.listen(self._dialect.engine, "before_cursor_execute", self._statement)

    def _statement(self, *_: Any) -> None:
        if self.fail_at:
            self.fail_at -= 1
            if not self.fail_at:
                raise OperationalError("a statement", None, sqlite3.OperationalError("disk I/O error"))

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        """As in a real store; afterwards perhaps nobody can know whether it was committed."""
        with super().begin() as tx:
            yield tx
        if self.unsure:
            raise StoreUnreachable("the connection broke in the middle of the commit")


class Replica:
    """One collector process: its connection to the store, and all it knows of senders and series."""

    def __init__(self, path: Path, writer: str) -> None:
        store = FaultyStore.open(f"sqlite:///{path}", writer=writer)
        assert isinstance(store, FaultyStore)
        store.keep(FOREVER)
        store.arm()
        self.store = store
        self.answers: list[tuple[Request, Answer]] = []
        self.ingest = Ingest(store, Limits(linger_seconds=1e-9), Counters(), (), self.answers.extend)


class Cloud:
    """Two collectors without sockets on one store: requests go in, HTTP replies come out."""

    def __init__(self, path: Path, random: Random) -> None:
        self.path = path
        self._random = random
        self._replicas = [Replica(path, writer) for writer in ("a", "b")]

    @property
    def store(self) -> Store:
        """The store, to read it."""
        return self._replicas[0].store

    def close(self) -> None:
        """Let go of the store."""
        for replica in self._replicas:
            replica.store.close()

    def restart(self) -> None:
        """One collector is gone with everything it knew, and another one starts on the same store."""
        number = self._random.randrange(2)
        before = self._replicas[number].store
        before.close()
        self._replicas[number] = Replica(self.path, before.writer)

    def tidy(self, *, faults: bool) -> None:
        """One collector does some of its upkeep, until it is through, breaks off or meets a fault."""
        store = self._random.choice(self._replicas).store
        store.fail_at = self._random.randrange(1, 40) if faults and self._random.random() < 0.5 else 0
        try:
            list(islice(store.upkeep(), self._random.randrange(1, 9)))
        except StoreUnreachable:
            assert faults
        finally:
            store.fail_at = 0

    def take(self, sent: Sequence[Sent], *, faults: bool) -> list[Reply]:
        """Requests that arrive together at one collector and so are one group; each gets its reply."""
        replica = self._random.choice(self._replicas)
        store = replica.store
        store.fail_at = self._random.randrange(1, 15) if faults and self._random.random() < 0.2 else 0
        store.unsure = faults and self._random.random() < 0.1
        requests = [Request(Kind(signal), data, "", False, None) for signal, data in sent]  # type: ignore[arg-type]
        for request in requests[1:]:
            replica.ingest.submit(request)
        replica.answers.clear()
        replica.ingest._finish(replica.ingest._gather(requests[0]))
        store.fail_at, store.unsure = 0, False
        answers = {id(request): answer for request, answer in replica.answers}
        return [_reply(request.signal, answers[id(request)]) for request in requests]


def _reply(signal: Kind, answer: Answer) -> Reply:
    """What the device makes of it, from the bytes that a receiver would send."""
    headers = TYPE | ({"retry-after": "1"} if answer.verdict is Verdict.UNAVAILABLE else {})
    return understand(answer.verdict.http, headers, body(answer, signal, 1, as_json=False))


class Network:
    """Delivers one request for a device, or something else.

    ``_later`` is a hop in between that acknowledged requests and keeps them, as an OpenTelemetry Collector with a
    persistent queue does; it sends them on whenever it likes, in any order, in other batches, and more than once.
    """

    FATES = ("fine", "twice", "answer_lost", "cut", "down", "held", "held_and_lost", "halves", "merged", "late")
    LOSSY = (*FATES, "refused")

    def __init__(self, cloud: Cloud, random: Random, *, lossy: bool) -> None:
        self._cloud = cloud
        self._random = random
        self._fates = self.LOSSY if lossy else self.FATES
        self._faults = True
        self._later: list[Sent] = []

    def __call__(self, signal: Signal, body: bytes, timeout: float) -> Reply:
        """See ``hybridobs.sdk._http.Post``."""
        fate = self._random.choice(self._fates) if self._faults else "fine"
        reply: Reply = getattr(self, f"_{fate}")((signal, body))
        return reply

    def heal(self) -> None:
        """No more faults from here on."""
        self._faults = False

    def flush(self) -> None:
        """The hop sends all it keeps, in its own order, all of it twice."""
        again = [*self._later, *self._later]
        self._random.shuffle(again)
        for sent in again:
            assert self._take(sent).outcome is Outcome.SENT
        self._later.clear()

    def _take(self, *sent: Sent) -> Reply:
        return self._cloud.take(sent, faults=self._faults)[-1]

    def _fine(self, sent: Sent) -> Reply:
        return self._take(sent)

    def _twice(self, sent: Sent) -> Reply:
        return self._take(sent, sent) if self._random.random() < 0.5 else (self._take(sent), self._take(sent))[1]

    def _answer_lost(self, sent: Sent) -> Reply:
        self._take(sent)
        return CUT

    def _cut(self, sent: Sent) -> Reply:
        """The connection ends in the request, and what arrived is taken for all of it."""
        self._take((sent[0], sent[1][: self._random.randrange(len(sent[1]))]))
        return CUT

    def _down(self, _: Sent) -> Reply:
        return DOWN

    def _held(self, sent: Sent) -> Reply:
        self._later.append(sent)
        return Reply(Outcome.SENT)

    def _held_and_lost(self, sent: Sent) -> Reply:
        self._later.append(sent)
        return CUT

    def _refused(self, sent: Sent) -> Reply:
        """Something in between says that it must not come again, when it was counted or was not.

        Not for a report of lost ranges: a receiver that refuses those is taken for one that knows no logs.
        """
        if sent[0] == "logs":
            return DOWN
        if self._random.random() < 0.5:
            self._take(sent)
        return understand(400, {}, b"")

    def _halves(self, sent: Sent) -> Reply:
        """A hop cuts the request in two and perhaps loses one half."""
        replies = [self._take(half) for half in rebatched([sent], self._random, 2)]
        lost = self._random.random() < 0.5
        return CUT if lost or any(reply.outcome is not Outcome.SENT for reply in replies) else replies[-1]

    def _merged(self, sent: Sent) -> Reply:
        """A hop decodes what it has, mixes it and encodes it anew in batches of its own."""
        kept = [self._later.pop() for _ in range(self._random.randrange(len(self._later) + 1))]
        batches = rebatched([*kept, sent], self._random, self._random.randrange(1, 5))
        replies = self._cloud.take(batches, faults=self._faults)
        if all(reply.outcome is Outcome.SENT for reply in replies):
            return Reply(Outcome.SENT)
        self._later += kept
        return CUT

    def _late(self, sent: Sent) -> Reply:
        """What was kept arrives before this, and is kept as well to arrive once more."""
        self._random.shuffle(self._later)
        if self._later:
            self._take(*self._later[: self._random.randrange(1, len(self._later) + 1)])
        return self._take(sent)


def rebatched(sent: Sequence[Sent], random: Random, pieces: int) -> list[Sent]:
    """The records of several requests in other requests, by the official classes: mixed, but each with its resource."""
    made: list[Sent] = []
    for signal, kind, groups, scopes, items in (
        ("traces", TracesData, "resource_spans", "scope_spans", "spans"),
        ("logs", LogsData, "resource_logs", "scope_logs", "log_records"),
    ):
        found = [
            (group.resource, scope.scope, item)
            for name, data in sent
            if name == signal
            for group in getattr(kind.FromString(data), groups)
            for scope in getattr(group, scopes)
            for item in getattr(scope, items)
        ]
        random.shuffle(found)
        for piece in range(min(pieces, len(found))):
            request: Any = kind()
            for resource, about, item in found[piece::pieces]:
                scope = getattr(getattr(request, groups).add(resource=resource), scopes).add(scope=about)
                getattr(scope, items).append(item)
            made.append((signal, request.SerializeToString()))  # type: ignore[arg-type]
    return made

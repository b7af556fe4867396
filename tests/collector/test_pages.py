"""Pages: what else is answered from the store, and what becomes of a question that cannot be."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridobs.collector import Asked, Collector, Said
from hybridobs.errors import ConfigError, StoreUnreachable
from hybridobs.store import Store


class Echo:
    """Says what it was asked, or fails as told."""

    method, path = "POST", "/echo"

    def answer(self, store: Store, asked: Asked) -> Said:
        faults: dict[str, Callable[[], Exception]] = {
            "wrong": lambda: ConfigError("kpi", "p95", "no such KPI"),
            "away": lambda: StoreUnreachable("the database is away"),
            "broken": lambda: ZeroDivisionError("a secret"),
        }
        if fault := asked.query.get("fault"):
            raise faults[fault]()
        return Said(
            asked.body + str(store.info().cells).encode(), "text/plain", headers={"X-Page": asked.headers["x-of"]}
        )


def ask(tmp_path: Path, query: str = "", body: bytes = b"cells: ") -> tuple[int, bytes, str | None]:
    with Collector(f"sqlite:///{tmp_path}/s.db", http="127.0.0.1:0", grpc=None, pages=[Echo()]).running() as collector:
        request = urllib.request.Request(f"{collector.http_url}/echo{query}", body, {"X-Of": "test"})
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return reply.status, reply.read(), reply.headers["X-Page"]
        except urllib.error.HTTPError as error:
            return error.code, error.read(), None


def test_a_page_is_answered_from_the_store(tmp_path: Path) -> None:
    """It sees the store, the body, the query and the headers."""
    assert ask(tmp_path) == (200, b"cells: 0", "test")


@pytest.mark.parametrize(("fault", "status", "word"), [("wrong", 400, b"p95"), ("away", 503, b"away")])
def test_a_page_that_cannot_answer_says_why(tmp_path: Path, fault: str, status: int, word: bytes) -> None:
    """A wrong question is the asker's, a store that is away asks for patience."""
    code, body, _ = ask(tmp_path, f"?fault={fault}")
    assert code == status
    assert word in body


def test_a_broken_page_tells_no_secret(tmp_path: Path) -> None:
    """What went wrong is in the log, not in the answer."""
    code, body, _ = ask(tmp_path, "?fault=broken")
    assert code == 500
    assert b"secret" not in body


def test_a_question_has_a_size(tmp_path: Path) -> None:
    """More than a megabyte is no question."""
    assert ask(tmp_path, body=b"x" * (1024 * 1024 + 1))[0] == 413

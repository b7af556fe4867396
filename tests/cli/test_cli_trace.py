"""``hybridobs trace`` over a store with one kept trace."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result

Run = Callable[..., Result]
TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_show(run: Run, url: str) -> None:
    """A trace is shown as one row a span over both tiers, the error named."""
    output = run("trace", "show", TRACE, "--store", url).output
    assert "2 spans, device" in output and output.count("TimeoutError") == 2 and "classify digits-large" in output


def test_show_json(run: Run, url: str) -> None:
    """JSON has every kept span with its labels."""
    spans = json.loads(run("trace", "show", TRACE.upper(), "--format", "json", "--store", url).stdout)
    assert [span["labels"]["tier"] for span in spans] == ["device", "cloud"]


def test_show_unknown(run: Run, url: str) -> None:
    """A trace of which nothing was kept ends with code 2 and says where to look."""
    result = run("trace", "show", "0" * 32, "--store", url)
    assert result.exit_code == 2 and "trace list" in result.stderr


@pytest.mark.parametrize("order", ["--slowest", "--errors", "--recent"])
def test_list(run: Run, url: str, order: str) -> None:
    """The list has a row a trace: when, what, how long, which tiers."""
    heading, row = run("trace", "list", order, "--store", url).output.splitlines()
    assert heading.split()[0] == "trace" and row.split()[0] == TRACE and "device, cloud" in row


def test_list_json(run: Run, url: str) -> None:
    """JSON has the same facts."""
    (head,) = json.loads(run("trace", "list", "--format", "json", "--store", url).stdout)
    assert (head["trace_id"], head["spans"], head["errors"], head["duration_ns"]) == (TRACE, 2, 1, 10_000_000)


def test_list_empty(run: Run, url: str, tmp_path: object) -> None:
    """A store without kept traces says so."""
    from hybridobs.store import Store

    where = f"sqlite:///{tmp_path}/empty.db"
    Store.open(where).close()
    assert run("trace", "list", "--store", where).output.startswith("NO DATA")

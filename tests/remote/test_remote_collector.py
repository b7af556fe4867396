"""A running collector answers like its store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hybridobs import contract
from hybridobs.cli import main
from hybridobs.collector import Collector
from hybridobs.contract import Labels
from hybridobs.errors import ConfigError, StoreUnreachable
from hybridobs.kpi.catalog import KPIS, MEASURES
from hybridobs.kpi.event import Event
from hybridobs.kpi.fold import Fold
from hybridobs.kpi.reading import Question, answers
from hybridobs.remote import connect
from hybridobs.serve import Summaries
from hybridobs.store import Store

NOW = "2026-09-21T15:14:00"
BEGAN_NS = 1_790_000_040 * 10**9


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """300 calls of 1 to 300 ms, every tenth of which failed."""
    fold = Fold()
    for i in range(300):
        labels = Labels("device", version=f"1.{i % 2}.0", model="digits")
        error = "TimeoutError" if i % 10 == 0 else ""
        fold.add(Event(contract.EventKind.INFERENCE, BEGAN_NS, labels, (i + 1) * 10**6, True, error=error))
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('remote')}/s.db") as store:
        with store.begin() as tx:
            tx.add(fold.cells)
        yield store


@pytest.fixture(scope="module")
def url(store: Store) -> Iterator[str]:
    """The address of a collector on that store."""
    with Collector(store, http="127.0.0.1:0", grpc=None, pages=[Summaries(most=100)]).running() as collector:
        yield collector.http_url


def hybridobs(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), prog_name="hybridobs")


@pytest.mark.parametrize("by", [(), ("version",), ("tier", "window")])
def test_every_kpi_reads_the_same_from_afar(store: Store, url: str, by: tuple[str, ...]) -> None:
    """All KPIs, grouped and not: bit for bit what the store says."""
    question = Question(by=by)
    assert list(answers(connect(url), KPIS.values(), question)) == list(answers(store, KPIS.values(), question))


def test_kpi_and_slo_ask_a_collector(url: str, tmp_path: Path) -> None:
    """The commands take its URL where they take a store's."""
    slo = tmp_path / "slo.yaml"
    slo.write_text("objectives: [{kpi: error_rate, target: 5%, window: 28d}]")
    assert "10 %" in hybridobs("kpi", "error_rate", "--by", "all", "--store", url).output
    checked = hybridobs("slo", "check", str(slo), "--store", url, "--now", NOW)
    assert (checked.exit_code, "10 %" in checked.output) == (1, True)


def test_what_a_store_refuses_is_refused_from_afar(url: str) -> None:
    """The words of the store reach the asker."""
    with pytest.raises(ConfigError, match="no such label"):
        connect(url).read(["inference.duration"], by=["colour"])


def test_too_many_groups_are_refused(tmp_path: Path) -> None:
    """An answer has a size, and the way out is to ask for less."""
    with Store.open(f"sqlite:///{tmp_path}/s.db") as store, store.begin() as tx:
        fold = Fold()
        for i in range(200):
            fold.add(Event(contract.EventKind.INFERENCE, BEGAN_NS, Labels(version=str(i)), 10**6))
        tx.add(fold.cells)
    small = Collector(store.url, http="127.0.0.1:0", grpc=None, pages=[Summaries(most=100)])
    with small.running(), pytest.raises(ConfigError, match="more than 100"):
        connect(small.http_url).read(["inference.duration"], by=["version"])


def test_a_collector_that_is_not_there_is_unreachable() -> None:
    """Exit code 5: try again later."""
    with pytest.raises(StoreUnreachable, match=r"127\.0\.0\.1:1 does not answer"):
        connect("http://127.0.0.1:1").read(["inference.duration"])
    assert hybridobs("kpi", "--store", "http://127.0.0.1:1").exit_code == 5


def test_a_collector_without_the_page_says_what_it_lacks(tmp_path: Path) -> None:
    """A collector as code may leave it out."""
    bare = Collector(f"sqlite:///{tmp_path}/s.db", http="127.0.0.1:0", grpc=None)
    with bare.running(), pytest.raises(ConfigError, match="no such page"):
        connect(bare.http_url).read(["inference.duration"])


@pytest.mark.parametrize("bad", ["http://", "prometheus+ftp://x", "http://x/?q=1", "http://x:99999", "http://x:0"])
def test_a_url_that_cannot_be_right_is_refused(bad: str) -> None:
    """Before anything is asked."""
    with pytest.raises(ConfigError, match="give http://HOST:PORT"):
        connect(bad)


def test_a_password_is_never_shown() -> None:
    """Not in errors, not in reports."""
    with pytest.raises(StoreUnreachable) as error:
        connect("http://till:s3cret@127.0.0.1:1").read(["inference.duration"])
    assert "s3cret" not in str(error.value)
    assert connect("prometheus+http://till:s3cret@host:9090").url == "prometheus+http://host:9090"


def test_commands_that_need_the_store_itself_say_so(url: str) -> None:
    """A collector does not hand out traces."""
    said = hybridobs("trace", "list", "--store", url)
    assert (said.exit_code, "needs the store itself" in said.output) == (2, True)


def test_every_measure_may_be_asked(url: str) -> None:
    """None is forgotten on the way."""
    assert set(connect(url).read(list(MEASURES))[()]) >= {"inference.duration", "inference.errors"}

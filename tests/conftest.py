"""What every test shares: in CI nothing is skipped, and no setting of the machine leaks in."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest

from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Kpi
from tests.postgres import postgres as postgres

ON_CI = os.environ.get("CI") == "true"
PREFIXES = ("HYBRIDOBS_", "OTEL_")


@pytest.fixture(autouse=True)
def _no_settings_from_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own exporter settings must not decide what a test sees."""
    for name in [name for name in os.environ if name.startswith(PREFIXES)]:
        monkeypatch.delenv(name)


@pytest.fixture
def catalogue() -> Iterator[dict[str, Kpi]]:
    """The KPIs, to add to and to delete from; afterwards they are as before, in their order, too."""
    before = dict(KPIS)
    yield KPIS
    KPIS.clear()
    KPIS.update(before)


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure in CI: a program that is missing there is a fault of ``.ci/run``."""
    if ON_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"CI skips nothing, see .ci/run. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """See :func:`_fail_if_skipped`; this one is for tests."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """See :func:`_fail_if_skipped`; this one is for whole files (``pytest.importorskip``)."""
    report = yield
    _fail_if_skipped(report)
    return report

"""The example that the README begins with works as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hybridobs.collector import Collector
from hybridobs.store import Store

EXAMPLE = Path(__file__).parents[2] / "examples" / "quickstart.py"


@pytest.mark.integration
def test_quickstart(tmp_path: Path) -> None:
    """What the example observes is delivered and counted."""
    with (
        Store.open(f"sqlite:///{tmp_path / 'a.db'}") as store,
        Collector(store, http="127.0.0.1:0", grpc=None).running() as collector,
    ):
        environment = {**os.environ, "HYBRIDOBS_ENDPOINT": collector.http_url}
        done = subprocess.run(
            [sys.executable, str(EXAMPLE)], capture_output=True, text=True, check=False, env=environment
        )
        assert done.stdout == "delivered\n", done.stderr
        assert store.read(["inference.duration"])[()]["inference.duration"].n == 250

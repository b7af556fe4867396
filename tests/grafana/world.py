"""A real Prometheus beside a collector: it scrapes what is live and reads the store remotely."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.ports import free_port
from tests.prometheus import program


@contextmanager
def prometheus(folder: Path, collector: str, *, every: str = "1s") -> Iterator[str]:
    """The address of a Prometheus that is ready."""
    address = f"127.0.0.1:{free_port()}"
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "global": {"scrape_interval": every, "evaluation_interval": every},
        "scrape_configs": [{"job_name": "hybridobs", "static_configs": [{"targets": [urlsplit(collector).netloc]}]}],
        "remote_read": [{"url": f"{collector}/api/v1/read", "read_recent": True}],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    files = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    options = ["--enable-feature=exemplar-storage", f"--web.listen-address={address}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program("pinned"), *files, *options], stdout=log, stderr=log)
        try:
            until(lambda: ready(f"http://{address}"))
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(timeout=20)


def ready(base: str) -> bool:
    """Whether it answers questions."""
    try:
        with urllib.request.urlopen(f"{base}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    """Wait for it, at most so long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.2)

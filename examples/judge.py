"""Judge objectives from Python: what ``hybridobs slo check`` does, for a service that wants the answer as an object.

python examples/judge.py sqlite:///hybridobs.db examples/slo.yaml
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from hybridobs.slo import check, load, told
from hybridobs.slo.report import as_text
from hybridobs.store import Store


def main(url: str, file: str) -> int:
    """Print the report and give its exit code; ConfigError for a wrong file, StoreUnreachable for a store away."""
    slo, now = load(Path(file)), int(time.time())
    with Store.open(url, create=False) as store:
        results = check(store, slo.objectives, now)
        report = told(results, subject=slo.path, store=store.url, now=now, digest=slo.digest)
    print(as_text(report), end="")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

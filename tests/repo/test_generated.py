"""What follows from a declaration is committed, and is what the declaration says today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_pages_are_not_stale() -> None:
    """docs/contract.md and docs/kpis.md are what `make docs` writes."""
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

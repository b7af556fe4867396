"""The room's one door."""

from __future__ import annotations

import subprocess
import sys

import hybridobs.slo as slo


def test_every_name_is_there() -> None:
    """What the door promises it gives, and nothing else."""
    assert all(getattr(slo, name) is not None for name in slo.__all__)
    assert not hasattr(slo, "nothing")


def test_a_schema_needs_no_library() -> None:
    """The schema is made, and the door opened, without YAML and without a database."""
    code = "import sys, hybridobs.slo as s; s.schema(); print([n for n in ('yaml', 'sqlalchemy') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

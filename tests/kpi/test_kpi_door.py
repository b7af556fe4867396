"""The room's door shows what is public and loads nothing until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import hybridobs.kpi


def test_door() -> None:
    """The public names, pinned."""
    assert set(hybridobs.kpi.__all__) == set(hybridobs.kpi._HOME)
    assert all(getattr(hybridobs.kpi, name) is not None for name in hybridobs.kpi.__all__)


def test_unknown_name() -> None:
    """A name that is not there is an ordinary AttributeError."""
    with pytest.raises(AttributeError, match=r"'hybridobs.kpi' has no attribute 'Nothing'"):
        hybridobs.kpi.Nothing  # noqa: B018


def test_standard_library_only() -> None:
    """Everything of the room loads without a single installed package."""
    code = (
        "import sys; before = set(sys.modules); from hybridobs.kpi import *;"
        "loaded = {name.split('.')[0] for name in set(sys.modules) - before};"
        "sys.exit(str(loaded - sys.stdlib_module_names - {'hybridobs'} or ''))"
    )
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.stderr.strip() == ""


def test_the_door_is_light() -> None:
    """Opening the door loads no room."""
    code = "import sys, hybridobs.kpi; sys.exit(any(name.startswith('hybridobs.kpi.') for name in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

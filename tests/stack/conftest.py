"""The stack, up once for all tests of this folder; without a container engine they fail, since nobody asked in vain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.engine import Stack, prepared


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Everything that can be had here, with a fleet at work."""
    with prepared() as made, made.up() as running:
        yield running

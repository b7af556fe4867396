"""Trace and span ids: 192 random bits at once, from a generator that no seed of the application reaches."""

from __future__ import annotations

import os
from random import Random

_random = Random(os.urandom(32))  # noqa: S311 - ids need to differ, not to be secret
random_bits = _random.getrandbits


def seed(number: int) -> None:
    """Give a test the same ids each time."""
    _random.seed(number)


def reseed() -> None:
    """Give a forked child ids of its own."""
    _random.seed(os.urandom(32))

"""The collector of the collector's own tests, for the second pass."""

from __future__ import annotations

from tests.collector.conftest import place as place
from tests.collector.conftest import start as start

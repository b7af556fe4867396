"""The version of this SDK, as it is sent with every batch."""

from __future__ import annotations

VERSION = "0.1.0"

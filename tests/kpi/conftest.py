"""Laws are tested on the same examples everywhere, however slow the machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("hybridobs", derandomize=True, deadline=None)
settings.load_profile("hybridobs")

"""A configured SDK whose requests stay in the test, as in the SDK's own tests, and one trace that came from outside."""

from __future__ import annotations

from tests.sdk.conftest import wire as wire

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"
LABELS = "hybridobs.cohort=beta%20testers,hybridobs.release.channel=beta,hybridobs.device.class=till-arm64"

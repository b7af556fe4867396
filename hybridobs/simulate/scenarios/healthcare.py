"""Alarms at a bed: in time, none left out, nothing but what must leaves the room."""

from __future__ import annotations

from hybridobs.simulate.draws import Spread
from hybridobs.simulate.scenario import Arm, Claim, Labels, Scenario, Way

COHORT = "ward"

SCENARIO = Scenario(
    name="healthcare",
    title="Healthcare, alarms at the bed",
    brief="alarm within 200 ms, omissions below 0.1 %, encryption, secure boot and signing on every device",
    model="bed-monitor",
    task="alarm",
    device_class="bedside-arm64",
    power_source="mains",
    site="ward",
    devices=40,
    days=1,
    arms=(
        Arm(
            cohort=COHORT,
            version="2.3.0",
            calls_a_day=400,
            latency=Spread(0.06, 0.11),
            energy=Spread(0.08, 0.12),
            # Half of the labelled answers are alarms by an independent record, so 16,000 answers hold 8,000 of them.
            labels=Labels(source="nurse", positives=0.5, false_accept=0.02, false_reject=0.0002, lag=900),
            posture=True,
            update_bytes=12_582_912,
        ),
    ),
    claims=(
        Claim("latency_p99", COHORT, 0.2, Way.AT_MOST),
        Claim("within_200ms", COHORT, 0.99, Way.AT_LEAST),
        Claim("false_reject_rate", COHORT, 0.001, Way.AT_MOST),
        Claim("posture_share", COHORT, 1.0),
        Claim("ota_verified_share", COHORT, 1.0),
    ),
)

"""Voice in a car: an answer in 100 ms, in a tunnel too, and the history is complete when the network is back."""

from __future__ import annotations

from hybridobs.simulate.draws import Spread
from hybridobs.simulate.scenario import Arm, Claim, Cloud, Scenario, Way

COHORT = "cars"

SCENARIO = Scenario(
    name="voice",
    title="Mobility, voice in the car",
    brief="answer within 100 ms, tunnels do not interrupt, what happened in them arrives afterwards",
    model="voice-intent",
    task="intent",
    device_class="car-arm64",
    power_source="vehicle",
    site="on-the-road",
    devices=40,
    days=1,
    arms=(
        Arm(
            cohort=COHORT,
            version="3.0.0",
            calls_a_day=400,
            latency=Spread(0.055, 0.09),
            energy=Spread(0.2, 0.35),
            errors=0.002,
            offload=0.3,
            cloud=Cloud(
                model="voice-large",
                version="2026-10",
                latency=Spread(0.6, 1.6),
                cost=0.0004,
                wait=False,
                reason="long_answer",
                tokens=(180, 90),
            ),
            offline=0.08,
            offline_errors=0.003,
            update_bytes=41_943_040,
        ),
    ),
    claims=(
        Claim("first_output_p95", COHORT, 0.1, Way.AT_MOST),
        Claim("first_output_within_100ms", COHORT, 0.95, Way.AT_LEAST),
        Claim("offline_success_rate", COHORT, 0.997),
        Claim("offline_success_rate", COHORT, 0.99, Way.AT_LEAST),
    ),
)

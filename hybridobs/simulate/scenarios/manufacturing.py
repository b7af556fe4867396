"""Inspection on a line at 120 frames a second: fewer unneeded rechecks, fewer defects missed, fewer stops."""

from __future__ import annotations

from hybridobs.simulate.draws import Between, Spread
from hybridobs.simulate.scenario import Arm, Claim, Health, Labels, Outcome, Scenario, Way

BEFORE, AFTER = "line-before", "line-after"

SCENARIO = Scenario(
    name="manufacturing",
    title="Manufacturing, vision at 120 frames a second",
    brief="120 fps, recalls -35 %, omissions -50 %, line downtime -22 %, payback 9 to 14 months, weekly fine-tunes",
    model="line-inspection",
    task="inspect",
    device_class="camera-npu",
    power_source="mains",
    site="plant",
    devices=40,
    days=28,
    arms=(
        Arm(
            cohort=BEFORE,
            version="4.2.0",
            calls_a_day=200,
            latency=Spread(0.0052, 0.0071),
            energy=Spread(0.05, 0.08),
            labels=Labels(source="gauge", positives=0.2, false_accept=0.01, false_reject=0.08, lag=3600),
            outcomes=(
                Outcome(name="recheck", share=0.2, success=0.80),
                Outcome(name="line_stop_minutes", a_day=4.0, value=Spread.around(30.0, 0.5)),
                Outcome(name="payback_months", a_day=1.0, value=Between(9.0, 14.0)),
            ),
            health=Health(frames_per_second=120.0, dropped=0.002),
            trainings=(("baseline", 30.0),),
        ),
        Arm(
            cohort=AFTER,
            version="5.0.0",
            calls_a_day=200,
            latency=Spread(0.0045, 0.0062),
            energy=Spread(0.04, 0.06),
            labels=Labels(source="gauge", positives=0.2, false_accept=0.0065, false_reject=0.04, lag=3600),
            outcomes=(
                Outcome(name="recheck", share=0.2, success=0.87),
                Outcome(name="line_stop_minutes", a_day=4.0, value=Spread.around(23.4, 0.5)),
                Outcome(name="payback_months", a_day=1.0, value=Between(9.0, 14.0)),
            ),
            health=Health(frames_per_second=120.0, dropped=0.0005),
            trainings=(("baseline", 30.0), ("fine_tune", 7.0)),
            update_bytes=26_214_400,
        ),
    ),
    claims=(
        Claim("frames_per_second", AFTER, 120.0),
        Claim("within_frame", AFTER, 0.99, Way.AT_LEAST),
        Claim("dropped_frame_share", AFTER, 0.0005),
        Claim("conversion_rate", AFTER, 0.65, Way.SPARED, business="recheck"),
        Claim("false_reject_rate", AFTER, 0.5, Way.RATIO),
        Claim("business_value_mean", AFTER, 0.78, Way.RATIO, business="line_stop_minutes"),
        Claim("business_value_mean", AFTER, 11.5, business="payback_months"),
        Claim("business_value_p95", AFTER, 14.0, Way.AT_MOST, business="payback_months"),
    ),
)

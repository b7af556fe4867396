"""Unmanned checkout in a shop: from all in the cloud to an answer at the till that the cloud confirms now and then."""

from __future__ import annotations

from hybridobs.simulate.draws import OneOf, Spread
from hybridobs.simulate.scenario import Arm, Claim, Cloud, Labels, Outcome, Scenario, Way

BEFORE, AFTER = "retail-before", "retail-after"
_CLOUD_CALL = 0.001

SCENARIO = Scenario(
    name="retail",
    title="Retail, unmanned checkout",
    brief="response 50 ms, wait 2.8 min to 15 s, errors 3.4 % to 0.9 %, cloud calls -42 %, cost 78 %, NPS +21 to +48",
    model="checkout-vision",
    task="recognise",
    device_class="till-arm64",
    power_source="mains",
    site="store",
    devices=40,
    days=2,
    arms=(
        Arm(
            cohort=BEFORE,
            version="1.0.0",
            calls_a_day=400,
            latency=Spread(0.008, 0.015),
            offload=1.0,
            cloud=Cloud(
                model="checkout-large",
                version="3.1.0",
                latency=Spread(0.22, 0.6),
                cost=_CLOUD_CALL,
                wait=True,
                reason="policy",
            ),
            retries=0.05,
            labels=Labels(source="staff", positives=0.5, false_accept=0.034, false_reject=0.034, lag=600),
            outcomes=(
                Outcome(name="checkout_wait", share=0.1, value=Spread.around(168.0, 0.6)),
                Outcome(name="nps", share=0.1, value=OneOf(((100.0, 0.46), (0.0, 0.29), (-100.0, 0.25)))),
                Outcome(name="checkout", share=0.1, success=0.93),
            ),
        ),
        Arm(
            cohort=AFTER,
            version="2.0.0",
            calls_a_day=400,
            latency=Spread(0.03, 0.05),
            cost=0.2 * _CLOUD_CALL,
            energy=Spread(0.12, 0.2),
            offload=0.58,
            cloud=Cloud(
                model="checkout-large",
                version="3.1.0",
                latency=Spread(0.22, 0.6),
                cost=_CLOUD_CALL,
                wait=False,
                reason="low_confidence",
            ),
            retries=0.02,
            labels=Labels(source="staff", positives=0.5, false_accept=0.009, false_reject=0.009, lag=600),
            outcomes=(
                Outcome(name="checkout_wait", share=0.1, value=Spread.around(15.0, 0.5)),
                Outcome(name="nps", share=0.1, value=OneOf(((100.0, 0.63), (0.0, 0.22), (-100.0, 0.15)))),
                Outcome(name="checkout", share=0.1, success=0.97),
            ),
            trainings=(("calibration", 1.0),),
            update_bytes=18_350_080,
        ),
    ),
    claims=(
        Claim("first_output_within_50ms", AFTER, 0.95),
        Claim("first_output_within_50ms", BEFORE, 0.95, Way.AT_MOST),
        Claim("business_value_mean", BEFORE, 168.0, business="checkout_wait"),
        Claim("business_value_mean", AFTER, 15.0, business="checkout_wait"),
        Claim("false_accept_rate", BEFORE, 0.034),
        Claim("false_reject_rate", BEFORE, 0.034),
        Claim("false_accept_rate", AFTER, 0.009),
        Claim("false_reject_rate", AFTER, 0.009),
        Claim("offload_share", AFTER, 0.58, Way.RATIO),
        Claim("cost_total", AFTER, 0.78, Way.RATIO),
        Claim("business_value_mean", BEFORE, 21.0, business="nps"),
        Claim("business_value_mean", AFTER, 48.0, business="nps"),
        Claim("retry_rate", AFTER, 0.02),
    ),
)

"""Ten million inferences a day with a peak five times the mean, on a thousand devices; three ways to place them.

With fewer devices the load shrinks in proportion; what a call costs does not. A thousand devices take hours to play.
"""

from __future__ import annotations

from hybridobs.simulate.draws import Spread
from hybridobs.simulate.scenario import Arm, Claim, Cloud, Scenario

_EDGE_CALL, _CLOUD_CALL = 0.0001, 0.001
_SHARES = {"edge": 0.0, "cloud": 1.0, "hybrid": 0.2}


def _arm(bias: str, offload: float) -> Arm:
    return Arm(
        cohort=f"load-{bias}",
        version="1.0.0",
        calls_a_day=10_000,
        latency=Spread(0.04, 0.09),
        cost=_EDGE_CALL if offload < 1 else 0.0,
        offload=offload,
        cloud=Cloud(
            model="ranker-large",
            version="1.4.0",
            latency=Spread(0.25, 0.7),
            cost=_CLOUD_CALL,
            wait=True,
            reason="policy" if offload == 1 else "low_confidence",
        ),
        peak=5.0,
    )


def _scenario(bias: str, offload: float) -> Scenario:
    arm = _arm(bias, offload)
    return Scenario(
        name=f"load-{bias}",
        title=f"Ten million a day, {bias}",
        brief=f"{bias}: 10,000 calls a day and device, so 10 million at 1,000, the busiest hour five times the mean",
        model="ranker",
        task="rank",
        device_class="phone-arm64",
        power_source="battery",
        site="everywhere",
        devices=10,
        days=1,
        arms=(arm,),
        claims=(Claim("offload_share", arm.cohort, offload),),
    )


SCENARIOS = tuple(_scenario(bias, share) for bias, share in _SHARES.items())

"""Observe a function and send what happened to a collector on this machine.

First ``hybridobs collector run`` in another terminal, then this, then ``hybridobs kpi``.
"""

import hybridobs

hybridobs.configure(service="till", tier="device", cohort="canary")


@hybridobs.observe(model="digits", version="1.3.0", task="classify")
def classify(picture: list[int]) -> float:
    call = hybridobs.current()
    with call.phase("preprocess"):
        pixels = [value / 16 for value in picture]
    call.confidence(0.93)
    return max(pixels)


for shade in range(250):
    classify([shade % 17] * 64)
print("delivered" if hybridobs.flush() else f"not delivered: {hybridobs.status().last_error}")

"""See a drift: a camera whose pictures are brighter than those that its model was trained on.

First ``hybridobs collector run`` in another terminal. Then this: it writes training.csv and sends 2,000 calls. Then::

    hybridobs drift reference add training.csv --model digits --version 1.3.0
    hybridobs drift show --assume-independent

This is one device, of which nobody can know how much it differs from others: hence the last option.
"""

import csv
import random
from pathlib import Path

import hybridobs

trained = random.Random(1)
with Path("training.csv").open("w", newline="") as file:
    rows = csv.writer(file)
    rows.writerow(["brightness", "lens"])
    rows.writerows([trained.lognormvariate(0, 0.5), trained.choice(["wide", "tele"])] for _ in range(3000))

hybridobs.configure(service="till", tier="device")
seen = random.Random(2)


@hybridobs.observe(model="digits", version="1.3.0", task="classify")
def classify() -> None:
    brightness = 1.3 * seen.lognormvariate(0, 0.5)
    hybridobs.current().features(brightness=brightness, lens=seen.choice(["wide", "tele"]))


for _ in range(2000):
    classify()
print("delivered" if hybridobs.flush() else f"not delivered: {hybridobs.status().last_error}")

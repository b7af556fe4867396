"""Real data sets, drifted on purpose, and laws tested on the same examples everywhere."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import settings

settings.register_profile("hybridobs", derandomize=True, deadline=None)
settings.load_profile("hybridobs")


class Pair(NamedTuple):
    """A reference and a window."""

    reference: list[float]
    current: list[float]


def drifted() -> dict[str, Pair]:
    """Numbers of real data sets, halved, with a known change; ``same`` have none."""
    np = pytest.importorskip("numpy")
    data = pytest.importorskip("sklearn.datasets")
    rng = np.random.default_rng(11)

    def halves(values: Any) -> tuple[Any, Any]:
        mixed = rng.permutation(values)
        return mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]

    digits = halves(data.load_digits().data.mean(axis=1))
    radius = halves(data.load_breast_cancer().data[:, 0])
    wine = halves(data.load_wine().data[:, 0])
    normal = rng.lognormal(0, 0.6, 3000), rng.lognormal(0, 0.6, 3000)
    cases = {
        "digits same": digits,
        "digits brightness x1.3": (digits[0], 1.3 * digits[1]),
        "cancer radius same": radius,
        "cancer radius resampled": (radius[0], rng.choice(radius[1], 284, p=radius[1] ** 3 / (radius[1] ** 3).sum())),
        "wine resampled": (wine[0], rng.choice(wine[1], 89, p=wine[1] ** 9 / (wine[1] ** 9).sum())),
        "lognormal same": normal,
        "lognormal +20 %": (normal[0], 1.2 * normal[1]),
        "lognormal +20 % and an outlier": (normal[0], np.append(1.2 * normal[1], 1e6)),
    }
    return {name: Pair(was.tolist(), now.tolist()) for name, (was, now) in cases.items()}


@pytest.fixture(scope="session")
def pairs() -> dict[str, Pair]:
    """See :func:`drifted`."""
    return drifted()

"""A trace as text: golden pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import click
import pytest

from hybridobs import contract
from hybridobs.cli._waterfall import ASCII, UNICODE, Glyphs, glyphs_for, waterfall
from hybridobs.contract import Labels

TRACE = "0af7651916cd43dd8448eb211c80319c"
MS = 1_000_000


class Kept(NamedTuple):
    """A kept span as the store hands it out."""

    name: str
    start_ns: int
    end_ns: int
    span_id: str
    parent_id: str = ""
    labels: Labels = Labels("device", model="digits", version="1.2.0")
    error: str = ""
    attributes: Mapping[str, object] = {}
    trace_id: str = TRACE
    why: str = "sample"


def drawn(spans: Sequence[Kept], *, width: int, glyphs: Glyphs = UNICODE) -> list[str]:
    """The waterfall without colours."""
    return [click.unstyle(line) for line in waterfall(spans, width=width, glyphs=glyphs)]


def phase(name: str, start: float, duration: float) -> dict[str, object]:
    return {f"{contract.PHASE_PREFIX}{name}.start": start, f"{contract.PHASE_PREFIX}{name}.duration": duration}


DEVICE = Kept(
    "digits",
    0,
    10 * MS,
    "a" * 16,
    attributes={
        **phase("inference", 0.0, 0.001),
        **phase("network", 0.002, 0.0075),
        contract.CONFIDENCE: 0.412,
        contract.ROUTE_DECISION: "offload",
        contract.ROUTE_TO: "cloud",
        contract.ROUTE_REASON: "low_confidence",
        contract.ENERGY: 0.0031,
        contract.ENERGY_METHOD: "estimated",
    },
)
CLOUD = Kept(
    "digits-large",
    4 * MS,
    8 * MS,
    "b" * 16,
    "a" * 16,
    labels=Labels("cloud", model="digits-large", version="2.0.0"),
    attributes={contract.CONFIDENCE: 0.99, contract.COST: 0.00002, contract.CURRENCY: "USD"},
)


def test_golden_offload() -> None:
    """An inference that went to the cloud shows both tiers on one time scale, and why it went."""
    assert drawn([CLOUD, DEVICE], width=92, glyphs=ASCII) == [
        f"trace {TRACE}, 2 spans, device > cloud, 10 ms",
        "",
        "span            tier    model               duration  0 ------------------------------ 10 ms",
        "digits          device  digits 1.2.0           10 ms  ######################################",
        "- inference                                     1 ms  ====",
        "- network                                     7.5 ms         ==============================",
        "` digits-large  cloud   digits-large 2.0.0      4 ms                 ################",
        "",
        "digits (device): confidence 0.412, offload to cloud (low confidence), energy 3.1 mJ (estimated)",
        "digits-large (cloud): confidence 0.99, cost 0.00002 USD",
    ]


def test_one_failed_span() -> None:
    """A span that failed names its error beside its bar and below."""
    lines = drawn([DEVICE._replace(error="TimeoutError", attributes={})], width=80, glyphs=ASCII)
    assert lines[3].endswith("#  TimeoutError") and lines[-1] == "digits (device): failed with TimeoutError"


def test_parent_not_kept() -> None:
    """A span whose parent was not kept stands at the top and says so."""
    lines = drawn([CLOUD], width=80, glyphs=ASCII)
    assert lines[3].startswith("digits-large  cloud") and lines[-1].endswith("its parent span was not kept")


def test_parent_loop() -> None:
    """Spans that claim to be each other's parents end the drawing instead of the process."""
    loop = [DEVICE._replace(parent_id="b" * 16), CLOUD]
    assert len([line for line in drawn(loop, width=80) if line.startswith(("digits", "└ digits"))]) >= 2


def test_clock_skew() -> None:
    """A cloud clock that is behind moves the scale, and no bar leaves it."""
    early = CLOUD._replace(start_ns=-5 * MS, end_ns=-1 * MS)
    lines = drawn([DEVICE, early], width=80, glyphs=ASCII)
    assert lines[0].endswith("15 ms") and all(len(line) <= 80 for line in lines[2:6])


def test_no_duration() -> None:
    """A span of no length is still visible."""
    lines = drawn([DEVICE._replace(end_ns=0, attributes={})], width=80, glyphs=ASCII)
    assert lines[3].endswith("  #")


@pytest.mark.parametrize(
    ("encoding", "glyphs"), [("utf-8", UNICODE), ("latin-1", ASCII), (None, ASCII), ("none", ASCII)]
)
def test_glyphs_for_encoding(encoding: str | None, glyphs: object) -> None:
    """An output that cannot carry blocks gets ASCII."""
    assert glyphs_for(encoding) is glyphs

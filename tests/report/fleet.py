"""A small fleet with something of everything: ten days, two tiers, a slow canary, and hostile names."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from hybridobs import contract as c
from hybridobs.contract import EventKind as Kind
from hybridobs.contract import Labels
from hybridobs.kpi.catalog.measures import FEATURE
from hybridobs.kpi.drift import Key, NumericReference
from hybridobs.kpi.event import Event
from hybridobs.kpi.fold import Fold
from hybridobs.kpi.summary import Summary
from hybridobs.store import KeptSpan, Store, StreamInfo

HOUR, DAY = 3600, 86_400
BEGAN = 1_789_948_800  # a midnight
DAYS = 10
UNTIL = BEGAN + DAYS * DAY
HOSTILE = "</title><script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
TRACE = "0af7651916cd43dd8448eb211c80319c"
MS = 1_000_000


def labels(site: int, *, canary: bool, model: str = "vision") -> Labels:
    """Of a device: the canary has the next version."""
    cohort, version = ("canary", "1.3.0") if canary else ("control", "1.2.0")
    return Labels("device", f"store-{site}", "till", model, version, cohort, cohort, "recognise")


def cloud(model: str = "vision-large") -> Labels:
    """Of the service that devices ask."""
    return Labels("cloud", "region-1", "server", model, "3.1.0", "control", "stable", "recognise")


def fill(url: str, name: str = "vision") -> str:
    """Make the store at ``url``; ``name`` is what devices call their model."""
    fold, draw = Fold(), Random(7)
    for hour in range(DAYS * 24):
        for event in _hour(draw, BEGAN + hour * HOUR, hour, name):
            fold.add(event)
    with Store.open(url, clock=lambda: UNTIL * 10**9) as store, store.begin() as tx:
        tx.add(fold.cells)
        tx.put_references([_reference(name)])
        tx.claim(StreamInfo("a" * 32, "till-1", tier="device", site="store-1", device_class="till"), [*range(1, 900)])
        tx.claim(StreamInfo("b" * 32, name, tier="device", site="store-2", device_class="till"), [*range(1, 90), 99])
        tx.lose(StreamInfo("b" * 32, name), 92, 95, "spool_full")
        tx.keep(_spans(name))
    return url


def _hour(draw: Random, at: int, hour: int, model: str) -> Iterator[Event]:
    for site in range(3):
        canary = site == 2 and hour >= 7 * 24
        who = labels(site, canary=canary, model=model)
        for _ in range(12):
            yield _call(draw, (at + draw.randrange(HOUR)) * 10**9, who, slow=canary)
        yield Event(
            Kind.ROUTE,
            at * 10**9,
            who,
            texts={c.ROUTE_FROM: "device", c.ROUTE_TO: "cloud", c.ROUTE_REASON: "low_confidence"},
        )
        yield Event(Kind.SAMPLE_UPLOADED, at * 10**9, who, numbers={c.SAMPLE_PII_REMOVED: 1, c.SAMPLE_ENCRYPTED: 1})
    for _ in range(8):
        yield _asked(draw, (at + draw.randrange(HOUR)) * 10**9)
    if hour % 6 == 0:
        yield from _update(at * 10**9, labels(hour % 3, canary=False, model=model), failed=hour % 36 == 0)


def _call(draw: Random, at_ns: int, who: Labels, *, slow: bool) -> Event:
    took = draw.lognormvariate(-2.9 + (1.3 if slow else 0.0), 0.5)
    numbers = {c.CONFIDENCE: draw.betavariate(9, 1), f"{c.FEATURE_PREFIX}light": draw.gauss(0.4 if slow else 0.5, 0.1)}
    texts = {c.CONNECTIVITY: "offline" if draw.random() < 0.1 else "online"}
    return Event(Kind.INFERENCE, at_ns, who, round(took * 1e9), True, numbers=numbers, texts=texts)


def _asked(draw: Random, at_ns: int) -> Event:
    numbers = {c.COST: draw.uniform(0.0009, 0.0011)}
    error = "TimeoutError" if draw.random() < 0.01 else ""
    took = round(draw.lognormvariate(-1.6, 0.4) * 1e9)
    return Event(Kind.INFERENCE, at_ns, cloud(), took, error=error, numbers=numbers, texts={c.CURRENCY: "USD"})


def _update(at_ns: int, who: Labels, *, failed: bool) -> Iterator[Event]:
    update = {c.OTA_KIND: "model", c.OTA_TO: "1.3.0", c.OTA_SYSTEM: "mender"}
    for phase in ("download", "verify", *(() if failed else ("install",))):
        yield Event(Kind.OTA_UPDATE, at_ns, who, texts={**update, c.OTA_PHASE: phase, c.OTA_OUTCOME: "in_progress"})
    ending = {c.OTA_OUTCOME: "failed" if failed else "succeeded", c.OTA_SIGNATURE: "verified"}
    error = "storage_full" if failed else ""
    yield Event(Kind.OTA_UPDATE, at_ns, who, error=error, numbers={c.OTA_CONFIRMED: 1}, texts={**update, **ending})


def _reference(model: str) -> NumericReference:
    draw = Random(1)
    values = [FEATURE.quantise(draw.gauss(0.5, 0.1)) or 0 for _ in range(5000)]
    return NumericReference.of_summary(Key(model, "1.2.0", "light"), Summary.of(FEATURE, values), note="training")


def _spans(model: str) -> list[KeptSpan]:
    start = (BEGAN + DAY) * 10**9
    phases: dict[str, object] = {}
    for name, begin, took in (("inference", 0.002, 0.02), ("network", 0.03, 0.4)):
        phases |= {f"{c.PHASE_PREFIX}{name}.start": begin, f"{c.PHASE_PREFIX}{name}.duration": took}
    device, service = labels(0, canary=False, model=model), cloud()
    top = KeptSpan(
        TRACE, "a" * 16, "", f"recognise {model}", "CLIENT", start, start + 450 * MS, device, "", phases, "slow"
    )
    below = KeptSpan(
        TRACE, "b" * 16, "a" * 16, "recognise vision-large", "SERVER", start + 60 * MS, start + 400 * MS, service, model
    )
    return [top, below]

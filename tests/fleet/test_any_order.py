"""Any order, duplication and split of a fleet's telemetry, on one replica or two, gives the same counts."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridobs.contract import EventKind, Labels
from hybridobs.kpi.event import Event
from hybridobs.kpi.rollout import Attempt, Rules, Told, comes_to, next_begins
from hybridobs.kpi.sightings import Sightings
from tests.fleet.conftest import DAY, HOUR, Make, Said, Site, Speaker

# What became of each device, and how it must be counted in the end.
FATES = {
    "confirmed": "succeeded",
    "silent": "succeeded",
    "back": "rolled_back",
    "never": "rolled_back",
    "told": "rolled_back",
}


def telemetry(name: str, fate: str) -> list[Said]:
    """All that one device says of its update, in the order in which it happens."""
    device = Speaker(name)
    said = [device.call("1.2.0", 0), device.update("in_progress", 50, phase="install"), device.call("1.2.0", 90)]
    said.append(device.update("succeeded", 100, confirmed=False))
    device.restart()
    if fate in ("confirmed", "back"):
        said += [device.call("1.3.0", 310), device.call("1.3.0", 500)]
    if fate == "confirmed":
        said.append(device.update("succeeded", 100, confirmed=False, correction=-1))
        said.append(device.update("succeeded", 100, confirmed=True, time_to_confirm=210.0))
    if fate == "back":
        device.restart()
        said += [device.call("1.2.0", 2 * HOUR), device.call("1.2.0", 3 * HOUR)]
    if fate in ("never", "told"):
        said.append(device.call("1.2.0", 400))
    if fate == "told":
        said.append(device.update("rolled_back", 100))
        said.append(device.update("succeeded", 100, confirmed=False, correction=-1))
    return said


FLEET = [one for number, fate in enumerate(FATES) for one in telemetry(f"dev-{number}", fate)]
EXPECTED = Counter(FATES.values())


def counted(site: Site) -> dict[str, int]:
    found = site.counts()
    return {name: found.get(name, 0) for name in ("succeeded", "rolled_back", "rollbacks", "unconfirmed")}


def sent(sites: Sequence[Site], said: Sequence[Said], shuffled: random.Random) -> None:
    """Send all of it in groups of any size, each to any replica."""
    rest = list(said)
    while rest:
        size = shuffled.randint(1, 9)
        group, rest = rest[:size], rest[size:]
        shuffled.choice(sites).take(*group)


EXAMPLES = count()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_any_order_and_split_gives_the_same_counts(make: Make, seed: int) -> None:
    """Also where requests come twice, and where two replicas share the store."""
    shuffled, example = random.Random(seed), next(EXAMPLES)  # a seed may come twice
    said = [*FLEET, *shuffled.sample(FLEET, len(FLEET) // 2)]
    shuffled.shuffle(said)
    sites = [make(f"any-{example}", writer=writer) for writer in ("a", "b")]
    sent(sites, said, shuffled)
    expected = {**EXPECTED, "rollbacks": EXPECTED["rolled_back"], "unconfirmed": 1}
    assert counted(sites[0]) == expected
    assert sum(own["ota.attempts"].n for own in sites[0].windows().values() if "ota.attempts" in own) == len(FATES)
    for one in sites:
        one.store.close()


SECONDS = st.integers(0, 40 * HOUR // 600).map(lambda step: step * 600 + 5)
SIGHT = st.tuples(st.just("seen"), st.sampled_from(["1.1.0", "1.2.0", "1.3.0", "2.0"]), st.integers(1, 4), SECONDS)
WORD = st.tuples(
    st.just("said"),
    st.sampled_from(["succeeded", "confirmed", "failed", "rolled_back", "in_progress", "pending"]),
    st.sampled_from(["a1", "a2"]),
    SECONDS,
    st.booleans(),
)


def event(outcome: str, second: int, *, back: bool) -> Event:
    """A word about an attempt."""
    confirmed = {"hybridobs.ota.confirmed": float(outcome == "confirmed")}
    texts = {"hybridobs.ota.outcome": "succeeded" if outcome == "confirmed" else outcome}
    texts |= {"hybridobs.ota.kind": "model", "hybridobs.ota.to_version": "1.3.0", "hybridobs.ota.from_version": "1.2.0"}
    numbers = {**confirmed, **({"hybridobs.correction": -1.0} if back else {})}
    return Event(EventKind.OTA_UPDATE, second * 10**9, Labels(), 0, False, "", numbers, texts)


def outcome(facts: Sequence[tuple[object, ...]]) -> dict[str, list[Told]]:
    """What two attempts come to after these facts came in this order."""
    seen, attempts = Sightings(), {"a1": Attempt(), "a2": Attempt()}
    for what, *one in facts:
        if what == "seen":
            version, life, second = one
            seen.see("model:digits", str(version), str(life), int(str(second)), int(str(second)))
        else:
            word, name, second, back = one
            final = word not in ("in_progress", "pending")
            attempts[str(name)].hear(event(str(word), int(str(second)), back=bool(back) and final), "digits")
    for attempt in attempts.values():
        attempt.until = next_begins(attempt, attempts.values())
    return {
        name: comes_to(Attempt.load(attempt.dump()), seen, Rules(), 2 * DAY, DAY).told
        for name, attempt in attempts.items()
    }


def once(facts: Sequence[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """The same without a second word of one state of one attempt: whoever calls sees to that."""
    kept: dict[object, tuple[object, ...]] = {}
    for fact in facts:
        kept.setdefault(
            (*fact[:3], fact[4]) if fact[0] == "said" and fact[1] not in ("in_progress", "pending") else fact, fact
        )
    return list(kept.values())


@settings(max_examples=150, deadline=None)
@given(facts=st.lists(st.one_of(SIGHT, WORD), max_size=14), seed=st.randoms(use_true_random=False))
def test_what_an_attempt_comes_to_knows_no_order(facts: list[tuple[object, ...]], seed: random.Random) -> None:
    """Of any words and sightings, possible or not, each once or more often."""
    facts = once(facts)
    again = [*facts, *(fact for fact in facts if fact[0] == "seen")]
    seed.shuffle(again)
    assert outcome(again) == outcome(facts)


@pytest.mark.parametrize("fate", FATES)
def test_each_word_alone_keeps_the_sum(site: Site, fate: str) -> None:
    """After every single request an attempt counts once or, before its end is known, not at all."""
    for one in telemetry("dev-1", fate):
        site.take(one)
        totals = site.counts()
        assert totals.get("succeeded", 0) + totals.get("rolled_back", 0) in (0, 1)
        assert min(totals.values(), default=0) >= 0

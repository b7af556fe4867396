"""Gates with a name: look once more under what the store remembers, and show what that is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from hybridobs.cli._stores import opened
from hybridobs.errors import ConfigError, StoreUnreachable
from hybridobs.slo import GATE_KIND, GateMemory

if TYPE_CHECKING:
    from hybridobs.store import Memory, Store, Transaction

_TURNS = 5
Made = TypeVar("Made")


def nothing_more(_: Transaction) -> None:
    """What most turns do beside remembering."""


class Turn(NamedTuple, Generic[Made]):
    """What a turn made, what is to be remembered of it, and what else is written with that, if it is."""

    made: Made
    text: str
    also: Callable[[Transaction], None] = nothing_more


def in_turn(store: Store, kind: str, name: str, take: Callable[[Memory], Turn[Made]]) -> Made:
    """What ``take`` makes of what is remembered, once its new text is kept; if somebody else was first, again."""
    for _ in range(_TURNS):
        seen = store.recall(kind, name)
        turn = take(seen)
        if turn.text == seen.text:
            return turn.made
        with store.begin() as tx:
            kept = tx.remember(seen, turn.text)
            if kept:
                turn.also(tx)
        if kept:
            return turn.made
    raise StoreUnreachable(f"{kind} {name!r} is asked by too many at once; ask again")


def remembered(url: str) -> dict[str, GateMemory]:
    """Every gate with a name."""
    with opened(url) as store:
        return {one.name: GateMemory.read(one.name, one.text) for one in store.memories(GATE_KIND)}


def forgotten(url: str, kind: str, name: str) -> None:
    """Forget one; ConfigError where there is none."""
    with opened(url) as store:
        with store.begin() as tx:
            gone = tx.forget(kind, name)
        if not gone:
            known = ", ".join(one.name for one in store.memories(kind)) or "none"
            raise ConfigError("name", name, f"no {kind} has this name; the names are: {known}")


def shown(name: str, memory: GateMemory) -> Iterator[str]:
    """A line for the plan, and one for each look of each trigger."""
    plan = memory.plan
    sides = " against ".join(
        ",".join(f"{label}={value}" for label, value in plan[side].items()) or "its pairs"
        for side in ("candidate", "baseline")
    )
    looks = len(memory.looks)
    yield f"{name}: {sides}, {plan['looks']}, {looks} look{'' if looks == 1 else 's'}"
    full: set[str] = set()
    for number, look in enumerate(memory.looks, start=1):
        at = datetime.fromtimestamp(look.at, UTC).strftime("%Y-%m-%d %H:%M")
        for key, (share, outcome) in look.entries.items():
            seen = "afterwards" if key in full else f"{100 * share:.1f} %"
            yield f"  {number:>2}  {at}  {seen:>10}  {outcome.words:<9}  {key}"
        full |= {key for key, (share, _) in look.entries.items() if share >= 1}

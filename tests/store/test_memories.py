"""What gates and promotions remember: one text by kind and name, replaced only by who has seen the last one."""

from __future__ import annotations

from hybridobs.store import Memory, Store


def remember(store: Store, seen: Memory, text: str) -> bool:
    with store.begin() as tx:
        return tx.remember(seen, text)


def test_nothing_is_remembered_at_first(store: Store) -> None:
    """A name that nobody gave has revision 0 and no text."""
    assert store.recall("gate", "g") == Memory("gate", "g") and store.memories("gate") == []


def test_remembered(store: Store) -> None:
    """Each change has the next revision; when it was first kept stays."""
    assert remember(store, store.recall("gate", "g"), "one")
    first = store.recall("gate", "g")
    assert remember(store, first, "two")
    second = store.recall("gate", "g")
    assert (first.revision, first.text, second.revision, second.text) == (1, "one", 2, "two")
    assert second.created == first.created == 1_760_000_000


def test_who_was_second_is_told(store: Store) -> None:
    """Neither a first text nor a later one is overwritten by somebody who has not seen it."""
    new = store.recall("gate", "g")
    assert remember(store, new, "one") and not remember(store, new, "other")
    seen = store.recall("gate", "g")
    assert remember(store, seen, "two") and not remember(store, seen, "three")
    assert store.recall("gate", "g").text == "two"


def test_kinds_are_apart_and_listed_by_name(store: Store) -> None:
    """A gate and a promotion may have one name."""
    for kind, name in (("gate", "b"), ("gate", "a"), ("promotion", "a")):
        remember(store, Memory(kind, name), kind + name)
    assert [one.text for one in store.memories("gate")] == ["gatea", "gateb"]
    assert store.recall("promotion", "a").text == "promotiona"


def test_forgotten(store: Store) -> None:
    """What is forgotten begins anew; forgetting nothing says so."""
    remember(store, Memory("gate", "g"), "one")
    with store.begin() as tx:
        assert tx.forget("gate", "g") and not tx.forget("gate", "g")
    assert store.recall("gate", "g").revision == 0

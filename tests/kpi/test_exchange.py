"""Questions and summaries as JSON: what arrives is what was sent, and what is wrong is named."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridobs.errors import ConfigError, LayoutError
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.exchange import Asked, asked, asking, telling, told
from hybridobs.kpi.summary import Summary

NAMES = ["inference.duration", "inference.errors", "tokens.input", "sessions.seen"]
VALUES = st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=20)


@given(st.dictionaries(st.sampled_from(sorted(MEASURES)), VALUES, max_size=4), st.text(max_size=20))
def test_summaries_arrive_as_they_were(values: dict[str, list[int]], label: str) -> None:
    """Every shape of measure, every size of number, every label."""
    groups: dict[tuple[str, ...], dict[str, Summary]] = {
        (label,): {name: Summary.of(MEASURES[name], own) for name, own in values.items()}
    }
    assert told(telling(groups)) == groups


@given(st.lists(st.text()), st.none() | st.integers(0, 2**40), st.dictionaries(st.text(), st.text(), max_size=3))
def test_a_question_arrives_as_it_was(names: list[str], since: int | None, where: dict[str, str]) -> None:
    """Whatever the words are; whether they mean something is for the store to say."""
    question = Asked(tuple(names), since, by=tuple(names), where=where, width=3600)
    assert asked(asking(question)) == question


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b"{", "question"),
        (b"[]", "question"),
        (b"[" * 100_000, "question"),
        (b'{"measure": []}', "measure"),
        (b'{"measures": "calls"}', "measures"),
        (b'{"measures": [], "since": true}', "since"),
        (b'{"measures": [], "until": 1e99}', "until"),
        (b'{"measures": [], "where": {"tier": 1}}', "where"),
    ],
)
def test_a_wrong_question_is_refused_by_its_key(body: bytes, key: str) -> None:
    """The asker reads which word to mend."""
    with pytest.raises(ConfigError) as error:
        asked(body)
    assert error.value.key == key


@pytest.mark.parametrize("change", [{"layout": 1}, {"packed": "?"}, {"n": "x"}, {"packed": "AAAA"}])
def test_an_answer_that_means_something_else_is_refused(change: dict[str, object]) -> None:
    """Another catalogue, or bytes that were damaged, are never read as numbers."""
    name = "inference.duration"
    body = json.loads(telling({(): {name: Summary.of(MEASURES[name], [1, 2])}}))
    body["groups"][0]["measures"][name] |= change
    with pytest.raises(LayoutError):
        told(json.dumps(body).encode())

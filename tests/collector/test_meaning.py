"""Which spans are inferences, whose they are, and what becomes of the others."""

from __future__ import annotations

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from hybridobs.store import Store
from tests.collector.conftest import FOREIGN, Running, request, span

NO_MODEL = {"hybridobs.model.name": None, "hybridobs.seq": None, "hybridobs.inference.confidence": None}
NO_MODEL |= {"hybridobs.model.version": None, "hybridobs.interaction.root": None}


def foreign(number: int, **said: object) -> bytes:
    """One span of a stock SDK; dots of attribute names are written as two underscores."""
    return request([span(number, NO_MODEL | {key.replace("__", "."): value for key, value in said.items()})], FOREIGN)


@pytest.mark.parametrize(
    ("said", "model"),
    [
        ({"gen_ai__request__model": "llama"}, "llama"),
        ({"gen_ai__response__model": "llama-3"}, "llama-3"),
        ({"gen_ai__response__model": "llama-3", "gen_ai__request__model": "llama"}, "llama"),
        ({"gen_ai__request__model": "llama", "hybridobs__model__name": "ours"}, "ours"),
        ({"gen_ai__operation__name": "chat"}, "chat-service"),
        ({"hybridobs__model__name": "ours", "gen_ai__operation__name": "invoke_agent"}, "ours"),
    ],
)
def test_a_model_call_of_a_stock_sdk_is_an_inference(running: Running, said: dict[str, object], model: str) -> None:
    """A span that names a model in our words or GenAI's counts; a call that names none is its service's."""
    assert running.post(foreign(1, **said)).body == b""
    assert running.events() == {"counted": 1}
    assert set(running.measures("model")) == {(model,)}


@pytest.mark.parametrize(
    "said",
    [{}, {"http__method": "GET"}, {"gen_ai__operation__name": "invoke_agent", "gen_ai__request__model": "llama"}],
)
def test_any_other_span_is_traced(running: Running, said: dict[str, object]) -> None:
    """A span of no model, and an operation around model calls, adds to no measure."""
    assert running.post(foreign(1, **said)).body == b""
    assert running.events() == {"traced": 1}
    assert running.measures() == {}


def test_a_numbered_span_of_no_model_is_accounted_for(running: Running) -> None:
    """A plain span of our stream is traced once, a copy is a duplicate, and its number is not outstanding."""
    body = request([span(1, {"hybridobs.model.name": None})])
    assert running.post(body).status == running.post(body).status == 200
    assert running.events() == {"traced": 1, "duplicate": 1}
    with Store.open(running.store_url) as store:
        assert [stream.outstanding for stream in store.streams()] == [0]


def test_a_foreign_root_is_an_interaction(running: Running) -> None:
    """Without our word for it, an inference without parent is what somebody waits for."""
    child = span(2, NO_MODEL | {"gen_ai.request.model": "llama"}, parent_span_id=b"parentid")
    running.post(foreign(1, gen_ai__request__model="llama"))
    running.post(request([child], FOREIGN))
    [measures] = running.measures().values()
    assert (measures["inference.duration"][0], measures["interaction.duration"][0]) == (2, 1)


def test_tokens_by_their_old_names(running: Running) -> None:
    """Former names of GenAI's conventions are read as the present ones."""
    running.post(foreign(1, gen_ai__request__model="llama", gen_ai__usage__prompt_tokens=300))
    [measures] = running.measures().values()
    assert measures["tokens.input"][:2] == (1, 300)


def test_labels_come_from_the_resource_and_the_span_wins(running: Running) -> None:
    """Tier and class are the resource's; a cohort on the span goes before one on the resource."""
    resource = {"hybridobs.tier": "site", "hybridobs.cohort": "all", "hybridobs.site": "store-7"}
    running.post(request([span(1), span(2, {"hybridobs.cohort": "canary"})], resource))
    assert set(running.measures("tier", "site", "cohort")) == {
        ("site", "store-7", "all"),
        ("site", "store-7", "canary"),
    }


def test_the_error_is_the_class_of_the_exception(running: Running) -> None:
    """error.type, else the recorded exception, else _OTHER."""
    spans = [span(number) for number in (1, 2)] + [span(3, {"error.type": "timeout"})]
    for made in spans[:2]:
        made.status.code = Status.STATUS_CODE_ERROR
    spans[0].events.add(name="exception").attributes.add(key="exception.type").value.string_value = "ValueError"
    running.post(request(spans))
    found = running.measures("error_type")
    assert {group for group, measures in found.items() if "inference.errors" in measures} == {
        ("ValueError",),
        ("_OTHER",),
        ("timeout",),
    }


def test_the_window_is_that_of_the_start(running: Running) -> None:
    """Event time alone chooses the minute, however late a span comes."""
    early, late = span(1), span(2)
    early.start_time_unix_nano, early.end_time_unix_nano = 59 * 10**9, 61 * 10**9
    late.start_time_unix_nano, late.end_time_unix_nano = 60 * 10**9, 61 * 10**9
    running.post(request([early, late]))
    assert set(running.measures("window")) == {("0",), ("60",)}

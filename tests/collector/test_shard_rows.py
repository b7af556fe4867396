"""What a gate needs to know of devices: calls and errors by shard, in the same commit as everything else."""

from __future__ import annotations

from hybridobs.kpi.shards import shard_of
from hybridobs.store import Store
from tests.collector.conftest import FOREIGN, OURS, Running, request, span

GATED = ("inference.duration", "inference.errors")


def from_device(device: str, numbers: range, **fields: object) -> bytes:
    resource = {**OURS, "app.installation.id": device, "hybridobs.stream.id": f"stream-{device}"}
    return request([span(number) for number in numbers], {**resource, **fields})


def shards(running: Running, *by: str) -> dict[tuple[str, ...], int]:
    """Calls by shard."""
    with Store.open(running.store_url) as store:
        return {group: found[GATED[0]].n for group, found in store.read(GATED, by=("shard", *by)).items()}


def test_each_device_has_its_shard(running: Running) -> None:
    """Calls of a device are in its shard, whichever stream they came in, and re-sent ones are there once."""
    for body in (from_device("a", range(1, 11)), from_device("b", range(1, 6)), from_device("a", range(6, 21))):
        assert running.post(body).status == 200
    assert shards(running) == {(str(shard_of("a")),): 20, (str(shard_of("b")),): 5}


def test_shards_add_up_to_the_whole(running: Running) -> None:
    """The shards of numbered calls hold the same durations as the minutes do, bucket by bucket."""
    for device in "abcdefgh":
        running.post(from_device(device, range(1, 11)))
    with Store.open(running.store_url) as store:
        whole = store.read(GATED)[()][GATED[0]]
        parts = [found[GATED[0]] for found in store.read(GATED, by=("shard",)).values()]
    assert sum(parts[1:], parts[0]) == whole


def test_nobody_in_particular(running: Running) -> None:
    """Calls of a sender without streams have no shard; the whole has them all the same."""
    running.post(request([span(number, {"hybridobs.seq": None}) for number in range(1, 6)], FOREIGN))
    assert shards(running) == {} and running.measures()[()]["inference.duration"][0] == 5


def test_shards_make_no_kpi(running: Running) -> None:
    """A question that does not ask for shards never sees them: nothing counts twice, and no window is an hour."""
    running.post(from_device("a", range(1, 11)))
    with Store.open(running.store_url) as store:
        assert store.read(GATED)[()][GATED[0]].n == 10
        assert [int(window) % 60 for (window,) in store.read(GATED, by=("window",))] == [0]
        assert store.info().first_window == store.info().last_window

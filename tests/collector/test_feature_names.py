"""Model inputs that are names: counted by name, bounded, in the shard of their device."""

from __future__ import annotations

from hybridobs.collector._series import NAMES, SeriesLimit
from hybridobs.contract import LABEL_MAX_CHARS, OVERFLOW, Labels
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.shards import shard_of
from hybridobs.store import Store
from tests.collector.conftest import FOREIGN, OURS, Running, request, span

COUNT = "feature.category"
COUNTRY = "hybridobs.feature.country"


def cell(name: str, feature: str = "country", model: str = "m", window: int = 60) -> CellKey:
    return CellKey(window, Series(Labels(model=model), (("category", name), ("feature", feature))), COUNT)


def counts(running: Running, *by: str) -> dict[tuple[str, ...], int]:
    with Store.open(running.store_url) as store:
        return {group: found[COUNT].sum for group, found in store.read([COUNT], by=by).items()}


def test_counted_by_name(running: Running) -> None:
    """Each name is counted, from numbered and from foreign senders, however often a layout was seen."""
    spans = [span(number, {COUNTRY: "DE" if number % 3 else "FR"}) for number in range(1, 31)]
    assert running.post(request(spans[:6])).status == 200
    assert running.post(request(spans[6:])).status == 200
    running.post(request([span(90, {COUNTRY: "IT", "hybridobs.seq": None})], FOREIGN))
    assert counts(running, "feature", "category") == {
        ("country", "DE"): 20,
        ("country", "FR"): 10,
        ("country", "IT"): 1,
    }


def test_in_the_shard_of_its_device(running: Running) -> None:
    """Names and numbers are there once for each shard too, so that devices can be told apart."""
    resource = {**OURS, "app.installation.id": "till-7"}
    said = {COUNTRY: "DE", "hybridobs.feature.light": 0.5}
    running.post(request([span(number, said) for number in range(1, 11)], resource))
    shard = str(shard_of("till-7"))
    assert counts(running, "shard", "category") == {(shard, "DE"): 10}
    with Store.open(running.store_url) as store:
        assert store.read(["feature.value"], by=("shard",))[(shard,)]["feature.value"].n == 10


def test_a_name_too_long_is_cut(running: Running) -> None:
    """A document is no name: it is cut to the length of a label, as every text is."""
    running.post(request([span(1, {COUNTRY: "x" * 200}), span(2, {COUNTRY: "DE"})]))
    assert counts(running, "category") == {("DE",): 1, ("x" * (LABEL_MAX_CHARS - 1) + "…",): 1}


def test_an_order_number_is_no_category() -> None:
    """After a hundred names of a feature the others are one, of the same model, and nothing is lost."""
    limit = SeriesLimit(10_000)
    cells, over = limit.admit({cell(f"order-{number}"): [1] for number in range(NAMES + 50)}, set())
    rest = cells[cell(OVERFLOW)]
    assert (len(cells), len(rest), over) == (NAMES + 1, 50, 50)


def test_names_met_before_stay() -> None:
    """Known names go on being counted, in any model, and another feature has room of its own."""
    limit = SeriesLimit(10_000, [cell(f"name-{number}").series for number in range(NAMES)])
    given = {cell("name-3", model="n"): [1], cell("late"): [1], cell("later"): [1, 1], cell("late", "till"): [1]}
    cells, over = limit.admit(given, set())
    assert cells == {cell("name-3", model="n"): [1], cell(OVERFLOW): [1, 1, 1], cell("late", "till"): [1]} and over == 3

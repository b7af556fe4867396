"""Remote read without a Prometheus: every matcher, every limit, and whatever else may come over the wire."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridobs.collector import Collector
from hybridobs.contract import Labels
from hybridobs.errors import ConfigError
from hybridobs.kpi.catalog import MEASURES
from hybridobs.kpi.fold import CellKey, Series
from hybridobs.kpi.measure import Shape
from hybridobs.kpi.prometheus import stored_name
from hybridobs.serve import RemoteRead
from hybridobs.serve.remote._wire import ReadRequest, read_request
from hybridobs.store import Store
from tests.serve.prompb import buckets, increase, labels_of, natives, packed, question, results

NOW = 1_760_000_400
DEVICE = Labels(tier="device", model="digits", version="1.3.0")
DURATION = stored_name(MEASURES["inference.duration"])
ERRORS = stored_name(MEASURES["inference.errors"])
SIGNED = MEASURES["clock.offset"]
TOKENS = stored_name(MEASURES["tokens.input"])


class Asked(NamedTuple):
    """One question without HTTP."""

    body: bytes


def put(store: Store, measure: str, values: list[float], at: int, labels: Labels = DEVICE, **extra: str) -> None:
    """Values in the unit of the measure."""
    key = CellKey(at - at % 60, Series(labels, tuple(extra.items())), measure)
    with store.begin() as tx:
        tx.add({key: [round(value * MEASURES[measure].resolution) for value in values]})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Ten minutes of two versions."""
    with Store.open(f"sqlite:///{tmp_path_factory.mktemp('wire')}/a.db") as opened:
        for minute in range(10):
            at = NOW - 600 + 60 * minute
            put(opened, "inference.duration", [0.02 * (minute + 1), 0.3, 2.5], at)
            put(opened, "inference.duration", [0.1], at, DEVICE._replace(version="2.0.0"))
            put(opened, "inference.errors", [1] * (minute % 3), at, error_type="timeout")
            put(opened, "tokens.input", [7], at)
        yield opened


def ask(
    store: Store, *matchers: tuple[str, str, str], page: RemoteRead | None = None, **hints: object
) -> dict[tuple[tuple[str, str], ...], list[tuple[int, float]]]:
    """The series of one query over the last ten minutes."""
    said = {"start_ms": (NOW - 600) * 1000, "end_ms": NOW * 1000, **hints}
    body = question(matchers, **said)  # type: ignore[arg-type]
    [found] = results((page or RemoteRead()).answer(store, Asked(body)).body)
    return found


def test_counters_cumulate(store: Store) -> None:
    """They begin at zero where the question begins and have a sample at the end of each window."""
    [(labels, points)] = ask(store, ("__name__", "=", TOKENS)).items()
    assert points == [((NOW - 600 + 60 * minute) * 1000, 7.0 * minute) for minute in range(11)]
    assert dict(labels) == {"__name__": TOKENS, **DEVICE._asdict()}


@pytest.mark.parametrize(
    ("matcher", "versions"),
    [
        (("version", "=", "1.3.0"), {"1.3.0"}),
        (("version", "!=", "1.3.0"), {"2.0.0"}),
        (("version", "=~", "1[.]3[.].*"), {"1.3.0"}),
        (("version", "=~", "1|2.0.0"), {"2.0.0"}),  # anchored at both ends
        (("version", "!~", "2.*"), {"1.3.0"}),
        (("version", "=", ""), set()),
        (("nothing", "=", ""), {"1.3.0", "2.0.0"}),  # absent is empty
        (("nothing", "!=", ""), set()),
        (("nothing", "=~", ".*"), {"1.3.0", "2.0.0"}),
        (("nothing", "=~", ".+"), set()),
        (("le", "=", ""), {"1.3.0", "2.0.0"}),  # a count has no buckets
        (("version", "=~", "(a+)+$"), set()),
    ],
)
def test_every_matcher_is_applied(store: Store, matcher: tuple[str, str, str], versions: set[str]) -> None:
    """Prometheus does not look again at what it is given."""
    assert labels_of(ask(store, ("__name__", "=", f"{DURATION}_count"), matcher), "version") == versions


def test_buckets_match_by_their_bound(store: Store) -> None:
    """``le`` is a label like any other."""
    found = ask(store, ("__name__", "=", f"{DURATION}_bucket"), ("le", "=~", "0.3|[+]Inf"), ("version", "=", "1.3.0"))
    assert {dict(labels)["le"]: points[-1][1] for labels, points in found.items()} == {"0.3": 20, "+Inf": 30}


def test_buckets_never_fall_from_bound_to_bound(store: Store) -> None:
    """All series of an answer have the same bounds, and each holds what the one below it holds."""
    found = ask(store, ("__name__", "=", f"{DURATION}_bucket"))
    for version in ("1.3.0", "2.0.0"):
        own = {dict(labels)["le"]: points[-1][1] for labels, points in found.items() if ("version", version) in labels}
        counts = [count for _, count in sorted(own.items(), key=lambda pair: float(pair[0]))]
        assert counts == sorted(counts)
        assert labels_of(found, "le") == own.keys()


def test_a_native_histogram_says_what_the_buckets_say(store: Store) -> None:
    """One sample holds every bucket: each bound has as many values below it as the series with that ``le``."""
    said = question([("__name__", "=", DURATION)], (NOW - 600) * 1000, NOW * 1000)
    found = natives(RemoteRead().answer(store, Asked(said)).body)
    classic = ask(store, ("__name__", "=", f"{DURATION}_bucket"))
    assert len(found) == 2
    for labels, histograms in found.items():
        last, version = histograms[-1], dict(labels)["version"]
        own = {dict(key)["le"]: points[-1][1] for key, points in classic.items() if ("version", version) in key}
        assert last.timestamp == NOW * 1000 and last.count_float == own["+Inf"] == sum(buckets(last).values())
        for bound in buckets(last):
            below = sum(count for upper, count in buckets(last).items() if upper <= bound * (1 + 1e-12))
            assert below == own[min(own, key=lambda le: abs(float(le) - bound))]


def test_native_buckets_hold_both_signs(tmp_path: Path) -> None:
    """Negative values and zeros have places of their own, and the sum may fall."""
    with Store.open(f"sqlite:///{tmp_path}/signed.db") as store:
        with store.begin() as tx:
            values = [-3 * SIGNED.resolution, 0, 0, SIGNED.resolution]
            tx.add({CellKey(NOW - 600, Series(DEVICE), SIGNED.name): values})
        said = question([("__name__", "=", stored_name(SIGNED))], (NOW - 600) * 1000, NOW * 1000)
        [histograms] = natives(RemoteRead().answer(store, Asked(said)).body).values()
    assert [histograms[-1].sum, histograms[-1].count_float, histograms[0].count_float] == [-2.0, 4.0, 0.0]
    negative, zero, positive = sorted(buckets(histograms[-1]).items())
    assert (zero, positive[1], negative[1]) == ((0.0, 2.0), 1.0, 1.0)
    assert positive[0] == pytest.approx(1.0) and -3.0 < negative[0] < -2.9


def test_names_are_matched_too(store: Store) -> None:
    """An unknown metric is no fault, and a matcher without a name finds all metrics."""
    assert ask(store, ("__name__", "=", "up")) == {}
    assert labels_of(ask(store, ("__name__", "=~", f"{DURATION}_.*")), "__name__") == {
        f"{DURATION}_bucket",
        f"{DURATION}_count",
        f"{DURATION}_sum",
    }
    assert {ERRORS, TOKENS, f"{DURATION}_sum"} < labels_of(ask(store, ("model", "=", "digits")), "__name__")


def test_a_sum_is_added_up_before_it_is_sent(store: Store) -> None:
    """Where Prometheus says that it will only add series up, it gets them added."""
    count = ("__name__", "=", f"{DURATION}_count")
    [(labels, points)] = ask(store, count, func="sum", by=True).items()
    assert (dict(labels), points[-1][1]) == ({"__name__": f"{DURATION}_count"}, 40)
    assert labels_of(ask(store, count, func="sum", by=True, grouping=["version"]), "version") == {"1.3.0", "2.0.0"}
    assert labels_of(ask(store, count, func="sum", by=False, grouping=["version"]), "version") == {""}
    assert labels_of(ask(store, count, func="avg", by=True), "version") == {"1.3.0", "2.0.0"}


def test_what_is_no_counter_is_not_served(store: Store) -> None:
    """Which ones there were, and what is of all time, are no windows that add up."""
    with store.begin() as tx:
        tx.add({CellKey(NOW - 600, Series(DEVICE), "session.active"): [1, 2, 3]})
    distinct = stored_name(MEASURES["session.active"])
    assert MEASURES["session.active"].shape is Shape.DISTINCT
    assert ask(store, ("__name__", "=~", f"{distinct}.*")) == {}


def test_what_is_taken_back_never_looks_like_a_restart(tmp_path: Path) -> None:
    """A correction in a later minute is taken from the minutes before, so that the growth of the whole is right."""
    with Store.open(f"sqlite:///{tmp_path}/b.db") as store:
        for minute in range(10):
            put(store, "tokens.input", [5], NOW - 600 + 60 * minute)
        key = CellKey(NOW - 180, Series(DEVICE), "tokens.input")
        with store.begin() as tx:
            tx.add({}, {key: [12]})
        [points] = ask(store, ("__name__", "=", TOKENS)).values()
    values = [value for _, value in points]
    assert values == sorted(values)
    assert values[-1] - values[0] == 50 - 12


@pytest.mark.parametrize("left_open", [False, True])
@pytest.mark.parametrize(("step", "span"), [(60, 60), (60, 300), (300, 300), (120, 600), (15, 300), (60, 180)])
def test_growth_is_that_of_the_store_for_both_kinds_of_ranges(
    store: Store, left_open: bool, step: int, span: int
) -> None:
    """Prometheus 2 takes the beginning of a range in, Prometheus 3 leaves it out: both see all of it."""
    first, last = NOW - 600 + span, NOW
    matchers = (("__name__", "=", f"{DURATION}_count"), ("version", "=", "1.3.0"))
    begin = (first - span) * 1000 + left_open
    [points] = ask(
        store, *matchers, func="increase", start_ms=begin, range_ms=span * 1000, step_ms=step * 1000
    ).values()
    for end in range(first, last + 1, step):
        found = increase(points, end * 1000, span * 1000, left_open=left_open)
        assert found == pytest.approx(3 * span / 60, rel=5e-5)


def test_where_only_hours_are_left_growth_is_even(tmp_path: Path) -> None:
    """Nobody knows the minute any more: the hour's growth is spread over the hour, and none is lost at its ends."""
    clock = [NOW * 10**9]
    with Store.open(f"sqlite:///{tmp_path}/old.db", clock=lambda: clock[0]) as store:
        begin = NOW - 2 * 3600
        put(store, "tokens.input", [360], begin + 60)
        put(store, "tokens.input", [36], begin + 3600 + 1800)
        for _ in range(30):  # a day at a time: of a clock that jumps nothing is dropped
            clock[0] += 86_400 * 10**9
            list(store.upkeep())
        hint = {"func": "increase", "range_ms": 300_000, "step_ms": 300_000}
        [points] = ask(store, ("__name__", "=", TOKENS), start_ms=begin * 1000, **hint).values()  # type: ignore[arg-type]
        one = {"func": "increase", "range_ms": 3_600_000, "start_ms": (begin + 1800) * 1000}
        end = (begin + 5400) * 1000
        [alone] = ask(store, ("__name__", "=", TOKENS), end_ms=end, **one).values()  # type: ignore[arg-type]
    assert increase(alone, end, 3_600_000, left_open=False) == pytest.approx(180 + 18)
    ends = [increase(points, at * 1000, 300_000, left_open=False) for at in range(begin + 300, NOW + 1, 300)]
    assert ends == pytest.approx([30] * 12 + [3] * 12)


def test_one_range_alone_takes_two_samples(store: Store) -> None:
    """An alert rule looks at one moment: where its range begins and where it ends, growth inside a minute even."""
    start, end = (NOW - 555) * 1000 + 250, (NOW - 15) * 1000 + 250
    matchers = (("__name__", "=", f"{DURATION}_count"), ("version", "=", "1.3.0"))
    [points] = ask(store, *matchers, start_ms=start, end_ms=end, func="rate", range_ms=end - start).values()
    assert [at for at, _ in points] == [start, end]
    assert points[1][1] - points[0][1] == pytest.approx(3 * 9)


def test_an_answer_too_large_is_coarser_then_refused(store: Store) -> None:
    """Buckets are merged two by two as far as it takes; exact edges stay; what still does not fit has clear words."""
    bucket = ("__name__", "=", f"{DURATION}_bucket")
    fine = ask(store, bucket)
    coarse = ask(store, bucket, page=RemoteRead(series=len(fine) - 1))
    assert len(coarse) < len(fine)
    assert {"0.3", "0.05", "2.0", "+Inf"} <= labels_of(coarse, "le") <= labels_of(fine, "le") | labels_of(coarse, "le")
    with pytest.raises(ConfigError, match="choose fewer series, a shorter time or a larger step"):
        ask(store, bucket, page=RemoteRead(series=10))


@pytest.mark.parametrize("octaves", range(5))
def test_native_buckets_of_any_spread(tmp_path: Path, octaves: int) -> None:
    """However far values lie apart, every one is in a bucket."""
    with Store.open(f"sqlite:///{tmp_path}/spread.db") as store:
        put(store, "inference.duration", [0.01 * 2.0**octave for octave in range(octaves + 1)], NOW - 600)
        said = question([("__name__", "=", DURATION)], (NOW - 600) * 1000, NOW * 1000)
        [histograms] = natives(RemoteRead().answer(store, Asked(said)).body).values()
    assert list(buckets(histograms[-1]).values()) == [0.0, *[1.0] * (octaves + 1)]


def test_series_are_told_without_samples(store: Store) -> None:
    """Who only asks which series there are, or between two minutes, gets their labels, of native histograms too."""
    found = ask(store, ("__name__", "=~", f"{DURATION}.*"), func="series")
    assert f"{DURATION}" in labels_of(found, "__name__") and f"{DURATION}_count" in labels_of(found, "__name__")
    begin = (NOW - 300) * 1000
    between = ask(store, ("__name__", "=", DURATION), start_ms=begin + 1000, end_ms=begin + 31_000)
    assert labels_of(between, "version") == {"1.3.0", "2.0.0"} and not any(between.values())


def test_native_histograms_too_large_are_coarser_then_refused(store: Store) -> None:
    """The same for them: a schema with fewer buckets, all counts in it, and words at the end."""
    body = question([("__name__", "=", DURATION)], (NOW - 600) * 1000, NOW * 1000)
    [fine, *_] = natives(RemoteRead().answer(store, Asked(body)).body).values()
    [coarse, *_] = natives(RemoteRead(samples=100).answer(store, Asked(body)).body).values()
    assert (fine[-1].schema, coarse[-1].schema) == (5, 1)
    assert sum(buckets(coarse[-1]).values()) == fine[-1].count_float == coarse[-1].count_float
    with pytest.raises(ConfigError, match="choose fewer series, a shorter time or a larger step"):
        RemoteRead(samples=60).answer(store, Asked(body))


def test_huge_ranges_are_bounded(store: Store) -> None:
    """All of time at a step of a minute is refused in words, and quickly."""
    with pytest.raises(ConfigError, match="samples"):
        ask(store, ("__name__", "=", TOKENS), start_ms=-(1 << 63), end_ms=(1 << 63) - 1, step_ms=60_000)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\xff\xff\xff\xff\xff", "raw snappy"),
        (b"not snappy at all", "snappy"),
        (packed(b"\xff\xff\xff"), "protobuf"),
        (b"\x80\x80\x80\x80\x08" + b"\x00" * 20, "at most"),  # says that 2 GiB follow
        (question([("a", "=~", "(")], 0, 1), "no RE2 regular expression"),
        (question([("a", "=~", "(?:a{1000}){1000}")], 0, 1), "no RE2 regular expression"),
        (question([("a", "=~", r"(a)\1")], 0, 1), "no RE2 regular expression"),
        (question([("a", "=", str(n)) for n in range(65)], 0, 1), "at most 64"),
        (packed(ReadRequest(queries=[{}] * 33).SerializeToString()), "at most 32"),
        (packed(ReadRequest(queries=[{"matchers": [{"type": 9}]}]).SerializeToString()), "none of ="),
    ],
)
def test_bad_questions_are_answered_in_words(store: Store, body: bytes, words: str) -> None:
    """Each says what is wrong with it."""
    with pytest.raises(ConfigError, match=words):
        RemoteRead().answer(store, Asked(body))


def test_no_pattern_can_hang_it(store: Store) -> None:
    """What takes other engines longer than the universe is answered at once."""
    evil = "(x+x+)+y|(.*)*z|" + "a?" * 200 + "a" * 200
    began = time.process_time()
    ask(store, ("version", "=~", evil), ("__name__", "=~", evil))
    assert time.process_time() - began < 30


def test_over_http(tmp_path: Path) -> None:
    """A bad question is a 400 with its words, a good one is snappy of protobuf, an empty one an empty answer."""
    collector = Collector(f"sqlite:///{tmp_path}/c.db", http="127.0.0.1:0", grpc=None, pages=[RemoteRead()])
    with collector.running() as running:
        url = f"{running.http_url}/api/v1/read"
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url, b"\xff\xff\xff\xff\xff", timeout=30)
        with refused.value as error:
            assert (error.code, b"snappy" in error.read()) == (400, True)
        with urllib.request.urlopen(url, question([("__name__", "=", "up")], 0, 1), timeout=30) as answer:
            assert answer.headers["Content-Type"] == "application/x-protobuf"
            assert answer.headers["Content-Encoding"] == "snappy"
            assert results(answer.read()) == [{}]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_question_or_refused(body: bytes) -> None:
    """The decoder knows no third outcome, compressed or not."""
    for sent in (body, packed(body)):
        try:
            assert isinstance(read_request(sent), list)
        except ConfigError:
            continue


INT64 = st.one_of(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, NOW * 1000), st.sampled_from([0, 1, 60_000]))
TEXT = st.one_of(
    st.sampled_from([TOKENS, DURATION, f"{DURATION}_bucket", "__name__", "le", "version", ".*", "1.3.0"]), st.text()
)
MATCHER = st.fixed_dictionaries({"type": st.integers(0, 4), "name": TEXT, "value": TEXT})
HINTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("step_ms", "start_ms", "end_ms", "range_ms"), INT64),
        "func": st.sampled_from(["rate", "increase", "sum", "series", "irate", "", "\x00"]),
        "grouping": st.lists(TEXT, max_size=2),
        "by": st.booleans(),
    },
)
NAMED = st.fixed_dictionaries(
    {"name": st.just("__name__"), "value": st.sampled_from([TOKENS, DURATION, f"{DURATION}_bucket"])}
)
MATCHERS = st.builds(lambda one, more: [one, *more], NAMED, st.lists(MATCHER, max_size=2))
QUERY = st.fixed_dictionaries(
    {"start_ms": INT64, "end_ms": INT64, "matchers": MATCHERS},
    optional={"hints": HINTS},
)


@settings(deadline=None, max_examples=100)
@given(st.lists(QUERY, max_size=2))
def test_any_question_is_answered_or_refused(store: Store, queries: list[dict[str, object]]) -> None:
    """Whatever times, hints and matchers it has: an answer for each query, or words."""
    body = packed(ReadRequest(queries=queries).SerializeToString())
    try:
        said = RemoteRead(samples=100_000).answer(store, Asked(body))
    except ConfigError:
        return
    assert len(results(said.body)) == len(queries)

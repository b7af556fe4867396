"""Deltas and cumulative points: each adds once, whatever is sent again, reset or restarted."""

from __future__ import annotations

import pytest

from hybridobs.collector import Limits
from tests.metrics.conftest import BEGAN, Desk, exponential, histogram, metrics, sums

CALLS = "nv_inference_request_success"
TOTAL = "reported.calls"


def test_delta_points_add(desk: Desk) -> None:
    """Each adds to the minute in which its time span ends; sent again it is a duplicate."""
    body = metrics(sums(CALLS, (0, 1, 5), (1, 2, 7), cumulative=False))
    desk.take(body)
    assert desk.left == {"counted": 2}
    desk.take(body)
    assert desk.left == {"duplicate": 2}
    windows = {int(window): one.count for (window,), one in desk.read(TOTAL, "window").items()}
    assert windows == {BEGAN // 10**9 // 60 * 60 + minute * 60: count for minute, count in ((1, 5), (2, 7))}


def test_cumulative_points_add_what_is_new(desk: Desk) -> None:
    """Only the difference to the point before counts, wherever requests were cut."""
    desk.take(metrics(sums(CALLS, (0, 1, 5))))
    desk.take(metrics(sums(CALLS, (0, 2, 12), (0, 3, 12))), metrics(sums(CALLS, (0, 4, 20))))
    assert desk.left == {"counted": 3}
    assert desk.one(TOTAL).count == 20


def test_a_restart_counts_nothing_twice(desk: Desk) -> None:
    """What was counted is in the store, not in the process."""
    desk.take(metrics(sums(CALLS, (0, 1, 5))))
    desk.restart()
    desk.take(metrics(sums(CALLS, (0, 1, 5))))
    assert desk.left == {"duplicate": 1}
    desk.take(metrics(sums(CALLS, (0, 2, 9))))
    assert desk.one(TOTAL).count == 9


def test_an_older_point_is_in_the_newer_one(desk: Desk) -> None:
    """A point that comes late adds nothing: what it counted was counted."""
    desk.take(metrics(sums(CALLS, (0, 2, 9))))
    desk.take(metrics(sums(CALLS, (0, 1, 5))))
    assert desk.left == {"duplicate": 1}
    assert desk.one(TOTAL).count == 9


def test_a_reset_counts_from_the_new_start(desk: Desk) -> None:
    """A process that began again says so by its start, even where it has counted more since."""
    desk.take(metrics(sums(CALLS, (0, 2, 9))))
    desk.take(metrics(sums(CALLS, (3, 4, 11))))
    assert desk.one(TOTAL).count == 20


def test_a_fall_is_a_reset(desk: Desk) -> None:
    """A counter cannot fall: it began again and did not say it."""
    desk.take(metrics(sums(CALLS, (0, 2, 9))))
    desk.take(metrics(sums(CALLS, (0, 3, 4))))
    assert desk.one(TOTAL).count == 13


def test_an_unknown_start_is_a_baseline(desk: Desk) -> None:
    """A receiver that scrapes does not know since when it counts: the first point adds nothing, the next the rest."""
    desk.take(metrics(sums(CALLS, (1, 1, 1_000))))
    assert desk.left == {"baseline": 1}
    desk.take(metrics(sums(CALLS, (1, 2, 1_007))))
    assert desk.one(TOTAL).count == 7
    desk.take(metrics(sums(CALLS, (3, 3, 1_010))))  # the receiver restarted, the server did not
    assert desk.left == {"baseline": 1}
    desk.take(metrics(sums(CALLS, (3, 4, 1_012))))
    assert desk.one(TOTAL).count == 9


@pytest.mark.parametrize("start", [-1, -300])
def test_an_old_stream_is_a_baseline(desk: Desk, start: int) -> None:
    """What happened over hours, or nobody knows when, is put into no minute."""
    body = sums(CALLS, (0, 300, 50))
    body.sum.data_points[0].start_time_unix_nano = 0 if start == -1 else BEGAN
    desk.take(metrics(body))
    assert desk.left == {"baseline": 1}
    assert desk.read(TOTAL) == {}


def test_an_overlapping_point_is_dropped(desk: Desk) -> None:
    """A second sender under the same name would count the same calls again."""
    desk.take(metrics(sums(CALLS, (0, 5, 9))))
    desk.take(metrics(sums(CALLS, (2, 6, 4))))
    assert desk.left == {"overlapping": 1}
    assert desk.one(TOTAL).count == 9


def test_streams_are_told_apart(desk: Desk) -> None:
    """By resource, name and attributes, in whichever order these come."""
    first = sums(CALLS, (0, 1, 5), model="a", version="1")
    second = sums(CALLS, (0, 1, 5), version="1", model="a")
    desk.take(metrics(first), metrics(second), metrics(sums(CALLS, (0, 1, 5), model="b")))
    assert desk.left == {"counted": 2, "duplicate": 1}
    desk.take(metrics(first, resource={"service.name": "other"}))
    assert desk.left == {"counted": 1}
    assert {group: one.count for group, one in desk.read(TOTAL, "model").items()} == {("a",): 10, ("b",): 5}


def test_histograms_count_what_is_new(desk: Desk) -> None:
    """Buckets, counts and sums are subtracted one by one."""
    name = "gen_ai.server.request.duration"
    desk.take(metrics(histogram(name, (0, 1, [1, 2, 0, 0], 0.5))))
    desk.take(metrics(histogram(name, (0, 2, [3, 2, 1, 0], 1.5))))
    found = desk.one("reported.duration")
    assert (found.n, found.total) == (6, 1.5)
    assert [found.share_within(edge) for edge in (0.1, 0.3)] == [3 / 6, 5 / 6]


def test_histograms_with_new_bounds_begin_again(desk: Desk) -> None:
    """Nothing can be said of the difference, so the new bounds are the baseline."""
    name = "gen_ai.server.request.duration"
    desk.take(metrics(histogram(name, (0, 1, [1, 2, 0, 0], 0.5))))
    desk.take(metrics(histogram(name, (0, 2, [3, 2], 1.5), bounds=[0.2])))
    assert desk.left == {"baseline": 1}
    desk.take(metrics(histogram(name, (0, 3, [4, 2], 1.6), bounds=[0.2])))
    assert desk.one("reported.duration").n == 4


def test_a_scale_that_falls_is_followed(desk: Desk) -> None:
    """OpenTelemetry coarsens a histogram as its range grows: the point before is shifted to the same scale."""
    name = "gen_ai.server.request.duration"
    desk.take(metrics(exponential(name, (0, 1, 6, 0, [1, 1], 2.0))))
    desk.take(metrics(exponential(name, (0, 2, 5, 0, [2, 0, 0, 1], 5.0))))
    found = desk.one("reported.duration")
    assert (found.n, found.positive) == (3, {0: 2, 3: 1})


def test_streams_are_bounded(tmp_path: object) -> None:
    """Beyond the limit a cumulative stream is dropped with a reason, and the known ones go on."""
    desk = Desk(f"sqlite:///{tmp_path}/bounded.db", Limits(metric_streams=2))
    desk.take(metrics(*(sums(CALLS, (0, 1, 5), model=name) for name in "abc")))
    assert desk.left == {"counted": 2, "too_many_streams": 1}
    desk.take(metrics(*(sums(CALLS, (0, 2, 6), model=name) for name in "abc")))
    assert desk.left == {"counted": 2, "too_many_streams": 1}


def test_silent_streams_are_forgotten(desk: Desk) -> None:
    """After two days without a point a stream begins anew, and its first point is young or a baseline."""
    from hybridobs.store import Store

    clock = [1_000 * 10**9]
    with Store.open(desk.url, clock=lambda: clock[0]) as desk.store:
        desk.take(metrics(sums(CALLS, (0, 1, 5))))
        clock[0] += 3 * 86_400 * 10**9
        desk.take(metrics(sums(CALLS, (0, 1, 5), model="other")))
        desk.take(metrics(sums(CALLS, (0, 90, 7))))
        assert desk.left == {"baseline": 1}

"""The store: whether it opens, which version it has, what is in it, and whether the probe arrived."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from hybridobs.doctor._finding import Finding, fail, ok, warn
from hybridobs.errors import HybridobsError, StoreTooNew
from hybridobs.store import Store

_MUCH = 0.01


def check_store(url: str, trace_id: str | None) -> Iterator[Finding]:
    """Open it without changing it; look for the probe's trace where one was sent."""
    try:
        with Store.open(url, create=False) as store:
            yield from _look(store, trace_id)
    except StoreTooNew as error:
        yield fail("store", str(error), "pip install -U hybridobs")
    except HybridobsError as error:
        yield fail("store", str(error), "name the URL that the collector was started with (--store)")


def _look(store: Store, trace_id: str | None) -> Iterator[Finding]:
    info = store.info()
    newest = f"{datetime.fromtimestamp(info.last_window, UTC):%Y-%m-%d %H:%M} UTC" if info.last_window else "none"
    yield ok("store", f"schema {info.schema_version}, {info.series:,} series, newest minute {newest}")
    streams = store.streams()
    numbered, missing = sum(one.highest for one in streams), sum(one.lost + one.outstanding for one in streams)
    if numbered and missing / numbered > _MUCH:
        mend = "hybridobs kpi delivery_completeness telemetry_lost --by site says where"
        yield warn("delivery", f"{missing:,} of {numbered:,} numbered records are not here", mend)
    elif numbered:
        yield ok("delivery", f"{numbered - missing:,} of {numbered:,} numbered records are here")
    if (beyond := store.overflow()).seen is not None:
        noted = f"{datetime.fromtimestamp(beyond.seen, UTC):%Y-%m-%d %H:%M} UTC"
        mend = "find the label that has too many values, or raise Limits(series=)"
        yield warn("series", f"label sets beyond the limit are counted together, last noted {noted}", mend)
    if trace_id is not None:
        if store.trace(trace_id):
            yield ok("probe", "found in the store")
        else:
            yield fail(
                "probe", "answered, but not in this store", "the collector writes to another one: compare --store"
            )

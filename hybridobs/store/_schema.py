"""The tables, declared once for every database.

====================  ==============================================================================================
``meta``              one row: the version of this schema and when the store was made
``series``            a bounded set of label combinations; ``id`` is 63 bits of a hash of them
``cells``             fresh rows, one per (width, measure, window, series, shard, writer): counts that only ever add up
``rolled``            the same without writers, in minutes, hours and days: where fresh rows are moved to
``retention``         how long rows of each width are kept, and from when on they are complete
``streams``           per SDK start, the set of counted sequence numbers
``losses``            per stream and reason, the set of numbers the sender gave up
``foreign_spans``     spans without sequence numbers, remembered for a while so that a re-sent one is not counted twice
``metric_points``     the last point of each cumulative stream of metrics, to know what the next one adds
``clocks``            per boot of a device, when it began in true time
``quarantine``        per stream and reason, how many records have no time, and what their clocks said
``devices``           per installation, what is known of the device and which versions it was seen running
``ota_attempts``      per installation and attempt, what was said of an update and what of it is in the measures
``drift_references``  what a feature of a model version looked like when the model was made, in a season
``memories``          what gates, promotions and upkeep remember between two askings
``spans``             the bounded trace store
====================  ==============================================================================================

Keys lead with what every read names (width, measures, then a range of windows). ``writer`` is the collector replica, so
replicas never touch each other's rows. ``shard`` is -1 for all devices together; rows of one shard are an hour wide and
are read only when asked for. What is in ``cells`` is in no row of ``rolled``, and what was moved is in each width of
``rolled`` that is still kept. Every integer but the shard is 64 bits wide. An older schema is brought up to this one by
the files in ``revisions/``.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, SmallInteger, Table, Text

from hybridobs.contract import LABELS

SCHEMA_VERSION = 2
ALL_DEVICES = -1

METADATA = MetaData()
_IN_ORDER: dict[str, bool] = {
    "sqlite_with_rowid": False
}  # SQLite keeps rows where their keys are: one look-up, not two


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=False)


def _whole(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, nullable=False, autoincrement=False)


META = Table("meta", METADATA, _whole("schema_version"), _whole("created"))

SERIES = Table(
    "series",
    METADATA,
    _whole("id", key=True),
    *map(_text, LABELS),
    _text("extra"),
    Column(
        "seen", BigInteger, nullable=False, server_default="0"
    ),  # Unix s: a writer that uses it says so now and then
)

CELLS = Table(
    "cells",
    METADATA,
    _whole("width", key=True),  # seconds
    _text("measure", key=True),
    _whole("window", key=True),  # Unix seconds of its start
    _whole("series_id", key=True),
    _whole("layout", key=True),  # Measure.layout: rows of an older catalogue stay apart
    Column("shard", SmallInteger, primary_key=True, nullable=False, autoincrement=False),
    _text("writer", key=True),
    _whole("n"),
    _whole("sum"),  # quanta of the measure, like min and max
    _whole("min"),
    _whole("max"),
    Column("hist", LargeBinary, nullable=False),  # Summary.pack(); empty where the measure has no distribution
    sqlite_with_rowid=False,  # rows lie where their keys do, in the order in which they are read
)

ROLLED = Table(
    "rolled",
    METADATA,
    _whole("width", key=True),  # columns as in ``cells``
    Column("shard", SmallInteger, primary_key=True, nullable=False, autoincrement=False),
    _text("measure", key=True),
    _whole("window", key=True),
    _whole("series_id", key=True),
    _whole("layout", key=True),
    *map(_whole, ("n", "sum", "min", "max")),
    Column("hist", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

RETENTION = Table(
    "retention",
    METADATA,
    _text("what", key=True),  # a field of Retention
    _whole("keep_s"),
    _whole("complete_from"),  # Unix s: what is older was dropped
)

STREAMS = Table(
    "streams",
    METADATA,
    _text("id", key=True),
    *map(_text, ("installation", "boot", "tier", "device_class", "cohort", "channel", "site", "service")),
    _whole("first_seen"),
    _whole("last_seen"),
    Column("counted", LargeBinary, nullable=False),  # RangeSet.pack()
)

LOSSES = Table(
    "losses",
    METADATA,
    _text("stream_id", key=True),
    _text("reason", key=True),
    Column("ranges", LargeBinary, nullable=False),  # RangeSet.pack()
)

FOREIGN_SPANS = Table(
    "foreign_spans",
    METADATA,
    Column("key", LargeBinary, primary_key=True, nullable=False),  # trace id, then span id: 24 bytes
    _whole("expires"),
    Index("foreign_spans_expires", "expires"),
)

METRIC_POINTS = Table(
    "metric_points",
    METADATA,
    _text("key", key=True),  # hash of resource, scope, metric and attributes
    _whole("start_ns"),
    _whole("time_ns"),
    Column("said", LargeBinary, nullable=False),
    _whole("expires"),
    Index("metric_points_expires", "expires"),
)

CLOCKS = Table(
    "clocks",
    METADATA,
    _text("installation", key=True),
    _text("boot", key=True),
    Column("epoch_ns", BigInteger),  # BootClock
    _whole("offset_ns"),
    _whole("seen_ns"),
    Index("clocks_seen_ns", "seen_ns"),
)

QUARANTINE = Table(
    "quarantine",
    METADATA,
    _text("stream_id", key=True),
    _text("reason", key=True),
    _whole("records"),
    _whole("first_ns"),  # by the clock of the device
    _whole("last_ns"),
)

DEVICES = Table(
    "devices",
    METADATA,
    _text("installation", key=True),
    _whole("first_seen"),  # the store's clock, Unix seconds, like last_seen
    _whole("last_seen"),
    *map(_text, ("tier", "device_class", "cohort", "channel", "site", "service")),
    _text("facts"),  # kpi.inventory.Facts
    _text("seen"),  # kpi.sightings.Sightings
    Index("devices_last_seen", "last_seen"),
)

ATTEMPTS = Table(
    "ota_attempts",
    METADATA,
    _text("installation", key=True),
    _text("attempt", key=True),
    _whole("changed"),  # the store's clock
    _whole("settled"),  # from when on sightings change nothing
    Column("due", BigInteger),  # when to look again though nothing is heard
    _text("data"),  # kpi.rollout.Attempt
    Index("ota_attempts_due", "due"),
    Index("ota_attempts_changed", "changed"),
)

REFERENCES = Table(
    "drift_references",
    METADATA,
    *(_text(name, key=True) for name in ("model", "version", "feature", "season")),  # kpi.drift.Key
    _whole("created"),
    _text("text"),  # kpi.drift.dumps() of this one
)

MEMORIES = Table(
    "memories",
    METADATA,
    _text("kind", key=True),
    _text("name", key=True),
    _whole("revision"),  # grows with every change, so that two who change it at once find out
    _whole("created"),
    _whole("changed"),
    _text("text"),
)

SPANS = Table(
    "spans",
    METADATA,
    _text("trace_id", key=True),
    _text("span_id", key=True),
    *map(_text, ("parent_id", "name", "kind")),
    _whole("start_ns"),
    _whole("end_ns"),
    *map(_text, (*LABELS, "error", "attributes", "why")),
    _whole("kept_ns"),  # the store's clock: device clocks lie, so age is counted from here
    Index("spans_kept_ns", "kept_ns"),
)

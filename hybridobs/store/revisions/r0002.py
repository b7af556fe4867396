"""Schema 2: rows are rolled up into minutes, hours and days, each kept for a time; devices and updates; memories."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Rows that are there stay in ``cells`` as fresh ones; the next roll-up moves them."""
    op.add_column("series", sa.Column("seen", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "rolled",
        _whole("width", key=True),
        sa.Column("shard", sa.SmallInteger, primary_key=True, nullable=False, autoincrement=False),
        _text("measure", key=True),
        *(_whole(name, key=True) for name in ("window", "series_id", "layout")),
        *(_whole(name) for name in ("n", "sum", "min", "max")),
        sa.Column("hist", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    if op.get_context().dialect.name == "sqlite":
        _put_in_order()
    op.create_table("retention", _text("what", key=True), _whole("keep_s"), _whole("complete_from"))
    op.create_table(
        "devices",
        _text("installation", key=True),
        *map(_whole, ("first_seen", "last_seen")),
        *map(_text, ("tier", "device_class", "cohort", "channel", "site", "service", "facts", "seen")),
    )
    op.create_index("devices_last_seen", "devices", ["last_seen"])
    op.create_table(
        "ota_attempts",
        *(_text(name, key=True) for name in ("installation", "attempt")),
        *map(_whole, ("changed", "settled")),
        sa.Column("due", sa.BigInteger),
        _text("data"),
    )
    op.create_table(
        "metric_points",
        _text("key", key=True),
        *map(_whole, ("start_ns", "time_ns")),
        sa.Column("said", sa.LargeBinary, nullable=False),
        _whole("expires"),
    )
    op.create_index("metric_points_expires", "metric_points", ["expires"])
    op.create_index("ota_attempts_due", "ota_attempts", ["due"])
    op.create_index("ota_attempts_changed", "ota_attempts", ["changed"])
    op.create_table(
        "memories",
        *(_text(name, key=True) for name in ("kind", "name")),
        *map(_whole, ("revision", "created", "changed")),
        _text("text"),
    )


def _put_in_order() -> None:
    """SQLite keeps each row of ``cells`` where its key is from now on, so that a range is read from one place."""
    names = ("width", "measure", "window", "series_id", "layout", "shard", "writer", "n", "sum", "min", "max", "hist")
    op.rename_table("cells", "cells_1")
    op.create_table(
        "cells",
        _whole("width", key=True),
        _text("measure", key=True),
        *(_whole(name, key=True) for name in ("window", "series_id", "layout")),
        sa.Column("shard", sa.SmallInteger, primary_key=True, nullable=False, autoincrement=False),
        _text("writer", key=True),
        *(_whole(name) for name in ("n", "sum", "min", "max")),
        sa.Column("hist", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    old, new = (sa.table(name, *(sa.column(column) for column in names)) for name in ("cells_1", "cells"))
    rows = sa.select(*old.c).order_by(*(old.c[name] for name in names[:7]))
    op.execute(sa.insert(new).from_select(names, rows))
    op.drop_table("cells_1")


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False)


def _whole(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)

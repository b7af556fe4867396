"""Schema 2: fresh rows are rolled up into minutes, hours and days, each kept for a time."""

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
    )
    op.create_table("retention", _text("what", key=True), _whole("keep_s"), _whole("complete_from"))


def _text(name: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False)


def _whole(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, nullable=False, autoincrement=False)

"""Schema 1: the first that was released. Every store of it exists already, so there is nothing to do."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Nothing: a new store is made whole, in the newest schema."""

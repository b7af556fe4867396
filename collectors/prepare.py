"""What the stack needs before it starts: the database's password, made once, and the alert files, made each time.

Run by the service ``prepare`` of compose.yaml. The password is on no command line and in no environment: the database
reads it from one volume, the collector's login (libpq's password file) lies in another.
"""

import os
import secrets
from pathlib import Path

from hybridobs.slo import ALERTMANAGER, RULES, alertmanager, load, rules

PREPARED = Path(os.environ.get("HYBRIDOBS_PREPARED", "/prepared"))
SLO = Path(os.environ.get("HYBRIDOBS_SLO", "/etc/hybridobs/slo.yaml"))
LOGIN = "database:5432:hybridobs:hybridobs:"


def password() -> None:
    """Make it unless it is there; both files say the same, or the login is made again."""
    place, login = PREPARED / "password" / "database", PREPARED / "login" / "pgpass"
    if not place.exists():
        place.write_text(secrets.token_urlsafe(32))
    place.chmod(0o444)  # the volume is mounted by the database only, whose user is another
    login.unlink(missing_ok=True)
    login.touch(mode=0o600)  # libpq refuses a file that others may read
    login.write_text(f"{LOGIN}{place.read_text()}\n")


def alerts() -> None:
    """Rules of the objectives and of the stack's own troubles, and who is told."""
    made = rules(load(SLO))
    place = PREPARED / "alerts"
    (place / RULES).write_text(made.files[RULES])
    (place / ALERTMANAGER).write_text(alertmanager(os.environ.get("HYBRIDOBS_ALERT_WEBHOOK") or None))


if __name__ == "__main__":
    password()
    alerts()

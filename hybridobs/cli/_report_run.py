"""Read a store and make the page of ``hybridobs report``, with a bar on a terminal while it takes."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hybridobs.cli._judging import judge, promises
from hybridobs.cli._stores import opened
from hybridobs.errors import ConfigError
from hybridobs.report import STEPS, Asked, Report, gather, render

if TYPE_CHECKING:
    from hybridobs.store import Store

DAY = 86_400
MOST_DAYS = 30
MINUTE = 60


def made(
    url: str, since: int | None, until: int | None, where: Mapping[str, str], file: Path | None, title: str
) -> tuple[Report, str]:
    """The report and its page."""
    with (
        opened(url) as store,
        click.progressbar(length=len(STEPS) + 2, file=sys.stderr, item_show_func=lambda step: step or "") as bar,
    ):
        begin, end = span(store, since, until)
        command = _command(store.url, begin, end, where, file, title)
        asked = Asked(begin, end, where, title, command, int(time.time()), str(file) if file else "")
        said = promises(store, file, end)
        found = gather(store, asked, judge, said, say=lambda step: bar.update(1, step))
        bar.update(1, "charts")
        page = render(found)
        bar.update(1, "done")
    return found, page


def span(store: Store, since: int | None, until: int | None) -> tuple[int, int]:
    """Whole minutes; where nothing is said, the last thirty days that have data. ConfigError if it ends first."""
    now = int(time.time()) // MINUTE * MINUTE + MINUTE
    info = store.info()
    last = now if info.last_window is None else min(now, info.last_window + MINUTE)
    end = last if until is None else -(-until // MINUTE) * MINUTE
    if since is None:
        end = min(end, last)  # the thirty days must be some that have data
    first = end - DAY if info.first_window is None else info.first_window
    begin = max(first, end - MOST_DAYS * DAY) if since is None else since // MINUTE * MINUTE
    if begin >= end:
        text = f"{_iso(begin)}..{_iso(end)}"
        raise ConfigError("since", text, "ends before it begins; give an earlier --since or a later --until")
    return begin, end


def _command(url: str, since: int, until: int, where: Mapping[str, str], file: Path | None, title: str) -> str:
    """What makes the same report again; a password in the URL is not shown."""
    words = ["hybridobs", "report", "--store", url, "--since", _iso(since), "--until", _iso(until)]
    words += [word for label, value in where.items() for word in ("--where", f"{label}={value}")]
    words += ["--slo", str(file)] if file else []
    return shlex.join([*words, "--title", title])


def _iso(unix_s: int) -> str:
    return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%dT%H:%M}"

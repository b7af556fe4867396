"""What the store needs done now and then, beside ingest and never in its way."""

from __future__ import annotations

import logging
import time
from math import nan
from threading import Event, Thread

from hybridobs.collector.counters import Counters
from hybridobs.errors import HybridobsError
from hybridobs.store import Store

log = logging.getLogger(__name__)

EVERY_S = 60.0
_REST = 4.0  # after a step it rests this many times as long as the step took: ingest has the store most of the time


class Upkeep:
    """Rolls up and drops rows of one store and forgets series, on a thread of its own; replicas may all do so.

    What a step did not finish the next one does, so stopping in the middle loses nothing. ``store_bytes`` is how large
    the store was when it was last looked at, NaN before.
    """

    def __init__(self, store: Store, counters: Counters) -> None:
        self._store = store
        self._counters = counters
        self._every_s = EVERY_S
        self.store_bytes = nan
        self._ended = Event()
        self._thread = Thread(target=self._run, name="hybridobs-upkeep", daemon=True)

    def start(self) -> None:
        """Begin, after the first pause: at a start there is other work to do."""
        self._look()
        self._thread.start()

    def stop(self) -> None:
        """End after the step that is running; safe twice and without start."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every_s):
            try:
                self._look()
                self._pass()
            except HybridobsError as error:
                log.warning("upkeep of the store will go on later: %s", error)
                self._counters.upkeep_failed()
            except Exception:
                log.exception("upkeep of the store failed; it will be tried again")
                self._counters.upkeep_failed()

    def _pass(self) -> None:
        began = time.monotonic()
        for done in self._store.upkeep():
            self._counters.kept_up(done.what, done.rows)
            if self._ended.wait(_REST * (time.monotonic() - began)):
                return
            began = time.monotonic()

    def _look(self) -> None:
        self.store_bytes = float(self._store.size().bytes)

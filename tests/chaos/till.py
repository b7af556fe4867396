"""A program that observes calls until it is done or killed; run as ``python -m tests.chaos.till``.

It writes down how many calls it has made after each one, in a file named after its stream: what a kill leaves behind.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path

import hybridobs
from hybridobs.sdk.queue import Queue, Resource
from hybridobs.sdk.spool import Limits, Spool

CHORE_S = 0.3


@hybridobs.observe(model="digits", version="1.3.0", task="classify")
def predict(number: int) -> int:
    """One inference."""
    hybridobs.current().confidence(number % 100 / 100)
    return number


def in_a_child() -> None:
    """A forked child makes ten calls and returns."""
    for number in range(10):
        predict(number)


def arguments() -> argparse.Namespace:
    """Where everything is, and how many calls in how many seconds; without --calls until killed."""
    parser = argparse.ArgumentParser()
    for name in ("place", "told", "endpoint"):
        parser.add_argument(name)
    parser.add_argument("--cohort", default="stable")
    parser.add_argument("--calls", type=int, default=sys.maxsize)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--interval", type=float, default=0.1)
    parser.add_argument("--flush", type=float, default=0.0)
    parser.add_argument("--fork", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Configure, call, end."""
    told = arguments()
    limits = Limits(chore_s=CHORE_S, drain_bytes_s=0, keep_free_bytes=0)

    def queue(stream: str, resource: Resource) -> Queue:
        return Spool(told.place, stream, resource, limits=limits)

    hybridobs.configure(
        service="till",
        tier="device",
        device_class="till-arm64",
        cohort=told.cohort,
        endpoint=told.endpoint,
        interval=told.interval,
        timeout=5.0,
        spool=told.place,
        queue=queue,
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if told.fork:
        child = multiprocessing.get_context("fork").Process(target=in_a_child)
        child.start()
        child.join()
    stream = hybridobs.status().stream
    made = os.open(Path(told.told) / stream, os.O_CREAT | os.O_RDWR, 0o600)
    print("ready", flush=True)
    began = time.monotonic()
    for number in range(1, told.calls + 1):
        predict(number)
        os.pwrite(made, number.to_bytes(8, "little"), 0)
        if told.rate and (early := began + number / told.rate - time.monotonic()) > 0:
            time.sleep(early)
    if told.flush:
        time.sleep(3 * CHORE_S)  # to adopt what others left
        hybridobs.flush(told.flush)


if __name__ == "__main__":
    main()

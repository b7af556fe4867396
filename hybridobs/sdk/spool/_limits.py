"""Every number that bounds the spool, in one place."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024
ROW_OVERHEAD = 96  # bytes a record is charged beside its body: about what SQLite adds for bodies of 200 to 2,000 bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """What the spool may use and how often it acts; sizes in bytes, times in seconds.

    Age counts only time in which the device was on: nothing else runs while it is off, and a wall clock may jump.
    """

    max_bytes: int = 128 * MIB  # all records in the directory, of all processes
    max_age_s: float = 14 * 86_400.0
    keep_free_bytes: int = 64 * MIB  # never grow when the disk has less than this left
    record_bytes: int = MIB  # one record; a larger one is given up
    handover_records: int = 32_768  # between the caller and the writer thread
    handover_bytes: int = 32 * MIB
    commit_s: float = 0.05  # how long the writer gathers: what SIGKILL can take
    sync_s: float = 1.0  # between two fsyncs: what a power cut can take; 0 syncs every commit
    fresh_every: int = 4  # while a backlog drains, every n-th batch is the newest; 0: never
    drain_bytes_s: int = MIB  # how fast a backlog drains after an outage, unless more is made; 0: no limit
    chore_s: float = 5.0  # expiry, adoption of what dead processes left, another try after a disk error
    close_s: float = 5.0  # the longest that close waits for the disk

"""How earlier runs ended: a crash is told once, by the next run, with what the last one left behind.

| what is found | error.type |
|---|---|
| a fault that ``faulthandler`` wrote | segmentation_fault, aborted, bus_error, illegal_instruction, … |
| another boot | unclean_reboot |
| the same boot, and the kernel's count of out-of-memory kills went up meanwhile | out_of_memory |
| the same boot | killed; unclean_exit where the application keeps ``faulthandler`` for itself |
| nothing that can be read | unclean_exit |

An uncaught exception is told at once, by its class. A run that ended by itself, or was told to by SIGTERM or SIGHUP,
did not crash.
"""

from __future__ import annotations

import faulthandler
import re
import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from hybridobs import contract as c
from hybridobs.contract import EventKind
from hybridobs.sdk import _clock, _pipeline
from hybridobs.sdk._emit import Subject, emit
from hybridobs.sdk._guard import failed
from hybridobs.sdk._refs import KEYS, Ref, boot_mark, of_process
from hybridobs.sdk.health._hours import Hours
from hybridobs.sdk.health._runs import Ended, Run, claimed
from hybridobs.sdk.health._tree import Tree

_FATAL = re.compile(r"^Fatal Python error: ([^\n:]+)", re.MULTILINE)
_FAULTS = frozenset({"segmentation_fault", "aborted", "bus_error", "illegal_instruction", "floating_point_exception"})
_OTHER_FAULT = "fatal_error"
_NO_IDS = (bytes(16), bytes(8))


class Crashes:
    """Watches this run and tells of the earlier ones in the same private directory."""

    def __init__(self, directory: Path, tree: Tree, model: str | None, version: str | None) -> None:
        self._directory = directory
        self._tree = tree
        self._about = (model, version)
        self._run = Run(directory)
        self._ended = False
        self._owns_faults = False
        self._signals: list[signal.Signals] = []
        self._hook: Any = None
        self._before: Any = None
        self.uncaught = False
        self.notes: list[str] = []

    def watch(self) -> None:
        """Have faults, ends by signal and uncaught exceptions leave a word; what the application has set up stays."""
        if faulthandler.is_enabled():
            self.notes.append("the application uses faulthandler itself: a fault is told as unclean_exit")
        else:
            faulthandler.enable(self._run.faults, all_threads=False)
            self._owns_faults = True
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                # In C, at once and then as before: a handler in Python would make the process slower to end.
                faulthandler.register(number, self._run.told(), all_threads=False, chain=True)
                self._signals.append(number)
        self._before, self._hook = sys.excepthook, self._uncaught
        sys.excepthook = self._hook

    def tell(self, hours: Hours) -> int:
        """Tell of every run that is over, carry on its hour, and return how many of them crashed."""
        crashed = 0
        with claimed(self._directory) as runs:
            for run in runs:
                what = self._what(run)
                seconds = run.state.get("pending", 0.0)
                tainted = bool(run.state.get("tainted")) or what is not None
                hours.carry(seconds if isinstance(seconds, (int, float)) else 0.0, tainted=tainted)
                if what is not None:
                    crashed += 1
                    _emit(run, what)
        return crashed

    def note(self, hours: Hours) -> None:
        """Write down that this run lives, and what the next one has to know."""
        pipeline = _pipeline.active or _pipeline.first()
        labels = of_process(pipeline)
        model, version = self._about
        for key, text in ((c.MODEL_NAME, model), (c.MODEL_VERSION, version)):
            labels[key] = pipeline.tags.policy.label(key, text or "")
        self._run.write(
            {
                "boot": _clock.boot_id(),
                "wall_ns": pipeline.times.wall_ns(),
                "since_boot": pipeline.times.since_boot(),
                "clock_known": pipeline.tags.clock_known,
                "labels": labels,
                "pending": hours.pending,
                "tainted": hours.tainted,
                "faults": self._owns_faults,
                "memory_kills": _memory_kills(self._tree),
                "ended": self._ended,
            }
        )

    def end(self, hours: Hours) -> None:
        """Write down that this run ends by itself, and stop watching."""
        self._ended = True
        if sys.excepthook is self._hook:
            sys.excepthook = self._before
        try:
            self.note(hours)
        finally:
            self.leave()

    def leave(self) -> None:
        """Stop writing into the files; in a forked child they belong to the parent."""
        if self._owns_faults:
            faulthandler.disable()
        for number in self._signals:
            if signal.getsignal(number) is signal.SIG_DFL:  # else the application has replaced ours, and keeps its own
                faulthandler.unregister(number)
        self._run.close()

    def _uncaught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        try:
            if issubclass(kind, Exception) and not self._ended:
                model, version = self._about
                emit(EventKind.CRASH, {c.ERROR_TYPE: kind.__name__}, about=Subject(None, model, version))
                self.uncaught = True
        except Exception:
            failed("excepthook")
        self._before(kind, error, trace)

    def _what(self, run: Ended) -> str | None:
        """Return how a run crashed; None if it did not."""
        state = run.state
        if found := _FATAL.search(run.fault):
            name = re.sub(r"[^a-z]+", "_", found[1].lower()).strip("_")
            return name if name in _FAULTS else _OTHER_FAULT
        if state.get("ended") or run.told:
            return None
        if not state:
            return "unclean_exit"  # it had no time to write any, or power was cut while it wrote
        if state.get("boot") != _clock.boot_id():
            return "unclean_reboot"
        kills, then = _memory_kills(self._tree), state.get("memory_kills")
        if kills is not None and isinstance(then, int) and kills > then:
            return "out_of_memory"
        return "killed" if state.get("faults") else "unclean_exit"


def _emit(run: Ended, what: str) -> None:
    """Put the crash where it happened: at the time, in the boot and under the labels of the run that crashed."""
    state = run.state
    try:
        wall, since = int(state["wall_ns"]), float(state["since_boot"])
        labels = tuple(str(state["labels"].get(key, "")) for key in KEYS)
        mark = boot_mark() if state["boot"] == _clock.boot_id() else b""
        if run.fault and run.fault_ns > wall:
            wall, since = run.fault_ns, since + (run.fault_ns - wall) * 1e-9
        ref = Ref(*_NO_IDS, wall, since, mark, bool(state["clock_known"]), labels)
    except (KeyError, TypeError, ValueError, AttributeError):
        emit(EventKind.CRASH, {c.ERROR_TYPE: what})  # what it left is damaged: it crashed before now
        return
    emit(EventKind.CRASH, {c.ERROR_TYPE: what}, about=Subject(ref))


def _memory_kills(tree: Tree) -> int | None:
    """How often the kernel has killed for want of memory since boot; None if it does not tell."""
    for line in (tree.text("proc/vmstat") or "").splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill" and value.isdigit():
            return int(value)
    return None

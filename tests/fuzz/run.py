"""Fuzz one way in for some seconds: ``python -m tests.fuzz.run protobuf --seconds 60``.

Exit code 0 when nothing crashed and the memory stayed within ``--rss``; the input that broke it is written beside the
corpus otherwise. A corpus that is kept (``--corpus``) makes the next run begin where this one ended.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["hybridobs"]):
    from tests.fuzz.targets import TARGETS, seeds


def main() -> None:
    """Parse, seed, fuzz; libFuzzer ends the process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rss", type=int, default=1024, help="MiB")
    parser.add_argument("--corpus", type=Path)
    wanted = parser.parse_args()
    with contextlib.ExitStack() as stack:
        corpus = wanted.corpus or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="corpus")))
        corpus.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds()[wanted.target]):
            (corpus / f"seed-{number}").write_bytes(seed)
        limits = [f"-max_total_time={wanted.seconds}", f"-rss_limit_mb={wanted.rss}", "-max_len=65536", "-timeout=20"]
        place = f"-artifact_prefix={tempfile.gettempdir()}/fuzz-{wanted.target}-"
        atheris.Setup([sys.argv[0], *limits, place, str(corpus)], TARGETS[wanted.target]())
        atheris.Fuzz()


if __name__ == "__main__":
    main()

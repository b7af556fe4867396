"""``python -m hybridobs.grafana FOLDER [--check]``: write the boards of a folder, or name those that are stale."""

from __future__ import annotations

import sys
from pathlib import Path

from hybridobs.grafana.build import build


def main(arguments: list[str]) -> int:
    """Exit code 1 with ``--check`` when a board is stale; nothing is written then."""
    check = "--check" in arguments
    folder = Path(next((argument for argument in arguments if not argument.startswith("-")), "dashboards"))
    stale = [built for built in build(folder) if built.stale]
    for built in stale:
        if check:
            sys.stderr.write(f"stale: {built.target}; write it again with: make dashboards\n")
            continue
        built.target.parent.mkdir(parents=True, exist_ok=True)
        built.target.write_text(built.text, encoding="utf-8")
        sys.stdout.write(f"wrote {built.target}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Files of the kernel below a root, which is another directory in tests: what cannot be read is None."""

from __future__ import annotations

from pathlib import Path


class Tree:
    """``/proc`` and ``/sys`` below ``root``."""

    def __init__(self, root: str | Path = "/") -> None:
        self.root = Path(root)

    def text(self, path: str | Path) -> str | None:
        """Return the text of a file, stripped; None if it is not there, or does not want to be read now."""
        try:
            return (self.root / path).read_text("utf-8", "replace").strip()
        except OSError:
            return None

    def number(self, path: str | Path) -> int | None:
        """Return the whole number in a file."""
        try:
            return int(self.text(path) or "")
        except ValueError:
            return None

    def glob(self, pattern: str) -> list[Path]:
        """Return what matches, in an order that does not change; paths that ``text`` and ``number`` take."""
        try:
            return sorted(self.root.glob(pattern))
        except OSError:
            return []

"""Bars of shares beside each other, on one scale."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from hybridobs.cli._waterfall import glyphs_for

_LONGEST = 24


def share(value: float) -> str:
    """``0.1234`` reads ``12.3 %``: one place always, so that columns align."""
    return f"{100 * value:.1f} %"


def bars(rows: Sequence[tuple[str, Sequence[float]]], heads: Sequence[str]) -> Iterator[str]:
    """A line for each label with one bar for each head; a share above zero has at least a mark."""
    glyph = glyphs_for(getattr(sys.stdout, "encoding", None)).span
    width = max(len(label) for label, _ in rows)
    most = max((one for _, values in rows for one in values), default=0.0) or 1.0
    yield " ".join([" " * width, *(head.ljust(_LONGEST + 9) for head in heads)]).rstrip()
    for label, values in rows:
        drawn = [(glyph * (max(1, round(_LONGEST * one / most)) if one else 0)).ljust(_LONGEST) for one in values]
        cells = (f"{bar} {share(one):>8}" for bar, one in zip(drawn, values, strict=True))
        yield " ".join([label.rjust(width), *cells])

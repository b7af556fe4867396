"""Aligned text tables: the same lines on a terminal and in a pipe, except for colour, which click strips."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import click

PIPED_WIDTH = 160
_GAP = "  "


class Cell(NamedTuple):
    """One cell: ``colour`` and ``bold``/``dim`` only ever repeat what the text already says."""

    text: str
    colour: str | None = None
    dim: bool = False
    bold: bool = False

    def paint(self, padded: str) -> str:
        if self.colour is None and not self.dim and not self.bold:
            return padded
        return click.style(padded, fg=self.colour, dim=self.dim or None, bold=self.bold or None)


class Column(NamedTuple):
    """A heading; numbers are ``right`` aligned."""

    title: str
    right: bool = False


def table(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], *, width: int, keep: int = 0) -> Iterator[str]:
    """The lines of a table no wider than ``width`` where that can be: further columns go to further blocks.

    The first ``keep`` columns are repeated in each block.
    """
    sizes = [max([len(column.title), *(len(row[i].text) for row in rows)]) for i, column in enumerate(columns)]
    for number, block in enumerate(_blocks(sizes, width, keep)):
        if number:
            yield ""
        yield _line([(Cell(columns[i].title, bold=True), sizes[i], columns[i].right) for i in block])
        for row in rows:
            yield _line([(row[i], sizes[i], columns[i].right) for i in block])


def terminal_width() -> int:
    """Columns of the terminal, or a wide line where the output is piped."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPED_WIDTH


def _blocks(sizes: Sequence[int], width: int, keep: int) -> Iterator[list[int]]:
    fixed = list(range(keep))
    room = width - sum(sizes[i] + len(_GAP) for i in fixed)
    block: list[int] = []
    used = 0
    for i in range(keep, len(sizes)):
        if block and used + sizes[i] > room:
            yield fixed + block
            block, used = [], 0
        block.append(i)
        used += sizes[i] + len(_GAP)
    yield fixed + block


def _line(cells: Sequence[tuple[Cell, int, bool]]) -> str:
    padded = [(cell, cell.text.rjust(size) if right else cell.text.ljust(size)) for cell, size, right in cells]
    last, text = padded[-1]
    padded[-1] = (last, text.rstrip())
    return _GAP.join(cell.paint(text) for cell, text in padded)

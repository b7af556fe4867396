"""What ``hybridobs kpi`` prints."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from hybridobs.cli._table import Cell, Column, table, terminal_width
from hybridobs.kpi.catalog import KPIS
from hybridobs.kpi.kpi import Direction, Kpi, Reading, Status
from hybridobs.kpi.reading import NO_GROUP, WINDOW, Answer, Group, Question

Facts = Mapping[str, Any]


def listing(form: str) -> None:
    """Every KPI there is."""
    facts = [_described(kpi) for kpi in KPIS.values()]
    if form == "json":
        click.echo(json.dumps(facts, indent=2))
    elif form == "csv":
        click.echo(_csv(facts), nl=False)
    else:
        shown = ("kpi", "title", "unit", "better", "minimum_sample", "default")
        columns = [Column(name, right=name == "minimum_sample") for name in shown]
        rows = [[Cell(_word(fact[name])) for name in shown] for fact in facts]
        click.echo("\n".join(table(columns, rows, width=terminal_width(), keep=1)))


def show(form: str, found: Sequence[Answer], question: Question) -> None:
    """Readings as tables, as one JSON object, or as CSV with a row a reading."""
    if form == "json":
        asked = {"since": question.since, "until": question.until, "where": dict(question.where)}
        click.echo(json.dumps({**asked, "readings": flat(found)}, indent=2))
    elif form == "csv":
        labels = tuple(dict.fromkeys(label for answer in found for label in answer.labels))
        rows = [dict.fromkeys(labels, "") | group | dict(fact) for group, fact in _readings(found)]
        click.echo(_csv(rows), nl=False)
    else:
        click.echo("\n".join(tables(found, width=terminal_width())))


def flat(found: Sequence[Answer]) -> list[dict[str, Any]]:
    """One JSON object a reading: kpi, value, unit, n, status, and its group."""
    return [{**fact, "group": dict(group)} for group, fact in _readings(found)]


def tables(found: Sequence[Answer], *, width: int) -> Iterator[str]:
    """A table for each set of labels, and what the words in it mean."""
    for number, answer in enumerate(found):
        if number:
            yield ""
        columns = [*map(Column, answer.labels), *(Column(kpi.id, right=True) for kpi in answer.kpis)]
        rows = [
            [*_label_cells(answer.labels, group), *map(_cell, answer.kpis, readings)]
            for group, readings in answer.rows.items()
        ]
        yield from table(columns, rows, width=width, keep=len(answer.labels))
    yield from _legend(found)


def _label_cells(labels: Group, group: Group) -> Iterator[Cell]:
    for label, value in zip(labels, group, strict=True):
        moment = label == WINDOW and value != NO_GROUP
        yield Cell(f"{datetime.fromtimestamp(int(value), UTC):%Y-%m-%d %H:%M}Z" if moment else value)


def _cell(kpi: Kpi, reading: Reading) -> Cell:
    if reading.value is None:
        return Cell("NO DATA", dim=True)
    if reading.status is Status.TOO_LITTLE:
        return Cell("TOO LITTLE", "yellow")
    return Cell(kpi.shown(reading.value))


def _legend(found: Sequence[Answer]) -> Iterator[str]:
    short = {
        kpi.id: kpi.minimum_sample
        for answer in found
        for readings in answer.rows.values()
        for kpi, reading in zip(answer.kpis, readings, strict=True)
        if reading.status is Status.TOO_LITTLE
    }
    if short:
        needs = ", ".join(f"{name} needs {minimum:,}" for name, minimum in short.items())
        yield ""
        yield Cell("", dim=True).paint(f"TOO LITTLE DATA to judge by: {needs} samples (see --format json).")


def _readings(found: Sequence[Answer]) -> Iterator[tuple[dict[str, str], Facts]]:
    for answer in found:
        for group, readings in answer.rows.items():
            values = dict(zip(answer.labels, map(str, group), strict=True))
            for kpi, reading in zip(answer.kpis, readings, strict=True):
                yield (
                    values,
                    {
                        "kpi": kpi.id,
                        "value": reading.value,
                        "unit": kpi.unit,
                        "n": reading.n,
                        "status": reading.status.value,
                    },
                )


def _described(kpi: Kpi) -> Facts:
    return {
        "kpi": kpi.id,
        "title": kpi.title,
        "unit": kpi.unit,
        "better": "" if kpi.direction is Direction.NONE else kpi.direction.value,
        "minimum_sample": kpi.minimum_sample,
        "default": kpi.default,
        "brief": kpi.brief,
    }


def _word(value: object) -> str:
    return ("yes" if value else "") if isinstance(value, bool) else str(value)


def _csv(facts: Sequence[Facts]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(facts[0]) if facts else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(facts)
    return text.getvalue()

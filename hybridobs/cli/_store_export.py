"""Rows of a store as a Parquet or CSV file that is there when it is whole."""

from __future__ import annotations

import codecs
import csv
import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from hybridobs.cli._outputs import ready, whole
from hybridobs.contract import LABELS
from hybridobs.errors import ConfigError, MissingExtra
from hybridobs.kpi import distinct
from hybridobs.kpi.histogram import lower, upper
from hybridobs.kpi.measure import Shape

if TYPE_CHECKING:
    from hybridobs.kpi.summary import Summary
    from hybridobs.store import Exported

Row = tuple[Any, ...]
_ROWS = 10_000  # written at a time
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Columns:
    """Which columns there are, and what one row has in them."""

    def __init__(self, *, buckets: bool) -> None:
        self.buckets = buckets
        texts = dict.fromkeys((*LABELS, "extra", "measure", "unit"), "string")
        numbers = dict.fromkeys(("sum", "min", "max", *_QUANTILES, "distinct"), "float64")
        self.types = {"window": "timestamp", "width_s": "int64", **texts, "n": "int64", **numbers}
        if buckets:
            self.types["buckets"] = "string"

    def row(self, one: Exported) -> Row:
        """Numbers in the unit of the measure; empty where a measure keeps none."""
        summary, measure = one.summary, one.summary.measure
        within = summary.n > 0 and measure.shape in (Shape.SUM, Shape.DISTRIBUTION)
        least, most = (summary.min, summary.max) if within else (None, None)
        numbers = (
            summary.n,
            None if measure.shape is Shape.DISTINCT else summary.total,
            None if least is None else least / measure.resolution,
            None if most is None else most / measure.resolution,
            *(summary.quantile(q) for q in _QUANTILES.values()),
            distinct.estimate(summary.seen) if measure.shape is Shape.DISTINCT else None,
        )
        extra = json.dumps(dict(one.series.extra), ensure_ascii=False)
        row = (one.window, one.width, *one.series.labels, extra, one.measure, measure.unit, *numbers)
        return (*row, _buckets(summary)) if self.buckets else row


def _buckets(summary: Summary) -> str:
    """``[low, high, count]`` from the smallest to the largest; what is exactly zero is ``[0, 0, count]``."""
    found = []
    for sign, index, count in summary.buckets():
        ends = (0.0, 0.0) if not sign else (sign * lower(index), sign * upper(index))
        found.append([min(ends), max(ends), count])
    return json.dumps(found)


def write(
    file: Path, form: str | None, columns: Columns, rows: Iterable[Row], *, force: bool, used: Iterable[Path] = ()
) -> int:
    """Write all rows and give their number.

    ConfigError for a file that is there, that is one of those which are ``used``, or whose kind nobody can tell.
    """
    to_stdout = str(file) == "-"
    form = form or ("csv" if to_stdout else file.suffix.removeprefix("."))
    if form not in ("csv", "parquet"):
        raise ConfigError("FILE", str(file), "name it .parquet or .csv, or say --format")
    writer = _csv if form == "csv" else _parquet
    if to_stdout:
        if form == "parquet":
            raise ConfigError("FILE", "-", "Parquet needs a file; name one, or say --format csv")
        count = writer(sys.stdout.buffer, columns, rows)
        sys.stdout.buffer.flush()  # before anybody is told that they are there
        return count
    ready("FILE", file, used)
    if file.exists() and not force:
        raise ConfigError("FILE", str(file), "is there already; name another one, or say --force")
    with whole("FILE", file) as stream:
        return writer(stream, columns, rows)


def _csv(stream: IO[bytes], columns: Columns, rows: Iterable[Row]) -> int:
    text = codecs.getwriter("utf-8")(stream, "replace")  # which, unlike TextIOWrapper, never closes what it writes to
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns.types)
    count = 0
    for window, *rest in rows:
        writer.writerow([datetime.fromtimestamp(window, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), *rest])
        count += 1
    return count


def _parquet(stream: IO[bytes], columns: Columns, rows: Iterable[Row]) -> int:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as fault:
        raise MissingExtra("pyarrow", "export") from fault
    types = {"timestamp": pa.timestamp("s", tz="UTC"), "int64": pa.int64(), "float64": pa.float64()}
    schema = pa.schema([(name, types.get(kind, pa.string())) for name, kind in columns.types.items()])
    count, rows = 0, iter(rows)
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        while batch := list(islice(rows, _ROWS)):
            arrays = [
                pa.array(column, field.type) for column, field in zip(zip(*batch, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(batch)
    return count

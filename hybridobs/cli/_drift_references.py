"""What ``hybridobs drift reference`` does: references into a store, out of it, and as people read them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybridobs.cli._drift_bars import bars, share
from hybridobs.cli._stores import opened
from hybridobs.cli._table import Cell, Column, table, terminal_width
from hybridobs.cli._training import Columns, read
from hybridobs.errors import ConfigError
from hybridobs.kpi.catalog.measures import FEATURE
from hybridobs.kpi.drift import (
    INDEPENDENT,
    CategoryReference,
    EmbeddingReference,
    Key,
    NumericReference,
    Reference,
    compare,
    dumps,
    loads,
    season_of,
    seen_in,
)
from hybridobs.kpi.projection import of_vector

if TYPE_CHECKING:
    from hybridobs.store import Registered

_FEW = 5  # groups; fewer tell little
Window = tuple[int | None, int]


def documents(path: Path) -> list[Reference]:
    """The references of a JSON document."""
    return [_fit(one) for one in loads(path.read_text(encoding="utf-8"))]


def from_file(
    path: Path, of: tuple[str, str, str], features: Sequence[str], categories: Sequence[str], note: str
) -> list[Reference]:
    """References of the columns of a file; ``of`` is model, version and season."""
    columns: Columns = read(path, features, categories)
    return [_made(_key(of, name), column, note or path.name) for name, column in columns.items()]


def from_vectors(path: Path, of: tuple[str, str, str], name: str, note: str) -> list[Reference]:
    """References of the numbers that devices send in place of the embedding ``name``."""
    from hybridobs.cli._vectors import columns

    told = note or path.name
    return [_made(_key(of, feature), [*column], told) for feature, column in columns(path, name).items()]


def from_store(
    url: str, of: tuple[str, str, str], features: Sequence[str], window: Window, where: Mapping[str, str], note: str
) -> list[Reference]:
    """References of what the store saw in a window."""
    since, until = window
    told = note or f"store, {'the beginning' if since is None else _time(since)} to {_time(until)}"
    with opened(url) as store:
        return [seen_in(store, _key(of, name), since, until, where, told) for name in features]


def put(url: str, references: Sequence[Reference], *, replace: bool) -> None:
    """Register them, all or none, and say what became of each."""
    with opened(url) as store, store.begin() as tx:
        there = tx.put_references(references, replace=replace)
        if there and not replace:
            raise ConfigError("reference", _called(min(there)), "is registered already; replace it with --replace")
    for one in references:
        click.echo(f"{'replaced' if one.key in there else 'registered'} {_called(one.key)}: {_size(one)}")
        for warning in _warnings(one):
            click.echo(f"  {warning}")


def listing(url: str, where: Mapping[str, str], form: str) -> None:
    """A line for each reference."""
    with opened(url) as store:
        facts = [_facts(one) for one in store.references(where)]
    if form == "json":
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    if not facts:
        none = "no reference matches" if where else "no references; register them with: hybridobs drift reference add"
        click.echo(none)
        return
    columns = [Column(name, right=name in ("n", "groups")) for name in facts[0]]
    rows = [[Cell(str(value)) for value in fact.values()] for fact in facts]
    click.echo("\n".join(table(columns, rows, width=terminal_width(), keep=3)))


def show(url: str, where: Mapping[str, str], form: str) -> None:
    """Each reference with its bars, or the document."""
    with opened(url) as store:
        found = store.references(where)
    if form == "json":
        click.echo(dumps([one.reference for one in found]), nl=False)
        return
    if not found:
        raise ConfigError("reference", _text(where), "there is none; 'hybridobs drift reference list' names them all")
    for place, one in enumerate(found):
        if place:
            click.echo()
        facts = _facts(one)
        click.echo(f"{_called(one.reference.key)}: {_size(one.reference)}")
        click.echo(f"  registered {facts['registered']}, from {facts['note'] or 'unknown'}, devices {facts['devices']}")
        if isinstance(one.reference, NumericReference | CategoryReference):
            overlay = compare(one.reference, one.reference.binned).overlay
            for line in bars([(bar.label, (bar.reference,)) for bar in overlay], ("reference",)):
                click.echo(f"  {line}")


def remove(url: str, where: Mapping[str, str]) -> None:
    """Remove what ``where`` names; ConfigError if that is nothing."""
    with opened(url) as store:
        keys = [one.reference.key for one in store.references(where)]
        if not keys:
            raise ConfigError(
                "reference", _text(where), "there is none; 'hybridobs drift reference list' names them all"
            )
        with store.begin() as tx:
            tx.remove_references(keys)
    for key in keys:
        click.echo(f"removed {_called(key)}")


def _key(of: tuple[str, str, str], feature: str) -> Key:
    model, version, season = of
    season_of(season)
    return Key(model, version, feature, season)


def _made(key: Key, column: list[float | None] | list[str | None], note: str) -> Reference:
    """Bins of numbers are those of the store, so that its windows are counted without doubt."""
    names = [value for value in column if isinstance(value, str)]
    if names:
        named = [value if isinstance(value, str) else None for value in column]
        return CategoryReference.of_values(key, named, note=note)
    numbers = [value if isinstance(value, float) else None for value in column]
    return NumericReference.of_values(key, numbers, resolution=FEATURE.resolution, aligned=True, note=note)


def _fit(reference: Reference) -> Reference:
    """The same, if the store can be compared with it."""
    season_of(reference.key.season)
    if isinstance(reference, EmbeddingReference):
        way_out = (
            "vectors do not reach a store: register their projections from training vectors with --embedding, "
            "or compare stored vectors with hybridobs.kpi.drift.compare_embedding"
        )
        raise ConfigError("reference", _called(reference.key), way_out)
    if isinstance(reference, NumericReference) and reference.bins.resolution != FEATURE.resolution:
        raise ConfigError("resolution", reference.bins.resolution, f"the store has {FEATURE.resolution} quanta a unit")
    return reference


def _warnings(reference: Reference) -> list[str]:
    if not isinstance(reference, NumericReference):
        return []
    told = []
    if reference.origin == "log_buckets" and reference.spread == INDEPENDENT:
        told.append("the store knows fewer than two groups of devices: its values are taken for independent")
    groups = sum(map(bool, reference.bins.grouped(reference.binned.counts)))
    if groups < _FEW:
        way_out = "" if of_vector(reference.key.feature) else "; send the difference from the usual value instead"
        told.append(f"only {groups} groups can be told apart: the store keeps values to within 2.2 %{way_out}")
    return told


def _facts(registered: Registered) -> dict[str, Any]:
    one = registered.reference
    spread = None if isinstance(one, EmbeddingReference) else one.spread
    return {
        **one.key._asdict(),
        "kind": _kind(one),
        "n": _n(one),
        "groups": _groups(one),
        "devices": "taken for independent" if spread in (None, INDEPENDENT) else "told apart",
        "registered": _time(registered.created),
        "note": one.note,
    }


def _kind(reference: Reference) -> str:
    if isinstance(reference, EmbeddingReference):
        return "vectors"
    return "numbers" if isinstance(reference, NumericReference) else "names"


def _n(reference: Reference) -> int:
    return reference.cloud.n if isinstance(reference, EmbeddingReference) else reference.binned.n


def _groups(reference: Reference) -> int:
    if isinstance(reference, NumericReference):
        return sum(map(bool, reference.bins.grouped(reference.binned.counts)))
    return len(reference.bins.labels) if isinstance(reference, CategoryReference) else len(reference.space.bins)


def _size(reference: Reference) -> str:
    missing = 0 if isinstance(reference, EmbeddingReference) else reference.binned.missing
    absent = f", {share(missing / (missing + _n(reference)))} missing" if missing else ""
    return f"{_n(reference):,} {_kind(reference)} in {_groups(reference)} groups{absent}"


def _called(key: Key) -> str:
    return " ".join(part for part in key if part)


def _text(where: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in where.items()) or "any"


def _time(unix_s: int) -> str:
    return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%dT%H:%MZ}"

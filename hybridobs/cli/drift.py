"""``hybridobs drift``: what models were made for, and whether that is still what they see."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hybridobs.cli._options import labels, moment, no_color_option, store_option, text_or_json_option, where_option
from hybridobs.contract import LABELS

_KEYS = ("model", "version", "feature", "season")


def _key(*required: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that name references."""
    helps = {
        "model": "Name of the model.",
        "version": "Version of the model.",
        "feature": "Name of the feature.",
        "season": "Season of the reference, such as month-11, weekday-1 or hour-08.",
    }

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(_KEYS):
            command = click.option(f"--{name}", required=name in required, help=helps[name])(command)
        return command

    return add


@click.group(
    epilog="""\b
Examples:
  hybridobs drift reference add training.csv --model digits --version 1.3.0
  hybridobs drift show --since 24h
"""
)
def drift() -> None:
    """Compare what models see now with what they were made for."""


@drift.group(
    epilog="""\b
Examples:
  hybridobs drift reference add training.csv --model digits --version 1.3.0
  hybridobs drift reference list
"""
)
def reference() -> None:
    """Register, list, show and remove what features looked like when a model was made."""


@reference.command(
    epilog="""\b
Examples:
  hybridobs drift reference add training.csv --model digits --version 1.3.0
  hybridobs drift reference add training.csv --model digits --version 1.3.0 --feature light --category country
  hybridobs drift reference add --from-store --since 14d --until 7d --model digits --version 1.3.0 --feature light
  hybridobs drift reference add vectors.npy --embedding image --model digits --version 1.3.0
  hybridobs drift reference add references.json
"""
)
@click.argument("file", metavar="[FILE]", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@click.option("--from-store", is_flag=True, help="Take what the store saw between --since and --until.")
@click.option("--since", type=moment, metavar="WHEN", help="With --from-store: an age (14d) or a date (UTC).")
@click.option("--until", type=moment, metavar="WHEN", help="With --from-store.  [default: now]")
@where_option(LABELS, "With --from-store: only series with this label; again for another.")
@click.option("--model", help="Name of the model.")
@click.option("--version", help="Version of the model.")
@click.option(
    "--feature", "features", multiple=True, help="Feature; again for another.  [default: all columns of FILE]"
)
@click.option("--category", "categories", multiple=True, help="Column of FILE that holds names, though numbers.")
@click.option("--embedding", default="", metavar="NAME", help="An embedding; FILE has a vector a row.")
@click.option("--season", default="", help="Only for this season, such as month-11, weekday-1 or hour-08.")
@click.option("--note", default="", help="Where it comes from.  [default: the name of FILE, or the window]")
@click.option("--replace", is_flag=True, help="Replace references that are there.")
@store_option
def add(
    file: Path | None,
    from_store: bool,
    since: int | None,
    until: int | None,
    where: tuple[tuple[str, str], ...],
    model: str | None,
    version: str | None,
    features: tuple[str, ...],
    categories: tuple[str, ...],
    embedding: str,
    season: str,
    note: str,
    replace: bool,
    store: str,
) -> None:
    """Register what features of a model version look like, from FILE or from the store.

    FILE holds training data (.csv, .tsv, .json, .npy, .npz: a column for each feature, named as the SDK sends it) or
    finished references (.json, as 'reference show --format json' prints them), or a vector a row with --embedding.
    """
    from hybridobs.cli import _drift_references as references
    from hybridobs.cli._training import is_document
    from hybridobs.kpi import projection

    if (file is None) is not from_store:
        raise click.UsageError("give either FILE or --from-store")
    if file is not None and (since is not None or until is not None or where):
        raise click.UsageError("--since, --until and --where choose a part of the store: give them with --from-store")
    if file is not None and is_document(file):
        if any((model, version, features, categories, embedding, season, note)):
            raise click.UsageError(
                f"{file} holds references, which say themselves what they are of; give --replace only"
            )
        references.put(store, references.documents(file), replace=replace)
        return
    if embedding and (features or categories):
        raise click.UsageError("--embedding takes every number of FILE: leave --feature and --category out")
    if embedding and from_store:
        features = projection.features(embedding)
    if not model or not version or (from_store and not features):
        raise click.UsageError("say what it is of: --model, --version" + (" and --feature" if from_store else ""))
    keys = (model, version, season)
    if file is not None and embedding:
        references.put(store, references.from_vectors(file, keys, embedding, note), replace=replace)
        return
    if file is not None:
        references.put(store, references.from_file(file, keys, features, categories, note), replace=replace)
        return
    window = (since, int(time.time()) if until is None else until)
    references.put(store, references.from_store(store, keys, features, window, dict(where), note), replace=replace)


@reference.command(
    "list",
    epilog="""\b
Examples:
  hybridobs drift reference list
  hybridobs drift reference list --model digits --format json
""",
)
@_key()
@text_or_json_option
@store_option
@no_color_option
def listing(
    model: str | None, version: str | None, feature: str | None, season: str | None, form: str, store: str
) -> None:
    """List the references of a store."""
    from hybridobs.cli import _drift_references as references

    references.listing(store, _where(model, version, feature, season), form)


@reference.command(
    "show",
    epilog="""\b
Examples:
  hybridobs drift reference show --model digits --version 1.3.0
  hybridobs drift reference show --model digits --format json > references.json
""",
)
@_key()
@text_or_json_option
@store_option
@no_color_option
def show_reference(
    model: str | None, version: str | None, feature: str | None, season: str | None, form: str, store: str
) -> None:
    """Show references in full; as JSON they are a document that 'reference add' reads."""
    from hybridobs.cli import _drift_references as references

    references.show(store, _where(model, version, feature, season), form)


@reference.command(
    epilog="""\b
Examples:
  hybridobs drift reference remove --model digits --version 1.2.0
"""
)
@_key("model", "version")
@store_option
def remove(model: str, version: str, feature: str | None, season: str | None, store: str) -> None:
    """Remove the references of a model version, or some of them."""
    from hybridobs.cli import _drift_references as references

    references.remove(store, _where(model, version, feature, season))


def _where(*values: str | None) -> dict[str, str]:
    return {name: value for name, value in zip(_KEYS, values, strict=True) if value is not None}


def _positive(_: click.Context, __: click.Parameter, value: float) -> float:
    if not 0 < value < 1:
        raise click.BadParameter("must be between 0 and 1")
    return value


def _offset(_: click.Context, __: click.Parameter, value: str) -> int:
    sign, hours, colon, minutes = value[:1], value[1:3], value[3:4], value[4:]
    if sign not in "+-" or colon != ":" or not (hours + minutes).isdigit() or len(value) != 6 or int(minutes) > 59:
        raise click.BadParameter(f"{value!r} is not like +01:00")
    return (int(hours) * 60 + int(minutes)) * (-60 if sign == "-" else 60)


@drift.command(
    epilog="""\b
Exit codes with --exit-code:
  0  no drift
  1  alarm
  3  no or too little data, or a feature without a reference
\b
Examples:
  hybridobs drift show
  hybridobs drift show --model digits --feature light --since 7d --by site
  hybridobs drift show --since 24h --exit-code --format json
"""
)
@click.option("--model", help="Only this model.")
@click.option("--version", help="Only this version.")
@click.option("--feature", help="Only this feature.")
@click.option("--since", type=moment, metavar="WHEN", default="24h", show_default=True, help="An age or a date (UTC).")
@click.option("--until", type=moment, metavar="WHEN", help="An age or a date (UTC).  [default: now]")
@where_option(LABELS, "Only series with this label; repeatable.")
@click.option("--by", type=labels(LABELS), default="", metavar="LABELS", help="Compare each value of these labels.")
@click.option(
    "--threshold", default=0.1, show_default=True, callback=_positive, help="The least PSI that is worth an alarm."
)
@click.option(
    "--alpha",
    default=0.01,
    show_default=True,
    callback=_positive,
    help="Chance of any false alarm, shared out between all that is compared.",
)
@click.option(
    "--assume-independent",
    "independent",
    is_flag=True,
    help="Decide although values of one device are alike: a few odd devices then look like a drift.",
)
@click.option(
    "--utc-offset",
    default="+00:00",
    show_default=True,
    callback=_offset,
    metavar="+HH:MM",
    help="Local time, which decides the season.",
)
@click.option("--exit-code", is_flag=True, help="End with 1 on an alarm, 3 on too little data.")
@text_or_json_option
@store_option
@no_color_option
def show(
    model: str | None,
    version: str | None,
    feature: str | None,
    since: int,
    until: int | None,
    where: tuple[tuple[str, str], ...],
    by: tuple[str, ...],
    threshold: float,
    alpha: float,
    independent: bool,
    utc_offset: int,
    exit_code: bool,
    form: str,
    store: str,
) -> None:
    """Compare every feature with its reference: ALARM, OK or TOO LITTLE DATA, and why."""
    from hybridobs.cli import _drift_output as output
    from hybridobs.cli._stores import opened
    from hybridobs.kpi.drift import Question, ask

    question = Question(
        since,
        int(time.time()) if until is None else until,
        dict(where),
        by,
        threshold,
        alpha,
        independent,
        utc_offset,
    )
    if question.until <= since:
        raise click.UsageError("--until is not after --since")
    named = _where(model, version, feature, None)
    if clash := named.keys() & question.where.keys() or named.keys() & set(by):
        raise click.UsageError(f"{min(clash)!r} is said twice; leave one out")
    with opened(store) as source:
        references = [one.reference for one in source.references()]
        found = ask(source, references, question, named)
    output.show(form, found, question, registered=bool(references))
    if exit_code and (code := output.code_of(found)):
        raise click.exceptions.Exit(code)

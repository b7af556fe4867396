"""What ``hybridobs drift show`` prints."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from hybridobs.cli import _exits
from hybridobs.cli._drift_bars import bars, share
from hybridobs.kpi.drift import Bound, Comparison, Drift, Found, Question, Unreferenced, Verdict
from hybridobs.kpi.quantity import digits

_WORDS = {
    Verdict.ALARM: ("ALARM", "red"),
    Verdict.OK: ("OK", "green"),
    Verdict.TOO_LITTLE: ("TOO LITTLE DATA", "yellow"),
}
_NOTHING = "no references here; register them with: hybridobs drift reference add"

_NO_MATCH = "no reference matches what was asked for; 'hybridobs drift reference list' names them all"


def code_of(drift: Drift) -> int:
    """An alarm outweighs missing knowledge; a feature without a reference is missing knowledge."""
    verdicts = {one.comparison.judgement.verdict for one in drift.found}
    if Verdict.ALARM in verdicts:
        return _exits.DIFFERS
    unknown = Verdict.TOO_LITTLE in verdicts or drift.unreferenced or not verdicts
    return _exits.TOO_LITTLE if unknown else 0


def show(form: str, drift: Drift, question: Question, *, registered: bool) -> None:
    """Everything compared, alarms first; or one JSON object. ``registered`` says whether there are any references."""
    if form == "json":
        click.echo(json.dumps(_object(drift, question), indent=2, ensure_ascii=False, allow_nan=False))
        return
    order = list(_WORDS)
    found = sorted(drift.found, key=lambda one: order.index(one.comparison.judgement.verdict))
    for one in found:
        click.echo("\n".join(_lines(one, question)))
        click.echo()
    for unknown in drift.unreferenced:
        click.echo(f"{click.style('NO REFERENCE', fg='yellow', bold=True)}  {_unreferenced(unknown)}")
    if not found and not drift.unreferenced:
        click.echo(_NO_MATCH if registered else _NOTHING)
    elif found:
        click.echo(f"{_time(question.since)} to {_time(question.until)}; {_summary(drift)}")


def _summary(drift: Drift) -> str:
    verdicts = [one.comparison.judgement.verdict for one in drift.found]
    counts = ", ".join(f"{verdicts.count(verdict)} {word}" for verdict, (word, _) in _WORDS.items())
    return f"{counts}; alpha {digits(drift.alpha)} for each of {len(verdicts)}"


def _lines(found: Found, question: Question) -> Iterator[str]:
    comparison, judgement = found.comparison, found.comparison.judgement
    word, colour = _WORDS[judgement.verdict]
    group = "".join(f"  {name}={value}" for name, value in zip(question.by, found.group, strict=True))
    key = found.reference.key
    season = f"  {key.season}" if key.season else ""
    yield f"{click.style(word, fg=colour, bold=True)}  {key.model} {key.version}  {key.feature}{season}{group}"
    yield f"  {_reason(found)}"
    yield f"  {_sizes(found)}"
    if not comparison.n:
        return
    if not judgement.clustered:
        yield "  devices are not told apart: values are taken for independent, so a few odd devices look like a drift"
    yield f"  {' · '.join(_scores(comparison))}"
    rows = [(bar.label, (bar.reference, bar.now)) for bar in comparison.overlay]
    yield from (f"  {line}" for line in bars(rows, ("reference", "now")))


def _reason(found: Found) -> str:
    judgement = found.comparison.judgement
    told = judgement.reason
    if judgement.needed is not None and judgement.needed > found.comparison.n:
        told += f"; about {judgement.needed:,} values would do"
    if found.shards == 1:
        told += "; --assume-independent decides without knowing how alike the values of one device are"
    return told


def _sizes(found: Found) -> str:
    comparison, note = found.comparison, found.reference.note
    worth = (
        f", worth {digits(round(comparison.judgement.n))} independent ones" if comparison.judgement.clustered else ""
    )
    missing = ""
    if comparison.missing or comparison.reference_missing:
        missing = f"; missing {share(comparison.missing)}, in the reference {share(comparison.reference_missing)}"
    source = f" ({note})" if note else ""
    return f"{comparison.n:,} values now{worth}; {comparison.reference_n:,} in the reference{source}{missing}"


def _scores(comparison: Comparison) -> Iterator[str]:
    scores = comparison.scores
    yield f"PSI {_bound(scores.psi)}"
    yield f"Jensen-Shannon {digits(scores.jensen_shannon)}"
    if scores.kolmogorov_smirnov is not None:
        yield f"KS {_bound(scores.kolmogorov_smirnov)}"
    if scores.wasserstein is not None:
        yield f"W1 {_bound(scores.wasserstein)}"
    if scores.mean_shift is not None:
        yield f"mean {'+' if scores.mean_shift > 0 else ''}{digits(scores.mean_shift)}"


def _bound(bound: Bound) -> str:
    value, low, high = map(digits, bound)
    return value if low == high else f"{value} ({low} to {high})"


def _unreferenced(unknown: Unreferenced) -> str:
    return (
        f"{unknown.model} {unknown.version}  {unknown.feature}: {unknown.n:,} values and nothing to compare them with; "
        f"hybridobs drift reference add FILE --model {unknown.model} --version {unknown.version}"
    )


def _object(drift: Drift, question: Question) -> dict[str, Any]:
    return {
        "since": question.since,
        "until": question.until,
        "where": dict(question.where),
        "threshold": question.threshold,
        "alpha": question.alpha,
        "alpha_each": drift.alpha,
        "comparisons": [_compared(one, question) for one in drift.found],
        "unreferenced": [one._asdict() for one in drift.unreferenced],
    }


def _compared(found: Found, question: Question) -> dict[str, Any]:
    comparison, judgement = found.comparison, found.comparison.judgement
    scores = {name: _plain(value) for name, value in comparison.scores._asdict().items()}
    return {
        **found.reference.key._asdict(),
        "group": dict(zip(question.by, found.group, strict=True)),
        "verdict": judgement.verdict.value,
        "reason": judgement.reason,
        "limit": _plain(judgement.limit),
        "clustered": judgement.clustered,
        "shards": found.shards,
        "n": comparison.n,
        "n_effective": judgement.n,
        "needed": judgement.needed,
        "missing": comparison.missing,
        "reference_n": comparison.reference_n,
        "reference_n_effective": judgement.m,
        "reference_missing": comparison.reference_missing,
        "note": found.reference.note,
        "scores": scores if comparison.n else None,
        "overlay": [bar._asdict() for bar in comparison.overlay],
    }


def _plain(value: Any) -> Any:
    if hasattr(value, "_asdict"):
        return {name: _plain(one) for name, one in value._asdict().items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _time(unix_s: int) -> str:
    return f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%dT%H:%MZ}"

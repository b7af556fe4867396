"""Drift out of whatever holds summaries: which reference each hour belongs to, what is counted in its bins, and alike.

The source is asked through one method, so nothing here knows a store. Shards of devices are kept by the hour: those of
the first hour may begin before the window does, which says no less about how alike the values of one device are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from hybridobs.errors import ConfigError
from hybridobs.kpi.catalog.measures import FEATURE, FEATURE_CATEGORY
from hybridobs.kpi.drift.alarm import NAMES, NUMBERS
from hybridobs.kpi.drift.binned import Binned
from hybridobs.kpi.drift.compare import Comparison, compare
from hybridobs.kpi.drift.reference import CategoryReference, Key, NumericReference, Reference
from hybridobs.kpi.drift.seasons import Seasons, choose, stretches
from hybridobs.kpi.reading import Source
from hybridobs.kpi.shards import SHARD, SHARD_WIDTH
from hybridobs.kpi.summary import Summary

Labels = tuple[str, ...]
Comparable = NumericReference | CategoryReference

_KEY = ("model", "version", "feature")
_COVERED = 0.9  # share of the values whose device must be known, else nobody knows how alike they are


class Question(NamedTuple):
    """Which values, and when they are an alarm.

    Unix seconds (``until`` excluded); labels to match and to compare apart. ``alpha`` is shared out between all
    comparisons; ``independent`` takes the values of one device for independent; ``offset_s`` seconds east of UTC
    decide in which season an hour is.
    """

    since: int
    until: int
    where: Mapping[str, str] = {}
    by: Labels = ()
    threshold: float = NUMBERS.threshold
    alpha: float = NUMBERS.alpha
    independent: bool = False
    offset_s: int = 0


class Found(NamedTuple):
    """One feature now; ``group`` are the values of the labels ``by``, ``shards`` the groups of devices told apart."""

    reference: Comparable
    group: Labels
    comparison: Comparison
    shards: int


class Unreferenced(NamedTuple):
    """A feature that arrives and has no reference, and how many values of it."""

    model: str
    version: str
    feature: str
    n: int


class Drift(NamedTuple):
    """The answer; ``alpha`` is what each comparison got of the whole."""

    found: tuple[Found, ...]
    unreferenced: tuple[Unreferenced, ...]
    alpha: float


@dataclass
class _Seen:
    """Values of one feature: numbers, and how often each name."""

    numbers: Summary = field(default_factory=lambda: Summary.empty(FEATURE))
    names: Counter[str] = field(default_factory=Counter)

    @property
    def n(self) -> int:
        return self.numbers.n + self.names.total()

    def add(self, other: _Seen) -> None:
        self.numbers += other.numbers
        self.names.update(other.names)

    def counted(self, reference: Comparable) -> Binned:
        """In the bins of a reference; a name where it has numbers is a missing value, and the other way round."""
        if isinstance(reference, NumericReference):
            return replace(reference.bins.count_summary(self.numbers), missing=self.names.total())
        return reference.bins.tally(self.names, missing=self.numbers.n)


_Place = tuple[str, Labels, Labels]  # season, model to feature, group
_Windows = dict[_Place, _Seen]


def ask(source: Source, references: Iterable[Reference], question: Question, where: Mapping[str, str]) -> Drift:
    """Compare every feature whose key equals ``where`` with its reference.

    A reference of the season now is compared with, else that of all year round; one whose feature does not arrive is
    compared with nothing and says so. Embeddings do not reach a store and are left out.
    """
    known = [one for one in references if isinstance(one, NumericReference | CategoryReference)]
    known = [one for one in known if all(getattr(one.key, name) == value for name, value in where.items())]
    asked = question._replace(where={**question.where, **where})
    seasons = _seasons(known)
    windows = _read(source, asked, seasons, sharded=False)
    shards = {} if question.independent else _read(source, asked, seasons, sharded=True)
    meant = _meant(known, windows, seasons, asked)
    alpha = question.alpha / (len(meant) or 1)
    found = [
        _compared(one, windows, shards, group, places, asked._replace(alpha=alpha)) for one, group, places in meant
    ]
    return Drift(tuple(found), tuple(_unreferenced(windows, known)), alpha)


def seen_in(source: Source, key: Key, since: int | None, until: int, where: Mapping[str, str], note: str) -> Comparable:
    """A reference of what the store saw; ConfigError if that is nothing.

    Knows how alike the values of one device are, if the store knows more than one shard of devices.
    """
    named = dict(zip(_KEY, key, strict=False)) | dict(where)
    [whole] = _groups(source, since, until, (), named, sharded=False).values() or [_Seen()]
    if not whole.n:
        text = " ".join(f"{name}={value}" for name, value in named.items())
        raise ConfigError(key.feature, text, "the store has no values of this feature there; widen --since or --where")
    made: Comparable
    if whole.numbers.n >= whole.names.total():
        made = NumericReference.of_summary(key, whole.numbers, note=note)
    else:
        made = CategoryReference.of_counts(key, whole.names, missing=whole.numbers.n, note=note)
    shards = [one.counted(made) for one in _groups(source, since, until, (SHARD,), named, sharded=True).values()]
    shards = [one for one in shards if one.n]
    return made.with_shards(shards) if len(shards) > 1 and _covers(shards, made.binned) else made


def _seasons(references: Iterable[Reference]) -> dict[Key, Seasons]:
    """How the year is divided for each feature; ConfigError if two ways at once."""
    found: dict[Key, Seasons] = {}
    for one in references:
        key = one.key._replace(season="")
        rule = season_of(one.key.season)
        if rule is not Seasons.NONE and found.setdefault(key, rule) is not rule:
            raise ConfigError("season", one.key.season, f"{key.feature} has references of {found[key]} too; keep one")
    return found


def season_of(name: str) -> Seasons:
    """The rule that makes a season of this name; ConfigError if none does."""
    for rule in Seasons:
        if name in rule.names():
            return rule
    examples = ", ".join(next(rule.names()) for rule in Seasons if rule is not Seasons.NONE)
    raise ConfigError("season", name, f"no season is called so; choose like: {examples}")


def _read(source: Source, question: Question, seasons: Mapping[Key, Seasons], *, sharded: bool) -> _Windows:
    """What was seen of every feature, apart by the season that its own rule gives it."""
    labels = (*question.by, SHARD) if sharded else question.by
    found: _Windows = defaultdict(_Seen)
    for rule in {Seasons.NONE, *seasons.values()}:
        for stretch in stretches(rule, question.since, question.until, question.offset_s):
            groups = _groups(source, stretch.since, stretch.until, (*_KEY, *labels), question.where, sharded=sharded)
            for group, seen in groups.items():
                if seasons.get(Key(*group[:3]), Seasons.NONE) is rule:
                    found[stretch.season, group[:3], group[3:]].add(seen)
    return found


def _groups(
    source: Source, since: int | None, until: int, by: Labels, where: Mapping[str, str], *, sharded: bool
) -> dict[Labels, _Seen]:
    if sharded and since is not None:
        since = since // SHARD_WIDTH * SHARD_WIDTH
    measures = (FEATURE.name, FEATURE_CATEGORY.name)
    found: dict[Labels, _Seen] = defaultdict(_Seen)
    for group, summaries in source.read(measures, since=since, until=until, by=(*by, "category"), where=where).items():
        numbers, names = (summaries.get(name) for name in measures)
        if numbers is not None:
            found[group[:-1]].add(_Seen(numbers))
        if names is not None:
            found[group[:-1]].names[group[-1]] += names.sum
    return found


_Meant = tuple[Comparable, Labels, list[str]]


def _meant(
    known: Sequence[Comparable], windows: _Windows, seasons: Mapping[Key, Seasons], question: Question
) -> list[_Meant]:
    """Each reference that is due with the groups seen, one at least, and the seasons in which it stands."""
    meant: list[_Meant] = []
    for key in sorted({one.key._replace(season="") for one in known}):
        rule = seasons.get(key, Seasons.NONE)
        due: dict[Key, tuple[Comparable, list[str]]] = {}
        span = stretches(rule, question.since, question.until, question.offset_s)
        for season in dict.fromkeys(stretch.season for stretch in span):
            one = choose(known, *key[:3], season)
            if isinstance(one, NumericReference | CategoryReference):
                due.setdefault(one.key, (one, []))[1].append(season)
        for one, names in due.values():
            groups = sorted({group for season, place, group in windows if place == key[:3] and season in names})
            empty: Labels = ("",) * len(question.by)
            meant += [(one, group, names) for group in groups or [empty]]
    return meant


def _compared(
    reference: Comparable, windows: _Windows, shards: _Windows, group: Labels, seasons: list[str], question: Question
) -> Found:
    place = reference.key[:3]
    whole, apart = _Seen(), defaultdict[str, _Seen](_Seen)
    for season in seasons:
        whole.add(windows.get((season, place, group), _Seen()))
    for (season, own, labels), seen in shards.items():
        if season in seasons and own == place and labels[:-1] == group:
            apart[labels[-1]].add(seen)
    now = whole.counted(reference)
    parts = [binned for seen in apart.values() if (binned := seen.counted(reference)).n]
    usual = NUMBERS if isinstance(reference, NumericReference) else NAMES
    rule = usual._replace(threshold=question.threshold, alpha=question.alpha)
    parts = parts if _covers(parts, now) else []
    return Found(reference, group, compare(reference, now, parts, rule), len(parts))


def _covers(shards: Sequence[Binned], whole: Binned) -> bool:
    """Whether the shards are of nearly all the values."""
    return bool(shards) and sum(one.n for one in shards) >= _COVERED * whole.n


def _unreferenced(windows: _Windows, known: Sequence[Comparable]) -> Iterator[Unreferenced]:
    counts: Counter[Labels] = Counter()
    for (season, place, _), seen in windows.items():
        if choose(known, place[0], place[1], place[2], season) is None:
            counts[place] += seen.n
    for (model, version, feature), n in sorted(counts.items()):
        yield Unreferenced(model, version, feature, n)

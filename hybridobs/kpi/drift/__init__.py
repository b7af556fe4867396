"""Drift: how far what a model sees now is from what it was made for, and whether that is more than chance.

Make a reference (:mod:`reference`), count windows in its bins, add the counts up, :func:`compare`. Nothing here reads a
clock, a file or a random number, so a verdict can be recomputed from its inputs. ``benchmarks/drift.py`` measures how
often it is wrong.
"""

from hybridobs.kpi.drift.alarm import NAMES, NUMBERS, Judgement, Rule, Side, Verdict, judge
from hybridobs.kpi.drift.binned import Binned, merged
from hybridobs.kpi.drift.bins import Bins
from hybridobs.kpi.drift.categories import Categories
from hybridobs.kpi.drift.clustering import INDEPENDENT, Spread, limit, spread
from hybridobs.kpi.drift.compare import (
    Bar,
    Comparison,
    EmbeddingComparison,
    Scores,
    compare,
    compare_embedding,
)
from hybridobs.kpi.drift.distances import Bound, ChiSquare
from hybridobs.kpi.drift.document import dumps, loads
from hybridobs.kpi.drift.embedding import Cloud, Distance, Space
from hybridobs.kpi.drift.reading import Drift, Found, Question, Unreferenced, ask, season_of, seen_in
from hybridobs.kpi.drift.reference import (
    CategoryReference,
    EmbeddingReference,
    Key,
    NumericReference,
    Origin,
    Reference,
)
from hybridobs.kpi.drift.seasons import Seasons, Stretch, choose, stretches
from hybridobs.kpi.drift.summarised import summarised

__all__ = [
    "INDEPENDENT",
    "NAMES",
    "NUMBERS",
    "Bar",
    "Binned",
    "Bins",
    "Bound",
    "Categories",
    "CategoryReference",
    "ChiSquare",
    "Cloud",
    "Comparison",
    "Distance",
    "Drift",
    "EmbeddingComparison",
    "EmbeddingReference",
    "Found",
    "Judgement",
    "Key",
    "NumericReference",
    "Origin",
    "Question",
    "Reference",
    "Rule",
    "Scores",
    "Seasons",
    "Side",
    "Space",
    "Spread",
    "Stretch",
    "Unreferenced",
    "Verdict",
    "ask",
    "choose",
    "compare",
    "compare_embedding",
    "dumps",
    "judge",
    "limit",
    "loads",
    "merged",
    "season_of",
    "seen_in",
    "spread",
    "stretches",
    "summarised",
]

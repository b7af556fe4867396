"""References as a JSON document, so that a training job can hand them over and a store can keep them.

    {"format": "hybridobs.drift.references", "version": 1, "references": [{"kind": "numeric", "model": …}, …]}

Whole numbers only, so what is read is exactly what was written. Anything else than the schema is refused, by a
ConfigError that names the key: ``references[2].edges[7]``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

from hybridobs.errors import ConfigError
from hybridobs.kpi.drift._node import Node
from hybridobs.kpi.drift.binned import Binned
from hybridobs.kpi.drift.bins import Bins
from hybridobs.kpi.drift.categories import Categories
from hybridobs.kpi.drift.clustering import Spread
from hybridobs.kpi.drift.embedding import Cloud, Space
from hybridobs.kpi.drift.reference import (
    CategoryReference,
    EmbeddingReference,
    Key,
    NumericReference,
    Origin,
    Reference,
)

FORMAT = "hybridobs.drift.references"
VERSION = 1
Fields = dict[str, Any]


def dumps(references: Iterable[Reference]) -> str:
    """The document, one reference a line, in order of their keys."""
    lines = (json.dumps(_written(one), ensure_ascii=False) for one in sorted(references, key=lambda one: one.key))
    head = f'{{"format": "{FORMAT}", "version": {VERSION}, "references": ['
    return head + ",".join(f"\n{line}" for line in lines) + "\n]}\n"


def loads(text: str) -> list[Reference]:
    """Read a document; ConfigError names what is wrong."""
    try:
        found = json.loads(text)
    except ValueError as fault:
        raise ConfigError("references", text[:40], f"no JSON document: {fault}") from fault
    root = Node(found, "")
    if root["format"].one_of(FORMAT) and root["version"].whole() != VERSION:
        raise ConfigError("version", root["version"].value, f"this hybridobs reads version {VERSION}")
    nodes = root["references"].items()
    root.only("format", "version", "references")
    references = [_READ[node["kind"].one_of(*_READ)](node) for node in nodes]
    seen: set[Key] = set()
    for node, one in zip(nodes, references, strict=True):
        if one.key in seen:
            raise ConfigError(node.path, tuple(one.key), "there are two references of this key; keep one")
        seen.add(one.key)
    return references


def _written(reference: Reference) -> Fields:
    key = {**reference.key._asdict(), "note": reference.note}
    if isinstance(reference, NumericReference):
        kept = {"origin": reference.origin.value, **_bins(reference.bins), "resolution": reference.bins.resolution}
        return {"kind": "numeric", **key, **kept, **_counts(reference.binned), "spread": _spread(reference.spread)}
    if isinstance(reference, CategoryReference):
        kept = {"names": reference.bins.names, "counts": reference.binned.counts, "missing": reference.binned.missing}
        return {"kind": "categories", **key, **kept, "spread": _spread(reference.spread)}
    space, cloud = reference.space, reference.cloud
    fixed = {"seed": space.seed, "resolution": space.resolution, "centroid": space.centroid}
    moments = {"n": cloud.n, "missing": cloud.missing, "sums": cloud.sums, "squares": cloud.squares}
    along = [{**_bins(bins), **_counts(one)} for bins, one in zip(space.bins, cloud.along, strict=True)]
    return {"kind": "embedding", **key, **fixed, **moments, "along": along}


def _bins(bins: Bins) -> Fields:
    return {"edges": bins.edges, "coarse": bins.coarse}


def _counts(binned: Binned) -> Fields:
    return {"counts": binned.counts, "sums": binned.sums, "blur": binned.blur, "missing": binned.missing}


def _spread(spread: Spread) -> Fields:
    degrees = None if math.isinf(spread.degrees) else spread.degrees
    return {"effect": spread.effect, "variation": spread.variation, "degrees": degrees}


_KEY = ("kind", *Key._fields, "note")
_COUNTED = ("edges", "coarse", "counts", "sums", "blur", "missing")


def _key(node: Node) -> Key:
    return Key(*(node[name].text(empty=name == "season") for name in Key._fields))


def _counted(node: Node, resolution: int) -> tuple[Bins, Binned]:
    edges = node["edges"].ascending()
    coarse = node["coarse"].ascending(low=0, high=len(edges) - 1)
    bins, size = Bins(edges, coarse, resolution), len(edges) + 1
    counts, sums = node["counts"].wholes(size, low=0), node["sums"].wholes(size)
    blur, missing = node["blur"].whole(0), node["missing"].whole(0)
    return bins, Binned(bins.layout, counts, sums, (0,) * len(edges), blur, missing)


def _read_spread(node: Node) -> Spread:
    node.only(*Spread._fields)
    degrees = node["degrees"]
    free = math.inf if degrees.value is None else degrees.number(0)
    return Spread(node["effect"].number(1), node["variation"].number(0), free)


def _numeric(node: Node) -> NumericReference:
    bins, binned = _counted(node, node["resolution"].whole(1))
    node.only(*_KEY, *_COUNTED, "origin", "resolution", "spread")
    origin = Origin(node["origin"].one_of(*Origin))
    spread = _read_spread(node["spread"])
    return NumericReference(_key(node), bins, binned, origin, spread, node["note"].text(empty=True))


def _categories(node: Node) -> CategoryReference:
    node.only(*_KEY, "names", "counts", "missing", "spread")
    bins = Categories(tuple(name.text() for name in node["names"].items()))
    counts = node["counts"].wholes(len(bins.names) + 1, low=0)
    binned = Binned(bins.layout, counts, missing=node["missing"].whole(0))
    spread = _read_spread(node["spread"])
    return CategoryReference(_key(node), bins, binned, spread, node["note"].text(empty=True))


def _embedding(node: Node) -> EmbeddingReference:
    node.only(*_KEY, "seed", "resolution", "centroid", "n", "missing", "sums", "squares", "along")
    centroid, resolution = node["centroid"].wholes(), node["resolution"].whole(1)
    along = [_along(one, resolution) for one in node["along"].items()]
    space = Space(centroid, tuple(bins for bins, _ in along), node["seed"].whole(), resolution)
    size, n, missing = len(centroid), node["n"].whole(1), node["missing"].whole(0)
    sums, squares = node["sums"].wholes(size), node["squares"].wholes(size, low=0)
    cloud = Cloud(space.layout, n, sums, squares, tuple(counts for _, counts in along), missing)
    return EmbeddingReference(_key(node), space, cloud, node["note"].text(empty=True))


def _along(node: Node, resolution: int) -> tuple[Bins, Binned]:
    node.only(*_COUNTED)
    return _counted(node, resolution)


_READ: dict[str, Callable[[Node], Reference]] = {
    "numeric": _numeric,
    "categories": _categories,
    "embedding": _embedding,
}

"""The shapes that one kind of sender was seen to use, found for each span by a look at one or two of its bytes.

Two layouts of one length are the same up to some byte that no span of either varies in: a tag, a size, a letter of a
label. So the shapes of one length make a tree of such places, whose leaves are shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hybridobs.collector._attributes import Number
from hybridobs.collector._profile import Node
from hybridobs.collector._shape import Shape, learn

_MAX_SHAPES = 64  # of one length
_FIXED = 0xFF  # mask of a byte that is the same in every span of a shape


class _Fork(dict[int, "_Fork | Shape"]):
    """Where shapes part: by their byte ``at`` one place."""

    __slots__ = ("at",)

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at


class Shapes:
    """All shapes of the spans of one base."""

    def __init__(self) -> None:
        self._trees: dict[int, _Fork | Shape] = {}
        self._known: dict[int, list[Shape]] = {}
        self._seen: set[tuple[int, int]] = set()

    def sorted(self, raws: Iterable[bytes]) -> tuple[dict[Shape, list[bytes]], list[bytes]]:
        """Spans by the only shape that they may have, and those that have none for certain."""
        found: dict[Shape, list[bytes]] = {}
        rest: list[bytes] = []
        trees = self._trees
        for raw in list(raws):  # protobuf's own sequence is slow to walk
            tree = trees.get(len(raw))
            while isinstance(tree, _Fork):
                tree = tree.get(raw[tree.at])
            if tree is None:
                rest.append(raw)
            elif tree in found:
                found[tree].append(raw)
            else:
                found[tree] = [raw]
        return found, rest

    def learn(self, raw: bytes, node: Node, numbers: dict[str, Number]) -> int:
        """Learn the shape of a sound span, the second time that one of its length ends at ``node``.

        Gives how many things there are to remember more than before.
        """
        place = (len(raw), id(node))
        if place not in self._seen:
            self._seen.add(place)
            return 1
        known = self._known.get(len(raw), [])
        if len(known) >= _MAX_SHAPES or any(shape.fits(raw) for shape in known):
            return 0
        shape = learn(raw, node, numbers)
        tree = _tree([*known, shape]) if shape is not None else None
        if shape is None or tree is None:
            return 0
        self._known[len(raw)] = [*known, shape]
        self._trees[len(raw)] = tree
        return 1


def _tree(shapes: Sequence[Shape]) -> _Fork | Shape | None:
    """A tree of different shapes; None if there is no telling them apart."""
    if len(shapes) == 1:
        return shapes[0]
    rows = zip(*(zip(shape.mask, shape.same, strict=True) for shape in shapes), strict=True)
    at, row = next((at, row) for at, row in enumerate(rows) if len(set(row)) > 1)
    if any(mask != _FIXED for mask, _ in row):
        return None
    branches: dict[int, list[Shape]] = {}
    for shape in shapes:
        branches.setdefault(shape.same[at], []).append(shape)
    fork = _Fork(at)
    for byte, few in branches.items():
        branch = _tree(few)
        if branch is None:
            return None
        fork[byte] = branch
    return fork

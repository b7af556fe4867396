"""A YAML file as a tree that remembers its lines, so that every error points at file, line and key."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from hybridobs.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    import yaml


class Place(NamedTuple):
    """Where something is written; lines count from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Branch:
    """One node: a mapping, a list or a scalar; what it should be is said by the method that is called.

    A scalar is its text as written, so the version 1.20 stays ``1.20`` and ``no`` is a word.
    """

    def __init__(self, node: yaml.Node, file: str, key: str) -> None:
        self._node: Any = node  # its stubs do not know which kind of node holds what
        self._key = key
        self.place = Place(file, node.start_mark.line + 1)

    def fail(self, way_out: str, value: object = None) -> NoReturn:
        """Raise ConfigError at this place; ``value`` is this node's own text unless given."""
        raise ConfigError(f"{self.place}:{self._key}", self._shown() if value is None else value, way_out)

    def _shown(self) -> str:
        return str(self._node.value) if self.is_scalar else f"a {self._node.id}"

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return bool(self._node.id == "mapping")

    @property
    def is_scalar(self) -> bool:
        """Whether it is one value."""
        return bool(self._node.id == "scalar")

    def text(self) -> str:
        """The scalar, which must not be empty."""
        if not self.is_scalar or not self._node.value:
            self.fail("give one value")
        return str(self._node.value)

    def one_of(self, known: Collection[str]) -> str:
        """A scalar out of ``known``."""
        text = self.text()
        if text not in known:
            self.fail(f"there is none of that name{nearest(text, known)}")
        return text

    def entries(self) -> list[Branch]:
        """The items of a list."""
        if self._node.id != "sequence":
            self.fail("give a list, one '- ' a line")
        return [Branch(node, self.place.file, self._key) for node in self._node.value]

    def words(self) -> list[Branch]:
        """The items of a list, or one scalar alone."""
        return [self] if self.is_scalar else self.entries()

    def pairs(self) -> dict[str, Branch]:
        """A mapping by key."""
        if self._node.id != "mapping":
            self.fail("give a mapping, 'key: value'")
        found: dict[str, Branch] = {}
        for key, value in self._node.value:
            name = str(key.value)
            branch = Branch(value, self.place.file, name)
            branch.place = Place(self.place.file, key.start_mark.line + 1)
            if name in found:
                branch.fail(f"this key is also on line {found[name].place.line}; keep one")
            found[name] = branch
        return found

    def fields(self, known: Iterable[str]) -> dict[str, Branch]:
        """A mapping whose keys are all ``known``."""
        names = list(known)
        found = self.pairs()
        for name, branch in found.items():
            if name not in names:
                branch.fail(f"there is no such key{nearest(name, names)}")
        return found


def nearest(name: str, known: Collection[str]) -> str:
    """``, did you mean 'x'?`` where a known name is close, and all of them where they are few."""
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    asked = f", did you mean {' or '.join(map(repr, close))}?" if close else "."
    return f"{asked} Choose of: {', '.join(known)}" if len(known) <= 24 else asked


def text_of(path: Path) -> str:
    """What a file says; ConfigError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:  # no UTF-8, or no name that a file can have
        raise ConfigError("file", str(path), f"cannot be read: {getattr(error, 'strerror', None) or error}") from error


def parsed(text: str, file: str, key: str) -> Branch:
    """The root of a YAML text that is one document; ``key`` is what an empty one lacks."""
    root, *more = documents(text, file, key)
    if more:
        more[0].fail("is a second document; this file is one", "")
    return root


def documents(text: str, file: str, key: str = "objectives") -> list[Branch]:
    """The roots of a YAML text, one at least; empty documents are left out. ``key`` is what an empty text lacks."""
    try:
        import yaml
    except ModuleNotFoundError as fault:
        raise MissingExtra("pyyaml", "collector") from fault
    try:
        nodes = [node for node in yaml.compose_all(text, Loader=yaml.SafeLoader) if node is not None]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{file}:{line}:yaml", error.problem or "", "is no YAML; mend this line") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{file}:1:yaml", type(error).__name__, "is no YAML that can be read") from error
    if not nodes:
        raise ConfigError(f"{file}:1:{key}", "", f"the file is empty; give it a list of {key}")
    return [Branch(node, file, "file") for node in nodes]

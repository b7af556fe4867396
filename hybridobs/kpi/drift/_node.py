"""A place in a parsed JSON document that knows its own path, so that every complaint can name it."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NoReturn

from hybridobs.errors import ConfigError

_SHOWN = 60


class Node:
    """A value and where it stands, such as ``references[2].edges``."""

    def __init__(self, value: Any, path: str) -> None:
        self.value = value
        self.path = path

    def __getitem__(self, name: str) -> Node:
        """A member that must be there."""
        if not isinstance(self.value, dict):
            self._refuse("must be an object")
        place = f"{self.path}.{name}" if self.path else name
        if name not in self.value:
            raise ConfigError(place, None, "is missing")
        return Node(self.value[name], place)

    def only(self, *names: str) -> None:
        """Refuse members of any other name: a misspelt one must not be ignored."""
        for name in self.value:
            if name not in names:
                raise ConfigError(f"{self.path}.{name}".lstrip("."), name, f"unknown; known are: {', '.join(names)}")

    def items(self) -> list[Node]:
        """The members of a list."""
        if not isinstance(self.value, list):
            self._refuse("must be a list")
        return [Node(one, f"{self.path}[{place}]") for place, one in enumerate(self.value)]

    def text(self, *, empty: bool = False) -> str:
        """A text; an empty one only where that means something."""
        if not isinstance(self.value, str) or not (self.value or empty):
            self._refuse("must be a text" if empty else "must be a text that is not empty")
        return self.value

    def one_of(self, *choices: str) -> str:
        """One of a few texts."""
        if self.value not in choices:
            self._refuse(f"must be one of: {', '.join(choices)}")
        return self.text()

    def whole(self, low: int | None = None, high: int | None = None) -> int:
        """A whole number within its limits."""
        if not isinstance(self.value, int) or isinstance(self.value, bool):
            self._refuse("must be a whole number")
        if (low is not None and self.value < low) or (high is not None and self.value > high):
            self._refuse(f"must be at least {low}" if high is None else f"must lie in {low}..{high}")
        return self.value

    def number(self, low: float) -> float:
        """A finite number not below ``low``."""
        if not isinstance(self.value, int | float) or isinstance(self.value, bool) or not math.isfinite(self.value):
            self._refuse("must be a finite number")
        if self.value < low:
            self._refuse(f"must be at least {low:g}")
        return float(self.value)

    def wholes(self, size: int | None = None, low: int | None = None, high: int | None = None) -> tuple[int, ...]:
        """Whole numbers, ``size`` of them."""
        found = tuple(one.whole(low, high) for one in self.items())
        if not found or len(found) != (len(found) if size is None else size):
            self._refuse(f"must hold {size or 'some'} numbers, holds {len(found)}")
        return found

    def ascending(self, low: int | None = None, high: int | None = None) -> tuple[int, ...]:
        """Whole numbers, each greater than the one before."""
        found = self.wholes(low=low, high=high)
        if any(one >= following for one, following in pairwise(found)):
            self._refuse("must ascend, each greater than the one before")
        return found

    def _refuse(self, way_out: str) -> NoReturn:
        shown = self.value if len(repr(self.value)) <= _SHOWN else repr(self.value)[:_SHOWN] + "…"
        raise ConfigError(self.path, shown, way_out)

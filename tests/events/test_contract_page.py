"""Every name on the wire says of what type and unit it is, gives an example, and tells who sets it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import hybridobs
from hybridobs import contract
from hybridobs.contract import EventKind
from hybridobs.contract._setters import set_by, unknown
from hybridobs.sdk.current import Call

PAGE = (Path(__file__).parents[2] / "docs" / "contract.md").read_text("utf-8")
UNIT = re.compile(r"1|s|ns|By|J|W|Cel|mA\.h|\{[a-z]+\}")


@pytest.mark.parametrize("key", contract.ATTRIBUTES)
def test_an_attribute_is_described(key: str) -> None:
    """Meaning, example, who sets it, stability; a number has a unit of UCUM, and the page has them all."""
    known = contract.ATTRIBUTES[key]
    assert known.brief.endswith((".", "…")) and known.example and set_by(key)
    assert known.stability in ("stable", "development")
    numeric = known.type in ("int", "double")
    assert UNIT.fullmatch(known.unit) if numeric else known.type in ("string", "string[]", "bool", "double | string")
    assert f"| `{key}` | {known.type.replace('|', chr(92) + '|')} |" in PAGE


def test_what_sets_an_attribute_is_there() -> None:
    """Each function that the page names is a public one, and no exception is about a key that is gone."""
    assert not list(unknown())
    for name in {name for key in contract.ATTRIBUTES for name in re.findall("`([a-z_.]+)`", set_by(key))}:
        first, *rest = name.split(".")
        found: object = Call if first == "call" else getattr(hybridobs, first)
        for part in rest:
            found = getattr(found, part)
        assert callable(found), name


@pytest.mark.parametrize("kind", EventKind)
def test_an_event_kind_is_described(kind: EventKind) -> None:
    """In one sentence, in the closed list of the page."""
    assert re.search(rf"^\| `{re.escape(kind.value)}` \| [^|]{{8,}} \|$", PAGE, re.MULTILINE)

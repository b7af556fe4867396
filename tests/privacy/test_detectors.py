"""What the detectors find, what they leave, and how long they may take."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from hybridobs.privacy import Rule, Scanner, compiled
from tests.privacy.planted import BADGE, CLEAN, NEAR_MISSES, PLANTED

CASES = [(rule, text) for rule, texts in PLANTED.items() for text in texts]
MISSES = [(rule, text) for rule, texts in NEAR_MISSES.items() for text in texts]
FALSE_POSITIVES = 0  # of CLEAN; stated in docs/privacy.md

HOSTILE = [
    *("a", "a@", "a@a.", "a.", "1 ", "1.", "0", "+1", "(1)", "0170 ", "4111 ", ":", "a:", "1:", "::", "1.1.1.", "DE89"),
    *(
        "DE89 0 ",
        "1.123 ",
        "1.1234,",
        "lat=",
        "1°",
        "1°1'",
        "aa:",
        "aa-",
        "/home/",
        "%40",
        "-",
        "'",
        "\\Users\\",
        "é",
        "１",
        "@",
    ),
]


class Found:
    """A scanner and what it noted."""

    def __init__(self, own: dict[str, str] | None = None) -> None:
        self.rules: Counter[str] = Counter()
        self.scanner = Scanner(lambda rule: self.rules.update([rule]), compiled(own or {}))

    def __call__(self, text: str, most: int = 1024) -> str | None:
        return self.scanner.text(text, most)


@pytest.fixture
def found() -> Found:
    return Found({"badge": BADGE})


def test_there_are_enough_cases() -> None:
    """Two hundred planted, and half as many that look like them."""
    assert len(CASES) >= 200
    assert len(MISSES) >= 80


@pytest.mark.parametrize(("rule", "text"), CASES)
def test_planted_data_are_found(found: Found, rule: str, text: str) -> None:
    """Alone and in a sentence; what stands around stays."""
    for before, after in (("", ""), ("seen ", " today"), ("(", ")"), ("x=", ";"), ('"', '",')):
        left = found(before + text + after)
        assert left is not None and text not in left
        assert left.startswith(before) and left.endswith(after)
    assert set(found.rules) == {rule}


@pytest.mark.parametrize(("rule", "text"), CASES)
def test_planted_data_are_found_whatever_stands_beside_them(found: Found, rule: str, text: str) -> None:
    """The end of a sentence, the colon of an error message, a name in front, another number behind."""
    for before in ("", "at:", "peer=", "mac:", "facade:", "<", "\n"):
        for after in (".", ". Then", ": refused", ":refused", ", 5", "!", "\n", "/x", "'s"):
            left = found(before + text + after)
            assert left is not None and text not in left, before + text + after


@pytest.mark.parametrize(("rule", "text"), MISSES)
def test_near_misses_stay(found: Found, rule: str, text: str) -> None:
    """What looks like it but is none."""
    assert found(f"seen {text} today") == f"seen {text} today"
    assert found(text) == text


def test_false_positives_are_counted(found: Found) -> None:
    """On texts as machines write them; the number is the one that the documentation states."""
    wrong = [text for text in CLEAN if found(text) != text]
    assert len(wrong) == FALSE_POSITIVES, wrong


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_texts_take_linear_time(found: Found, piece: str) -> None:
    """100 kB of what a pattern may trip over is read within seconds of CPU; quadratic time would be minutes."""
    text = (piece * 100_000)[:100_000]
    began = time.process_time()
    assert found(text, 100_000) is not None
    assert time.process_time() - began < 3.0


def test_a_limit_does_not_cut_what_would_be_found(found: Found) -> None:
    """A mail address across the limit leaves nothing behind, not even its first half."""
    for start in range(80, 110):
        left = found("x" * (start - 1) + " jane.doe@example.com", 100)
        assert left is not None and len(left) <= 100
        assert "jane" not in left


def test_findings_that_overlap_leave_no_tail(found: Found) -> None:
    """The union goes, by the first rule."""
    left = found("0170 1234567@example.com")
    assert left is not None and "1234567" not in left and "0170" not in left
    assert Found({"all": "jane.*com"})("to jane.doe@example.com now") == "to [all] now"


def test_coordinates_are_rounded() -> None:
    """To two places unless told otherwise: about a kilometre."""
    assert Found()("at 48.137154, 11.576124") == "at 48.14, 11.58"
    assert Scanner(lambda _: None, decimals=0).text("lat=48.137154", 99) == "lat=48"


def test_a_failing_detector_takes_the_text_with_it(found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing leaks because something broke, and it is counted."""
    monkeypatch.setattr(found.scanner, "_detectors", {False: (lambda text: 1 / 0,), True: ()})
    assert found("jane@example.com 1") is None
    assert found.rules == {Rule.FAILED: 1}


@pytest.mark.parametrize(("name", "pattern"), [("a b", "x"), ("a", "("), ("a", "x*")])
def test_an_own_rule_that_cannot_be_used(name: str, pattern: str) -> None:
    """It is said when it is given."""
    with pytest.raises(ValueError, match=name):
        compiled({name: pattern})


def test_the_page_states_what_is_counted() -> None:
    """docs/privacy.md has the numbers of these lists."""
    page = (Path(__file__).parents[2] / "docs" / "privacy.md").read_text("utf-8")
    assert f"plants {len(CASES)} cases" in page
    assert f"{len(MISSES)} near misses" in page
    assert f"({len(CLEAN)} texts" in page
    assert f"there are **{FALSE_POSITIVES}** false positives" in page

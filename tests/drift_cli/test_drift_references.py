"""``hybridobs drift reference``: into the store, out of it, and away."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from hybridobs.store import Store, Transaction
from tests.drift_cli.conftest import UNTIL, Fill, Run, light

OF = ("--model", "digits", "--version", "1")


def listed(run: Run) -> list[dict[str, object]]:
    """What ``list`` says as JSON."""
    found: list[dict[str, object]] = json.loads(run("drift", "reference", "list", "--format", "json").stdout)
    return found


def test_from_training_data(run: Run, url: str, training: str) -> None:
    """Each column becomes a reference: of numbers, or of names; absent values are counted as missing."""
    done = run("drift", "reference", "add", training, *OF)
    assert done.stdout == (
        "registered digits 1 light: 1,960 numbers in 10 groups, 2.0 % missing\n"
        "registered digits 1 country: 2,000 names in 3 groups\n"
    )
    assert [(one["feature"], one["kind"], one["n"], one["note"]) for one in listed(run)] == [
        ("country", "names", 2000, "training.csv"),
        ("light", "numbers", 1960, "training.csv"),
    ]


def test_one_feature(run: Run, url: str, training: str) -> None:
    """Only the named columns are taken."""
    run("drift", "reference", "add", training, *OF, "--feature", "light")
    assert [one["feature"] for one in listed(run)] == ["light"]


def test_from_the_store(run: Run, fleet: Fill) -> None:
    """A window of the store is a reference that knows how alike the values of one device are."""
    fleet(ago=7200)
    words = ("--since", "2026-09-21T12:00", "--until", "2026-09-21T14:00")
    done = run("drift", "reference", "add", "--from-store", *words, *OF, "--feature", "light")
    assert done.stdout == "registered digits 1 light: 1,800 numbers in 10 groups\n"
    [one] = listed(run)
    assert one["note"] == "store, 2026-09-21T12:00Z to 2026-09-21T14:00Z"
    fleet()
    assert run("drift", "show", *UNTIL, "--exit-code").exit_code == 0


def test_names_from_the_store(run: Run, fill: Fill) -> None:
    """A feature of names becomes a reference of names."""
    fill(names=["DE", "DE", "FR"])
    done = run("drift", "reference", "add", "--from-store", "--until", UNTIL[3], *OF, "--feature", "country")
    assert "3 names in 3 groups" in done.stdout


def test_one_device_in_the_store(run: Run, fill: Fill) -> None:
    """What one device saw is a reference, and it is said what is not known of it."""
    fill(light(500, seed=1))
    done = run("drift", "reference", "add", "--from-store", "--until", UNTIL[3], *OF, "--feature", "light")
    assert done.exit_code == 0 and "taken for independent" in done.stdout


def test_nothing_in_the_store(run: Run, url: str) -> None:
    """An empty window is no reference."""
    done = run("drift", "reference", "add", "--from-store", *OF, "--feature", "light")
    assert done.exit_code == 2 and "widen --since or --where" in done.stderr


def test_twice(run: Run, url: str, training: str) -> None:
    """A reference is not replaced by accident, and none of the others is registered then."""
    run("drift", "reference", "add", training, *OF, "--feature", "light")
    done = run("drift", "reference", "add", training, *OF)
    assert done.exit_code == 2 and "--replace" in done.stderr and len(listed(run)) == 1
    assert run("drift", "reference", "add", training, *OF, "--replace").stdout.startswith("replaced digits 1 light")


def test_two_at_once(run: Run, url: str, training: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one registers a reference just before we write: it stays, and none of ours is registered."""
    begin = Store.begin

    def second(store: Store) -> AbstractContextManager[Transaction]:
        monkeypatch.setattr(Store, "begin", begin)
        assert run("drift", "reference", "add", training, *OF, "--feature", "light", "--note", "first").exit_code == 0
        return begin(store)

    monkeypatch.setattr(Store, "begin", second)
    done = run("drift", "reference", "add", training, *OF)
    assert done.exit_code == 2 and "digits 1 light" in done.stderr and "--replace" in done.stderr
    assert [one["note"] for one in listed(run)] == ["first"]


def test_out_and_in_again(run: Run, url: str, training: str, tmp_path: Path) -> None:
    """What ``show --format json`` prints is a file that ``add`` reads: the same references."""
    run("drift", "reference", "add", training, *OF)
    text = run("drift", "reference", "show", "--format", "json").stdout
    path = tmp_path / "references.json"
    path.write_text(text)
    assert run("drift", "reference", "remove", *OF).stdout == "removed digits 1 country\nremoved digits 1 light\n"
    assert run("drift", "reference", "add", str(path)).exit_code == 0
    assert run("drift", "reference", "show", "--format", "json").stdout == text


def test_show(run: Run, url: str, training: str) -> None:
    """One reference in full: where it comes from, and a bar for each group."""
    run("drift", "reference", "add", training, *OF)
    text = run("drift", "reference", "show", "--feature", "country").stdout
    assert "from training.csv" in text and "DE ████████████████████████   75.0 %" in text


def test_flat_feature(run: Run, url: str, tmp_path: Path) -> None:
    """A feature that varies less than the store can tell apart is registered with a warning."""
    path = tmp_path / "flat.csv"
    path.write_text("\n".join(["kelvin", *(str(293 + place % 10 / 10) for place in range(1000))]))
    assert "send the difference from the usual value" in run("drift", "reference", "add", str(path), *OF).stdout


def test_kept_for_the_next_who_opens(run: Run, url: str, training: str) -> None:
    """References are in the store, by key, with when they were registered."""
    run("drift", "reference", "add", training, *OF)
    with Store.open(url) as store:
        found = store.references({"feature": "light"})
        assert [one.reference.key for one in found] == [("digits", "1", "light", "")]
        assert found[0].created > 1_700_000_000


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "either FILE or --from-store"),
        (("{file}", "--from-store", *OF), "either FILE or --from-store"),
        (("{file}", "--since", "1h", *OF), "with --from-store"),
        (("{file}", "--model", "digits"), "--version"),
        (("--from-store", *OF), "--feature"),
        (("{file}", *OF, "--feature", "dark"), "has no such column; it has: light, country"),
        (("{file}", *OF, "--season", "spring"), "no season is called so"),
    ],
)
def test_wrong_words(run: Run, url: str, training: str, words: tuple[str, ...], told: str) -> None:
    """What cannot be meant is refused with a way out, and nothing is registered."""
    done = run("drift", "reference", "add", *(word.format(file=training) for word in words))
    assert done.exit_code == 2 and told in done.stderr and listed(run) == []


def test_nothing_to_show_or_remove(run: Run, url: str) -> None:
    """Names that are not there are an error; an empty list is none."""
    assert run("drift", "reference", "remove", *OF).exit_code == 2
    assert run("drift", "reference", "show").exit_code == 2
    assert "hybridobs drift reference add" in run("drift", "reference", "list").stdout


def test_vectors(run: Run, url: str, tmp_path: Path) -> None:
    """A document with an embedding is refused: no vector reaches a store."""
    from hybridobs.kpi.drift import EmbeddingReference, Key, dumps

    path = tmp_path / "vectors.json"
    path.write_text(dumps([EmbeddingReference.of_values(Key("m", "1", "e"), [[0.1, 0.2], [0.3, 0.1]])]))
    done = run("drift", "reference", "add", str(path))
    assert done.exit_code == 2 and "compare_embedding" in done.stderr


def test_two_columns_of_one_name(run: Run, url: str, tmp_path: Path) -> None:
    """Neither is dropped silently: the file is refused and nothing is registered."""
    path = tmp_path / "dup.csv"
    path.write_text("a,a\n1,2\n")
    done = run("drift", "reference", "add", str(path), "--model", "digits", "--version", "1")
    assert done.exit_code == 2 and "its head line names 'a' twice" in done.stderr
    assert run("drift", "reference", "list").stdout.startswith("no references")

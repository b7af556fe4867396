"""The shape of the repository: what is where, how large a piece may be, which names are not used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = (
    *(
        ".ci/run",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "Makefile",
        "README.md",
        "compose.yaml",
        "pyproject.toml",
    ),
    *("benchmarks", "collectors", "dashboards", "docs", "examples", "hybridobs", "tests"),
    *("docs/architecture.md", "docs/contract.md", "docs/decisions", "docs/kpis.md"),
)
SAYS_NOTHING = {"utils", "util", "core", "common", "helpers", "base", "misc"}
LONGEST_FUNCTION = 60
LONGEST_FILE = 400
CODE = ("hybridobs", "collectors", "dashboards", "docs", "benchmarks", "examples", "tests")


def python_files(*folders: str) -> Iterator[Path]:
    """Every Python file of ours under the folders, in order."""
    for folder in folders:
        yield from sorted(path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file, methods and inner ones too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", TOP)
def test_top_level(path: str) -> None:
    """What a newcomer looks for is where it always is."""
    assert (ROOT / path).exists()


def test_licence_is_the_whole_text() -> None:
    """LICENSE is Apache-2.0 to its last line, with the appendix."""
    text = (ROOT / "LICENSE").read_text()
    assert "Version 2.0, January 2004" in text and text.rstrip().endswith("limitations under the License.")


def test_module_names_say_something() -> None:
    """No module is a drawer for everything."""
    assert [name(p) for p in python_files("hybridobs") if p.stem in SAYS_NOTHING or p.parent.name in SAYS_NOTHING] == []


def test_files_stay_readable() -> None:
    """No file of ours is longer than one sitting."""
    lengths = {name(p): len(p.read_text().splitlines()) for p in python_files(*CODE)}
    assert {p: n for p, n in lengths.items() if n > LONGEST_FILE} == {}


def test_functions_stay_readable() -> None:
    """No function is longer than a screen."""
    lengths = {
        f"{name(path)}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for path in python_files(*CODE)
        for node in functions(path)
    }
    assert {function: n for function, n in lengths.items() if n > LONGEST_FUNCTION} == {}


def test_every_module_says_what_it_is() -> None:
    """Each module of the package opens with a sentence."""
    silent = [name(p) for p in python_files("hybridobs") if not ast.get_docstring(ast.parse(p.read_text()))]
    assert silent == []


def test_every_test_is_a_sentence() -> None:
    """The listing of the tests is a manual: each has a docstring."""
    tests = [(path, node) for path in python_files("tests") for node in functions(path) if node.name.startswith("test")]
    assert [f"{name(path)}:{node.name}" for path, node in tests if not ast.get_docstring(node)] == []


def test_test_files_have_names_of_their_own() -> None:
    """Two rooms never share the name of a test file, so a failure names its room."""
    names = [p.name for p in python_files("tests") if p.name.startswith("test_")]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("page", sorted(p for p in ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link in a page reaches a file."""
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    relative = [link for link in links if "://" not in link]
    assert [link for link in relative if not (page.parent / link).exists()] == []


def test_ci_runs_what_a_developer_runs() -> None:
    """CI adds programs, then does exactly `make check`."""
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("exec make check")


def test_lock_file_names_no_address() -> None:
    """The Node lock file works with any registry: it records versions and hashes, no download address."""
    lock = (ROOT / "tests/interop/node/package-lock.json").read_text()
    assert '"integrity"' in lock and '"resolved"' not in lock and "://registry" not in lock

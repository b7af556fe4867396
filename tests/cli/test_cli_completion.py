"""Completion in a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from hybridobs.cli import main
from hybridobs.store import Store


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(shell: str) -> None:
    """The script asks this very command."""
    said = CliRunner().invoke(main, ["completion", shell], prog_name="hybridobs")
    assert (said.exit_code, "_HYBRIDOBS_COMPLETE" in said.output) == (0, True)


def test_bash_can_read_its_script() -> None:
    """The real shell finds no fault in it."""
    script = CliRunner().invoke(main, ["completion", "bash"], prog_name="hybridobs").output
    assert shutil.which("bash")
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0


def test_what_is_asked_is_completed() -> None:
    """`hybridobs slo ch` becomes `check`, without a word on stderr."""
    asked = {"_HYBRIDOBS_COMPLETE": "bash_complete", "COMP_WORDS": "hybridobs slo ch", "COMP_CWORD": "2"}
    code = "import sys; sys.argv[0] = 'hybridobs'; from hybridobs.cli import main; main(prog_name='hybridobs')"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **asked}, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("plain,check\n", "")


def completed(line: str) -> list[str]:
    """What a shell is offered behind this line."""
    *words, typed = line.split(" ")
    return [item.value for item in ShellComplete(main, {}, "hybridobs", "_").get_completions(words, typed)]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("kpi latency_p9", ["latency_p95", "latency_p99"]),
        ("kpi error_rate latency_p9", ["latency_p95", "latency_p99"]),
        ("kpi --by ver", ["version"]),
        ("kpi --by version,site,v", []),
        ("kpi --by tier,m", ["tier,model", "tier,mode"]),
        ("kpi --where vers", ["version="]),
        ("top --by ver", ["version"]),
        ("slo check --report j", ["json=", "junit="]),
        ("slo check --allow n", ["no-data"]),
        ("slo check --allow no-data,", ["no-data,undecided"]),
        ("slo gate --candidate ver", ["version="]),
        ("slo gate --looks p", ["planned:"]),
        ("slo gate --window ", ["1h", "6h", "24h", "7d", "28d", "day", "month"]),
        ("slo gate --report sa", ["sarif="]),
    ],
)
def test_values_are_completed(line: str, offered: list[str]) -> None:
    """KPIs, labels, formats and rules are words that nobody should have to look up."""
    assert completed(line) == offered


@pytest.mark.parametrize("kind", ["gate", "promotion"])
def test_what_the_store_remembers_is_completed(tmp_path: Path, kind: str) -> None:
    """By the store that the line or the environment names; one that is not there has no names and is not made."""
    url = f"sqlite:///{tmp_path / 'fleet.db'}"
    assert completed(f"slo {kind}s forget --store {url} 1.") == []
    assert not (tmp_path / "fleet.db").exists()
    with Store.open(url) as store, store.begin() as tx:
        for name in ("1.4.0", "1.5.0", "nightly"):
            tx.remember(store.recall(kind, name), "{}")
    assert completed(f"slo {kind}s forget --store {url} 1.") == ["1.4.0", "1.5.0"]


_ASKED = """
env() { echo "plain,$REPLY_WITH"; }
compopt() { echo "$@"; }
_hybridobs_completion
echo "$COMPREPLY"
"""


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("version=", "-o nospace\nversion=\n"),
        ("planned:", "-o nospace\nplanned:\n"),
        ("tier,model", "tier,model\n"),
    ],
)
def test_bash_puts_no_space_behind_a_label(word: str, said: str) -> None:
    """A value follows there; a word that is whole has its space."""
    script = CliRunner().invoke(main, ["completion", "bash"], prog_name="hybridobs").output + _ASKED
    done = subprocess.run(["bash", "-c", script], env={"REPLY_WITH": word}, capture_output=True, text=True, check=True)
    assert done.stdout == said


def test_fish_gets_labels_with_their_commas() -> None:
    """The first comma ends the kind of what is offered, and the rest is the word."""
    script = CliRunner().invoke(main, ["completion", "fish"], prog_name="hybridobs").output
    assert script.count("string split") == script.count('string split --max 1 ","') == 1

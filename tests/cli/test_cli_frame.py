"""The frame of the command line: help, exit codes, errors, colour, and what is not loaded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import hybridobs.cli
from hybridobs.cli import main
from hybridobs.cli._commands import ABOUT

Run = Callable[..., Result]
HEAVY = (
    "numpy",
    "sqlalchemy",
    "grpc",
    "aiohttp",
    "prometheus_client",
    "opentelemetry",
    "rich",
    "sklearn",
    "onnxruntime",
)


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


ALL = list(commands())


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) for path, _ in ALL])
def test_documented(path: tuple[str, ...], command: click.Command) -> None:
    """Every command says what it does, explains every option and shows an example of itself."""
    text = CliRunner().invoke(main, [*path, "--help"], prog_name="hybridobs").output
    assert command.help and f"hybridobs {' '.join(path)}" in text.split("Examples:")[1]
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_the_overview_has_every_command() -> None:
    """Each line of it is a command of that name, and no file of a command is left out."""
    context = click.Context(main)
    for name in ABOUT:
        command = main.get_command(context, name)
        assert command is not None and command.name == name
    files = {path.stem for path in Path(hybridobs.cli.__file__).parent.glob("[a-z]*.py")}
    assert files <= set(ABOUT)


def test_a_command_that_is_nearly_right() -> None:
    """The error names the one that was meant."""
    said = CliRunner().invoke(main, ["storr"])
    assert said.exit_code == 2 and "Did you mean" in said.output and "'store'" in said.output


def test_help_loads_nothing_heavy() -> None:
    """``hybridobs --help`` answers without loading a single heavy library."""
    code = (
        "import sys; from hybridobs.cli import main; main(['kpi', '--help'], standalone_mode=False); "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_module() -> None:
    """``python -m hybridobs`` is the same program."""
    done = subprocess.run([sys.executable, "-m", "hybridobs", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("hybridobs, version ")


NARROWED = (["kpi"], ["report"], ["top"], ["drift", "show"], ["devices", "list"], ["store", "export"])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["kpi", "--store", "nonsense"], "store="),
        (["kpi", "--store", "sqlite:////nowhere/at/all.db"], "store="),
        (["kpi", "latency_p59"], "'latency_p95'"),
        (["kpi", "--by", "teir"], "did you mean 'tier'"),
        (["kpi", "--where", "tier"], "label=value"),
        *(([*words, "--where", "tier=a", "--where", "tier=b"], "gives 'tier' two values") for words in NARROWED),
        (["kpi", "--since", "yesterday"], "15m, 1h, 2d"),
        (["trace", "show", "xyz"], "32 hexadecimal digits"),
        (["collector", "run", "/nowhere.py"], "does not exist"),
        (["demo", "--seconds", "1"], "seconds=1.0"),
        (["demo", "--devices", "0"], "devices=0"),
        (["demo", "--seconds", "nan"], "seconds=nan"),
        (["demo", "--dir", "/dev/null/x"], "dir="),
    ],
)
def test_wrong_usage(run: Run, words: list[str], says: str) -> None:
    """Wrong usage or a wrong setting ends with code 2 and one line that says how to do better."""
    result = run(*words)
    assert result.exit_code == 2 and says in result.stderr and "Traceback" not in result.output


def test_unreachable_store(run: Run) -> None:
    """A database that does not answer ends with code 5 and one line."""
    result = run("kpi", "--store", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert result.exit_code == 5 and result.stderr.startswith("Error: ") and len(result.stderr.splitlines()) == 1


def test_a_mistake_of_ours_is_no_verdict(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """1 would say that an objective is broken: it is 70, with one line."""
    monkeypatch.setattr("hybridobs.cli._options.time.time", lambda: 1 / 0)
    result = run("kpi", "--since", "1h")
    assert result.exit_code == 70 and result.stderr.startswith("Error: this is a mistake in hybridobs")
    assert "ZeroDivisionError" in result.stderr and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("store", "code", "kind"),
    [
        ("sqlite:////nowhere/none.db", 2, "ConfigError"),
        ("postgresql+psycopg://nobody@127.0.0.1:1/none", 5, "StoreUnreachable"),
    ],
)
def test_debug(run: Run, monkeypatch: pytest.MonkeyPatch, store: str, code: int, kind: str) -> None:
    """HYBRIDOBS_DEBUG=1 shows the traceback before the line, and the exit code stays what it is."""
    monkeypatch.setenv("HYBRIDOBS_DEBUG", "1")
    result = run("kpi", "--store", store)
    assert result.exit_code == code and result.stderr.startswith("Traceback")
    assert kind in result.stderr and result.stderr.splitlines()[-1].startswith("Error: ")


def test_debug_of_a_mistake_of_ours(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says where it is, and it still is 70."""
    monkeypatch.setenv("HYBRIDOBS_DEBUG", "1")
    monkeypatch.setattr("hybridobs.cli._options.time.time", lambda: 1 / 0)
    result = run("kpi", "--since", "1h")
    assert result.exit_code == 70 and "in moment" in result.stderr


def test_store_from_environment(run: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """HYBRIDOBS_STORE names the store where --store is not given."""
    monkeypatch.setenv("HYBRIDOBS_STORE", url)
    assert "300" in run("kpi", "calls").output


@pytest.mark.parametrize(("words", "environment"), [(["--no-color"], {}), ([], {"NO_COLOR": "1"})])
def test_no_colour(url: str, words: list[str], environment: dict[str, str]) -> None:
    """--no-color and NO_COLOR print plain text even on a terminal."""
    words = ["kpi", "calls", "latency_p99", "--store", url, *words]
    result = CliRunner(env=environment).invoke(main, words, color=True)
    assert "\x1b[" not in result.output


def test_no_colour_for_all(url: str) -> None:
    """--no-color may stand before the command as well."""
    result = CliRunner().invoke(main, ["--no-color", "kpi", "--store", url], color=True)
    assert "\x1b[" not in result.output


def test_colour_on_a_terminal(url: str) -> None:
    """A terminal gets colour."""
    assert "\x1b[" in CliRunner().invoke(main, ["kpi", "--store", url], color=True).output


def test_interrupted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends any command with code 130 and no traceback."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hybridobs.store.Store.open", interrupt)
    result = run("kpi")
    assert result.exit_code == 130 and result.stderr == "Interrupted.\n"


def test_ctrl_c_inside_an_extension_module(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that its import failed, because of a Ctrl-C, which is no mistake of ours."""

    def broken() -> float:
        raise ImportError("initialization failed") from KeyboardInterrupt()

    monkeypatch.setattr("hybridobs.cli._options.time.time", broken)
    result = run("kpi", "--since", "1h")
    assert result.exit_code == 130 and result.stderr == "Interrupted.\n"


def test_ascii_output(url: str) -> None:
    """An output that can only carry ASCII loses a sign, not the answer."""
    words = [sys.executable, "-m", "hybridobs", "kpi", "latency_p50", "--by", "tier", "--store", url]
    words += ["--where", "tier=device"]
    done = subprocess.run(words, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"}, check=True)
    assert b"ms" in done.stdout

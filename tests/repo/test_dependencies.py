"""Which room may know which library, and that what it needs is declared where its users install it."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]

# room -> (the extra that a user of it installs, the third-party packages it may import)
ROOMS: dict[str, tuple[str, set[str]]] = {
    "__init__": ("", set()),
    "__main__": ("", set()),
    "contract": ("", set()),
    "errors": ("", set()),
    "locks": ("", set()),
    "privacy": ("", set()),
    "kpi": ("", set()),
    "sdk": ("", {"opentelemetry", "urllib3"}),
    "store": ("collector", {"sqlalchemy", "alembic", "numpy", "psycopg"}),
    "collector": (
        "collector",
        {
            "opentelemetry.proto",
            "google.protobuf",
            "google.rpc",
            "grpc",
            "aiohttp",
            "numpy",
            "prometheus_client",
            "zstandard",
        },
    ),
    "serve": ("collector", {"cramjam", "google.protobuf", "numpy", "prometheus_client", "re2"}),
    "remote": ("", {"urllib3"}),
    "doctor": ("", {"urllib3"}),
    "slo": ("collector", {"yaml"}),
    "grafana": ("dashboards", {"grafanalib"}),
    "report": ("report", {"jinja2", "markupsafe", "vl_convert"}),
    "demo": ("demo", {"numpy", "onnx", "onnxruntime", "skl2onnx", "sklearn", "aiohttp"}),
    "simulate": ("collector", set()),
    "local": ("collector", {"yaml"}),
    "cli": ("collector", {"click", "rich"}),
    "testing": ("testing", {"pytest"}),
}
# What a tool of a room imports when it is used (`hybridobs spool export`, training data); it names a missing extra.
TOOLS: dict[str, set[str]] = {"sdk": {"opentelemetry.proto", "google.protobuf"}, "cli": {"numpy", "pyarrow"}}
# import name -> what is installed, where the two differ
DISTRIBUTIONS = {
    "google.protobuf": "protobuf",
    "google.rpc": "googleapis-common-protos",
    "grpc": "grpcio",
    "openfeature": "openfeature-flagd-core",
    "opentelemetry": "opentelemetry-api",
    "opentelemetry.exporter": "opentelemetry-exporter-otlp",
    "opentelemetry.instrumentation": "opentelemetry-instrumentation-requests",
    "opentelemetry.proto": "opentelemetry-proto",
    "opentelemetry.sdk": "opentelemetry-sdk",
    "paho": "paho-mqtt",
    "markupsafe": "jinja2",
    "re2": "google-re2",
    "sklearn": "scikit-learn",
    "vl_convert": "vl-convert-python",
    "yaml": "pyyaml",
}


def imports(path: Path) -> set[str]:
    """Top names of the packages that a file imports, wherever in the file it does so."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {distributed(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(distributed(node.module))
    return found - sys.stdlib_module_names - {"hybridobs"}


def distributed(module: str) -> str:
    """The part of a module's name that one distribution brings: two words in the packages that many share."""
    two = ".".join(module.split(".")[:2])
    return two if two in DISTRIBUTIONS else module.split(".")[0]


def third_party(room: str) -> set[str]:
    folder, module = ROOT / "hybridobs" / room, ROOT / "hybridobs" / f"{room}.py"
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [module] if module.exists() else []
    return set().union(*map(imports, files))


def declared(extra: str) -> set[str]:
    """Names of the distributions that an extra brings, with the base and the extras inside it."""
    names: set[str] = set()
    for line in PROJECT["dependencies"] + EXTRAS.get(extra, []):
        name = line.split(";")[0].split(">")[0].split("=")[0].strip()
        if name.startswith("hybridobs["):
            for inner in name.removeprefix("hybridobs[").rstrip("]").split(","):
                names |= declared(inner)
        names.add(name.split("[")[0])
    return names


def test_every_room_is_listed() -> None:
    """A new room says here which libraries it may know."""
    package = ROOT / "hybridobs"
    rooms = {p.stem for p in package.glob("*.py")} | {p.parent.name for p in package.glob("*/__init__.py")}
    assert rooms - set(ROOMS) == set()


@pytest.mark.parametrize("room", ROOMS)
def test_room_knows_only_its_libraries(room: str) -> None:
    """One room knows SQL, one knows Grafana, and meanings know no library at all."""
    assert third_party(room) - ROOMS[room][1] - TOOLS.get(room, set()) == set()


@pytest.mark.parametrize("room", ROOMS)
def test_what_a_room_imports_is_declared(room: str) -> None:
    """Installing the room's extra is enough to use the room."""
    extra, _ = ROOMS[room]
    needed = {DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in third_party(room) - TOOLS.get(room, set())}
    assert needed - declared(extra) == set()


def test_what_tests_and_benchmarks_import_is_declared() -> None:
    """`make check` needs nothing that happens to be on somebody's machine."""
    folders = [ROOT / name for name in ("tests", "benchmarks", "docs", "dashboards", "collectors", "examples")]
    files = [path for folder in folders for path in folder.rglob("*.py") if "node_modules" not in path.parts]
    own = {path.stem for path in files} | {path.parent.name for path in files} | {"tests"}
    needed = set().union(*map(imports, files)) - own
    assert {DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in needed} - declared("dev") == set()


def test_all_is_all() -> None:
    """`hybridobs[all]` brings what every extra of a user brings."""
    users = set(EXTRAS) - {"all", "dev", "testing"}  # nobody runs tests where it runs
    assert declared("all") >= set().union(*map(declared, users))

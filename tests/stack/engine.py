"""A container engine of our own, and the stack in it: built from what this machine has, brought up, asked, hurt.

Everything lies below ``HYBRIDOBS_STACK_CACHE`` (default ``~/.cache/hybridobs-stack``); images stay there between runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from hybridobs.store import Store, StreamState
from tests.ports import free_port
from tests.stack import base

ROOT = Path(__file__).parents[2]
CACHE = Path(os.environ.get("HYBRIDOBS_STACK_CACHE") or Path.home() / ".cache" / "hybridobs-stack")
INSTALL = "apt-get install -y --no-install-recommends docker.io prometheus-alertmanager postgresql binutils"
FILES = ("compose.yaml", "tests/stack/compose.test.yaml")
BASE, OTELCOL, PROMETHEUS = "localhost/hybridobs-test-base", "localhost/otelcol", "localhost/prometheus"
PORTS = ("OTLP", "DATABASE", "PROMETHEUS", "ALERTMANAGER", "HOOK")
DISKS = {"database": "400m", "queue": "64m"}  # small, so that they can be filled
_READY_S, _UP_S = 60, 400


class Engine:
    """One dockerd, with a socket of its own and without a hand on the machine's firewall."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.socket = home / "docker.sock"
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{self.socket}", "COMPOSE_PROGRESS": "quiet"}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run it meanwhile; RuntimeError with its last words when it does not start."""
        program = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        if program is None or os.geteuid() != 0:
            raise RuntimeError(f"the container tests need root and dockerd: {INSTALL}")
        self.home.mkdir(parents=True, exist_ok=True)
        words = [f"--data-root={CACHE / 'images'}", f"--exec-root={self.home / 'exec'}", f"-Hunix://{self.socket}"]
        words += [f"--pidfile={self.home / 'pid'}", "--iptables=false", "--ip6tables=false", "--bridge=none"]
        with (self.home / "log").open("wb") as log:
            process = subprocess.Popen([program, *words], stdout=log, stderr=log)
        try:
            self._wait(process)
            yield
        finally:
            process.terminate()
            process.wait(60)
            mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
            for place in (place for place in mounted if place.startswith(f"{self.home}/exec/")):
                subprocess.run(["umount", "--lazy", place], check=True)  # it leaves the host's network there

    def docker(self, *words: str, **options: Any) -> str:
        """What `docker …` says; CalledProcessError when it fails."""
        command = ["docker", *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, **options)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr[-3000:]}")
        return str(done.stdout)

    def log(self, container: str) -> str:
        """What it said last, on both channels."""
        command = ["docker", "logs", "--tail", "15", container]
        both: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return str(subprocess.run(command, env=self.environment, text=True, check=False, **both).stdout)

    def has(self, image: str, key: str) -> bool:
        """Whether an image is there that was made from the same things; then it is the latest of its name."""
        with suppress(RuntimeError):
            self.docker("tag", f"{image}:{key}", f"{image}:latest")
            return True
        return False

    def take(self, image: str, key: str, tarball: Path, *changes: str) -> None:
        """Make an image out of a tarball."""
        options = [word for change in changes for word in ("--change", change)]
        self.docker("import", *options, str(tarball), f"{image}:{key}")
        self.docker("tag", f"{image}:{key}", f"{image}:latest")

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_S
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(RuntimeError):
                self.docker("info")
                return
            time.sleep(0.2)
        raise RuntimeError(f"dockerd does not run here: {(self.home / 'log').read_text()[-3000:]}")


class Fleet:
    """The demo's devices as processes of this machine: they reach the stack as devices do, by the published port."""

    def __init__(self, home: Path, endpoint: str) -> None:
        self.home = home
        self._endpoint = endpoint
        self._command = [sys.executable, "-m", "hybridobs", "demo", "--endpoint", endpoint, "--dir", str(home)]
        self._command += ["--devices", "2", "--rate", "10"]
        self._process: subprocess.Popen[bytes] | None = None
        self._before: Counter[str] = Counter()

    def start(self) -> None:
        """Begin (again), and wait for the first inferences."""
        self._before, self._process = Counter(self.sent()), None
        (self.home / "sent.json").unlink(missing_ok=True)
        self.home.mkdir(exist_ok=True)
        with (self.home.parent / "fleet.log").open("wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        deadline = time.monotonic() + _READY_S * 2
        while not (self.home / "sent.json").exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the fleet does not run: {self._last_words()}")
            time.sleep(0.5)

    def stop(self) -> None:
        """End, when everything is handed over; safe twice. RuntimeError if it had ended by itself, or badly."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            if code := process.wait(120):
                raise RuntimeError(f"the fleet ended with {code}: {self._last_words()}")

    def drain(self) -> str:
        """Send what a device could not hand over before it ended and left on disk; what the command says of it."""
        words = [sys.executable, "-m", "hybridobs", "spool", "drain", "--endpoint", self._endpoint]
        places = sorted((self.home / "spool").iterdir())
        done = [subprocess.run([*words, str(place)], capture_output=True, text=True, check=False) for place in places]
        return "\n".join(f"{place.name}: {one.stdout}{one.stderr}" for place, one in zip(places, done, strict=True))

    def sent(self) -> Counter[str]:
        """Its own books: inferences by service, of all its lives."""
        file = self.home / "sent.json"
        return self._before + Counter(json.loads(file.read_text()) if file.exists() else {})

    def _last_words(self) -> str:
        return (self.home.parent / "fleet.log").read_text()[-3000:]


class Stack:
    """compose.yaml with the test's changes, in an engine, on free ports."""

    def __init__(self, engine: Engine, disks: Path, *more: str) -> None:
        self.engine = engine
        self.ports = {name: free_port() for name in PORTS}
        self._files = [word for file in (*FILES, *more) for word in ("-f", file)]
        self._environment = {
            **engine.environment,
            **{f"TEST_{name}": str(port) for name, port in self.ports.items()},
            **{f"TEST_DISK_{name.upper()}": str(disks / name) for name in DISKS},
        }
        self.disks = disks
        self.fleet = Fleet(disks.parent / "fleet", f"http://127.0.0.1:{self.ports['OTLP']}")

    def compose(self, *words: str) -> str:
        """What `docker compose …` says."""
        program = shutil.which("docker-compose", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        command = [program or "docker-compose", *self._files, *words]
        done = subprocess.run(command, cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"docker compose {' '.join(words)}: {done.stderr[-3000:]}\n{self._wounds()}")
        return str(done.stdout)

    @contextmanager
    def up(self) -> Iterator[Stack]:
        """Built, brought up, well, with the fleet at work; and gone at the end, with its volumes."""
        try:
            self.compose("build")
            self.compose("up", "--detach", "--wait", "--wait-timeout", str(_UP_S))
            self.fleet.start()
            yield self
        finally:
            self.fleet.stop()
            self.compose("down", "--volumes", "--timeout", "20", "--remove-orphans")

    def kill(self, service: str, away_s: float) -> None:
        """kill -9, and it is started again after a while."""
        container = self.compose("ps", "--all", "--quiet", service).strip()
        self.engine.docker("kill", container)
        time.sleep(away_s)
        self.engine.docker("start", container)

    def ask(self, part: str, path: str, **query: str) -> Any:
        """JSON from the HTTP API of a part."""
        url = f"http://127.0.0.1:{self.ports[part]}{path}{'?' + urlencode(query) if query else ''}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)

    def promql(self, expression: str, **at: str) -> list[dict[str, Any]]:
        """What Prometheus answers."""
        found: list[dict[str, Any]] = self.ask("PROMETHEUS", "/api/v1/query", query=expression, **at)["data"]["result"]
        return found

    @property
    def store_url(self) -> str:
        """The database, by its published port, with the password that was made at the first start."""
        password = self.compose("exec", "-T", "database", "cat", "/prepared/password/database").strip()
        return f"postgresql+psycopg://hybridobs:{password}@127.0.0.1:{self.ports['DATABASE']}/hybridobs"

    def streams(self) -> list[StreamState]:
        """What the store knows of every stream."""
        with Store.open(self.store_url, create=False) as store:
            return list(store.streams())

    def _wounds(self) -> str:
        """What the parts that are not well said last."""
        with suppress(RuntimeError):
            names = self.engine.docker("ps", "--all", "--format", "{{.Names}} {{.Status}}").splitlines()
            hurt = [name for name in names if "(healthy)" not in name]
            logs = [self.engine.log(name.split()[0]) for name in hurt]
            return "\n".join(f"== {name}\n{log}" for name, log in zip(hurt, logs, strict=True))
        return ""


@contextmanager
def prepared(*more: str) -> Iterator[Stack]:
    """An engine that runs, with the images that cannot be pulled; the stack is not up yet."""
    with TemporaryDirectory(prefix="hybridobs-stack-") as made:
        engine = Engine(Path(made))
        with _small_disks(Path(made) / "disks") as disks, engine.running():
            _base_image(engine, Path(made))
            _program_image(engine, Path(made), OTELCOL, "tests/otelcol/build.sh", "otelcol-contrib")
            _program_image(engine, Path(made), PROMETHEUS, "tests/prometheus/build.sh", "prometheus")
            yield Stack(engine, disks, *more)


@contextmanager
def _small_disks(place: Path) -> Iterator[Path]:
    """A file system of its own for each part that keeps something, small enough to be filled."""
    for name, size in DISKS.items():
        (place / name).mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "hybridobs-test", str(place / name)], check=True)
    try:
        yield place
    finally:
        for name in DISKS:
            subprocess.run(["umount", "--lazy", str(place / name)], check=True)


def _base_image(engine: Engine, folder: Path) -> None:
    said = subprocess.run(["dpkg-query", "-W"], capture_output=True, text=True, check=True).stdout
    key = hashlib.sha256((said + Path(base.__file__).read_text()).encode()).hexdigest()[:16]
    if not engine.has(BASE, key):
        base.tarball(folder / "base.tar")
        engine.take(BASE, key, folder / "base.tar")
        (folder / "base.tar").unlink()


def _program_image(engine: Engine, folder: Path, image: str, build: str, name: str) -> None:
    """An image of one program that a script of ours builds, called as its public image has it."""
    built = subprocess.run([str(ROOT / build)], capture_output=True, text=True, check=False)
    if built.returncode:
        raise RuntimeError(f"{build} fails here: {built.stderr[-3000:]}")
    program = Path(built.stdout.strip())
    if not engine.has(image, program.name):
        shutil.copy(program, folder / name)
        subprocess.run(["tar", "-cf", "program.tar", name], cwd=folder, check=True)
        engine.take(image, program.name, folder / "program.tar", f'ENTRYPOINT ["/{name}"]')
        (folder / "program.tar").unlink()
        (folder / name).unlink()

"""A base image out of the Debian packages of this machine, for where no image registry can be reached.

``tarball`` writes the files of some installed packages and of all that they depend on: what `docker import` takes. It
stands in for python, prom/alertmanager, postgres and busybox in the container tests.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

PACKAGES = (
    *("bash", "dash", "coreutils", "findutils", "grep", "sed", "tar", "gzip", "passwd", "util-linux", "debianutils"),
    *("python3", "python3-venv", "ca-certificates", "wget", "netbase", "libc-bin", "binutils"),
    *("prometheus-alertmanager", "postgresql", "postgresql-common"),
)
# Large, and used by nothing that the stack does.
LEFT_OUT = re.compile(r"libllvm.*|llvm.*|libicu-dev|javascript-common|libjs-.*|systemd.*|man-db|perl-modules.*|gcc-.*")
FILES_LEFT_OUT = re.compile(
    r"/usr/share/(doc|man|locale|info|lintian|bug|javascript)/|/var/lib/(apt|dpkg)/|/var/cache/|\.a$|llvmjit"
)
MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
USERS = "root:x:0:0::/root:/bin/bash\nnobody:x:65534:65534::/nonexistent:/bin/false\n"
GROUPS = "root:x:0:\nnogroup:x:65534:\n"


def tarball(file: Path, packages: tuple[str, ...] = PACKAGES) -> None:
    """Write it; FileNotFoundError when a package is not installed."""
    with tarfile.open(file, "w") as tar:
        _skeleton(tar)
        _settings(tar)
        there = set(tar.getnames())  # a name may be there once only
        for path in sorted(set(_files(_closure(packages)))):
            name = str(path).lstrip("/")
            if name not in there:
                tar.add(path, arcname=name, recursive=False)


def _closure(packages: tuple[str, ...]) -> set[str]:
    """The packages and what they depend on, as far as it is installed."""
    options = ("--recurse", "--installed", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks")
    command = ["apt-cache", "depends", *options, "--no-replaces", "--no-enhances", *packages]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = {line for line in said.splitlines() if line and not line.startswith((" ", "<"))}
    if missing := set(packages) - {name.split(":")[0] for name in names}:
        raise FileNotFoundError(f"apt-get install -y --no-install-recommends {' '.join(sorted(missing))}")
    return {name for name in names if not LEFT_OUT.fullmatch(name)}


def _files(packages: set[str]) -> Iterator[Path]:
    """Files, links and directories of the packages by their real place: /bin/bash lies in /usr/bin."""
    said = subprocess.run(["dpkg", "-L", *sorted(packages)], capture_output=True, text=True).stdout
    for line in said.splitlines():
        path = Path(line)
        if not line.startswith("/") or FILES_LEFT_OUT.search(line) or not (path.exists() or path.is_symlink()):
            continue
        real = path.parent.resolve() / path.name
        if real.parts[1:2] and not (len(real.parts) == 2 and real.parts[1] in MERGED):
            yield real


def _skeleton(tar: tarfile.TarFile) -> None:
    for name in MERGED:
        if Path(f"/{name}").is_symlink():
            tar.add(f"/{name}", arcname=name, recursive=False)
    for name, mode in (("tmp", 0o1777), ("root", 0o700), ("proc", 0o555), ("sys", 0o555), ("dev", 0o755)):
        _directory(tar, name, mode)


def _settings(tar: tarfile.TarFile) -> None:
    """What packages make when they are set up, and how this machine reaches its package registry."""
    tar.add("/etc/alternatives", arcname="etc/alternatives")
    tar.add("/etc/ssl/certs/ca-certificates.crt", arcname="etc/ssl/certs/ca-certificates.crt")
    tar.add("/etc/ld.so.cache", arcname="etc/ld.so.cache")
    python = tarfile.TarInfo("usr/local/bin/python")
    python.type, python.linkname = tarfile.SYMTYPE, "/usr/bin/python3"
    tar.addfile(python)
    for name, text in (("etc/passwd", USERS), ("etc/group", GROUPS), ("etc/shadow", ""), ("etc/pip.conf", _pip())):
        entry = tarfile.TarInfo(name)
        entry.size = len(text)
        entry.mode = 0o644
        tar.addfile(entry, io.BytesIO(text.encode()))


def _pip() -> str:
    """The settings of this machine's pip, with the certificates that the image holds."""
    said = subprocess.run(["pip", "config", "list"], capture_output=True, text=True, check=False).stdout
    index = re.search(r"index-url='([^']+)'", said)
    lines = ["[global]", "cert = /etc/ssl/certs/ca-certificates.crt", *([f"index-url = {index[1]}"] if index else [])]
    return "\n".join(lines) + "\n"


def _directory(tar: tarfile.TarFile, name: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    tar.addfile(entry)

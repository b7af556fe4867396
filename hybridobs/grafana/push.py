"""Boards onto a Grafana server, by its HTTP API: first what would change, then the change.

Nothing is sent over plain HTTP to another machine with a token in it, unless somebody insists; redirects are not
followed, because the token would go with them.
"""

from __future__ import annotations

import ipaddress
import json
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from hybridobs.errors import ConfigError

Json = dict[str, Any]
TOKEN = "HYBRIDOBS_GRAFANA_TOKEN"  # noqa: S105  (the name of the variable)
_THEIRS = ("id", "version", "iteration")  # what the server counts itself
_MOST_BYTES = 32 << 20
_HELP = {
    401: f"does not know the token; make one for a service account and put it into {TOKEN}",
    403: "does not let this token do that; its service account needs the role Editor",
    404: "has no such address; is this the URL of a Grafana, with its path if it has one?",
    412: "has a newer board of that name; look at it, or push again to replace it",
}


class Change(NamedTuple):
    """What a push would do to one board: ``new``, ``changed`` or ``same``, and what differs."""

    uid: str
    title: str
    what: str
    differs: tuple[str, ...] = ()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class Grafana:
    """One server; every failure is a ConfigError that says what to do."""

    def __init__(self, url: str, token: str, *, plain_http: bool = False, timeout: float = 20.0) -> None:
        self.url = _checked(url, token, plain_http=plain_http)
        self._token = token
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_NoRedirect)

    def changes(self, boards: Iterable[Json]) -> Iterator[Change]:
        """What pushing these boards would change; nothing is written."""
        for board in boards:
            found = self._get(f"/api/dashboards/uid/{quote(board['uid'])}")
            if found is None:
                yield Change(board["uid"], board["title"], "new")
                continue
            differs = tuple(differences(found["dashboard"], board))
            yield Change(board["uid"], board["title"], "changed" if differs else "same", differs)

    def push(self, board: Json, folder: str, message: str) -> str:
        """Write one board into the folder with this uid; its address on the server."""
        body = {"dashboard": {**board, "id": None}, "folderUid": folder, "message": message, "overwrite": True}
        answer = self._send("POST", "/api/dashboards/db", body)
        return f"{self.url}{answer.get('url', '')}"

    def folder(self, title: str) -> str:
        """The uid of the folder with this title, made if there is none."""
        for found in self._get("/api/folders?limit=1000") or []:
            if found["title"] == title:
                return str(found["uid"])
        return str(self._send("POST", "/api/folders", {"title": title})["uid"])

    def _get(self, path: str) -> Any:
        """What stands there; None if nothing does."""
        try:
            return self._send("GET", path, None)
        except _Absent:
            return None

    def _send(self, method: str, path: str, body: Json | None) -> Any:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}{path}", data, headers, method=method)  # noqa: S310 (checked)
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return json.loads(answer.read(_MOST_BYTES))
        except urllib.error.HTTPError as error:
            raise self._refused(error, method, path) from None
        except (OSError, ValueError) as error:
            raise ConfigError("url", self.url, f"does not answer as a Grafana does: {error}") from error

    def _refused(self, error: urllib.error.HTTPError, method: str, path: str) -> ConfigError:
        said = _message(error)
        if error.code == 404 and method == "GET" and said:  # Grafana says so in JSON; another server in HTML
            return _Absent("url", self.url, said)
        if 300 <= error.code < 400:
            return ConfigError("url", self.url, f"sends on to {error.headers.get('Location')}; give that address")
        hint = _HELP.get(error.code, f"answered {error.code} to {method} {path.partition('?')[0]}")
        if "provisioned" in said.lower():
            hint = "got these boards from files (provisioning); change the files, or push to another folder and uid"
        return ConfigError("url", self.url, f"{hint}{f' ({said})' if said else ''}")


class _Absent(ConfigError):
    """Grafana has nothing of that name."""


def differences(theirs: Json, ours: Json) -> Iterator[str]:
    """What differs between two boards, panel by panel, in words."""
    before, after = (_panels(board) for board in (theirs, ours))
    yield from (f"+ {after[key]['title']}" for key in after.keys() - before.keys())
    yield from (f"- {before[key].get('title', key)}" for key in before.keys() - after.keys())
    yield from (f"~ {after[key]['title']}" for key in after if key in before and before[key] != after[key])
    for key in sorted(theirs.keys() | ours.keys()):
        if key not in (*_THEIRS, "panels") and theirs.get(key) != ours.get(key):
            yield f"~ {key} of the board"


def _panels(board: Json) -> dict[int, Json]:
    return {panel["id"]: panel for panel in board.get("panels", []) if panel.get("type") != "row" and "id" in panel}


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(4000)).get("message", ""))
    except (ValueError, AttributeError):
        return ""


def _checked(url: str, token: str, *, plain_http: bool) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError("url", url, "is no address of a Grafana; write it as https://grafana.example")
    if parts.username or parts.password:
        raise ConfigError("url", f"{parts.scheme}://…@{parts.hostname}", f"put a token into {TOKEN}, not into the URL")
    if parts.scheme == "http" and token and not plain_http and not _loopback(parts.hostname):
        raise ConfigError("url", url, "would send the token unencrypted; use https, or insist with --plain-http")
    return url.rstrip("/")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

"""A small Grafana: the parts of its HTTP API that a push uses, strict about what it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TOKEN = "glsa_secret"
Json = dict[str, Any]


class GrafanaStub(ThreadingHTTPServer):
    """Folders and dashboards in memory; ``asked`` holds every request line, ``provisioned`` uids it will not save."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folders: dict[str, str] = {}
        self.dashboards: dict[str, Json] = {}
        self.asked: list[str] = []
        self.provisioned: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[GrafanaStub]:
        """Serve while the block runs."""
        thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: GrafanaStub

    def do_GET(self) -> None:
        if not self._let_in():
            return
        if self.path.startswith("/api/folders"):
            self._say(200, [{"uid": uid, "title": title} for uid, title in self.server.folders.items()])
            return
        uid = self.path.removeprefix("/api/dashboards/uid/")
        found = self.server.dashboards.get(uid)
        self._say(*((200, {"dashboard": found, "meta": {}}) if found else (404, {"message": "Dashboard not found"})))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._let_in():
            return
        if self.path == "/api/folders":
            uid = f"f{len(self.server.folders) + 1}"
            self.server.folders[uid] = body["title"]
            self._say(200, {"uid": uid, "title": body["title"]})
        elif self.path == "/api/dashboards/db":
            self._save(body)
        else:
            self._say(404, {"message": "Not found"})

    def _save(self, body: Json) -> None:
        assert set(body) == {"dashboard", "folderUid", "message", "overwrite"}, sorted(body)
        board = body["dashboard"]
        if board["uid"] in self.server.provisioned:
            self._say(400, {"message": "Cannot save provisioned dashboard"})
        elif body["folderUid"] not in self.server.folders or board["id"] is not None or not board["title"]:
            self._say(400, {"message": "bad dashboard"})
        else:
            version = self.server.dashboards.get(board["uid"], {}).get("version", 0) + 1
            self.server.dashboards[board["uid"]] = {**board, "id": 7, "version": version}
            self._say(
                200, {"uid": board["uid"], "url": f"/d/{board['uid']}/x", "status": "success", "version": version}
            )

    def _let_in(self) -> bool:
        self.server.asked.append(f"{self.command} {self.path}")
        if self.headers.get("Authorization") == f"Bearer {TOKEN}":
            return True
        self._say(401, {"message": "Invalid API key"})
        return False

    def _say(self, status: int, said: Any) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass

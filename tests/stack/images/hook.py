"""Takes what an Alertmanager posts and shows it again: ``GET /`` answers all alerts so far, as JSON."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer

heard: list[object] = []


class Hook(BaseHTTPRequestHandler):
    """One list of alerts."""

    def do_POST(self) -> None:
        """Keep what is told."""
        heard.extend(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["alerts"])
        self._answer(b"")

    def do_GET(self) -> None:
        """Show what was told."""
        self._answer(json.dumps(heard).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    HTTPServer(("0.0.0.0", 9095), Hook).serve_forever()

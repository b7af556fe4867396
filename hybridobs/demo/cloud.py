"""The demo's cloud service: a larger ONNX model behind HTTP, on the same trace as the device that asked.

``POST /answer`` takes 64 little-endian float32 pixels and answers ``{"digit": 3, "confidence": 0.98}``.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import hybridobs
from hybridobs.demo._child import Account, listen, say, stopping
from hybridobs.demo.fleet import CLOUD, CLOUD_MODEL, CLOUD_PRICE_USD, CLOUD_VERSION, service
from hybridobs.demo.models import PIXELS, Classifier, model_path

_BODY_BYTES = 4 * PIXELS
_REPORT_EVERY_S = 0.5


class Service:
    """Answers pixels; one call is one inference of the large model."""

    def __init__(self, models: Path) -> None:
        import numpy as np

        self._numpy = np
        self._classify = Classifier(model_path(models, CLOUD_MODEL, CLOUD_VERSION))

    @hybridobs.observe(
        model=CLOUD_MODEL, version=CLOUD_VERSION, task="classify", precision="fp32", runtime="onnxruntime"
    )
    def answer(self, body: bytes) -> dict[str, Any]:
        call = hybridobs.current()
        with call.phase("preprocess"):
            pixels = self._numpy.frombuffer(body, dtype="<f4")
        with call.phase("inference"):
            digit, confidence = self._classify(pixels)
        call.confidence(confidence)
        call.cost(CLOUD_PRICE_USD, currency="USD")
        return {"digit": digit, "confidence": confidence}


def handler(cloud: Service, account: Account) -> type[BaseHTTPRequestHandler]:
    """The request handler class for one cloud."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 300.0

        def do_POST(self) -> None:
            if self.path != "/answer" or self.headers.get("Content-Length") != str(_BODY_BYTES):
                self.close_connection = True
                self.send_error(400, f"POST {_BODY_BYTES} bytes to /answer")
                return
            body = self.rfile.read(_BODY_BYTES)
            with hybridobs.link.extract(dict(self.headers.items())):
                answer = account.call(cloud.answer, body)
            self._send(json.dumps(answer).encode())

        def _send(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: the trace says it."""

    return Handler


def main(models: str, endpoint: str, spool: str) -> None:
    """Serve on a free loopback port until told to stop; then flush and report what was sent."""
    listen()
    hybridobs.configure(
        service=service(CLOUD),
        tier="cloud",
        device_class="cloud-cpu",
        site="region-1",
        channel="stable",
        endpoint=endpoint,
        spool=spool,
    )
    account = Account()
    with ThreadingHTTPServer(("127.0.0.1", 0), handler(Service(Path(models)), account)) as server:
        threading.Thread(target=server.serve_forever, name="demo-http", daemon=True).start()
        say("ready", port=server.server_address[1])
        while not stopping.wait(_REPORT_EVERY_S):
            say("progress", sent=account.sent)
        server.shutdown()
    account.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

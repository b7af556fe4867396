"""A cloud service that answers on the trace of whoever asks, and answers each request once however often it is sent.

``python examples/answering_service.py [PORT]``; ``offline_outbox.py`` asks it. Cohort, channel and device class are not
configured here: those of the device that asks are taken, if it sends them.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import hybridobs

hybridobs.configure(service="answers", tier="cloud")
answered: dict[str, bytes] = {}


@hybridobs.observe(model="digits-large", version="2.0.0", task="classify")
def answer(picture: bytes) -> bytes:
    hybridobs.current().confidence(0.99)
    return b"%d" % (sum(picture) % 10)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        picture = self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers["Idempotency-Key"]
        with hybridobs.link.extract(self.headers):
            if key not in answered:
                answered[key] = answer(picture)
        self.send_response(200)
        self.send_header("Content-Length", str(len(answered[key])))
        self.end_headers()
        self.wfile.write(answered[key])


with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Handler) as server:
    print(f"http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()

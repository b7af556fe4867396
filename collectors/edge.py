"""The relay of a site: run it with ``hybridobs collector run collectors/edge.py``.

Devices send to it as they would to the collector. What it has answered it keeps on disk until the collector has it, so
the way up may be cut for days. Whoever reaches it can write to it: set HYBRIDOBS_HTTP to an address of the site's own
network and name an access file in HYBRIDOBS_ACCESS. The token and certificates of the way up are the same settings that
a device has (docs/operating.md).
"""

import os

from hybridobs.collector import Relay, cap, deny, detect

collector = Relay(
    to=os.environ.get("HYBRIDOBS_UPSTREAM", "http://127.0.0.1:4318"),
    spool=os.environ.get("HYBRIDOBS_SPOOL"),
    http=os.environ.get("HYBRIDOBS_HTTP", "127.0.0.1:5318"),
    grpc=os.environ.get("HYBRIDOBS_GRPC", "127.0.0.1:5317"),
    redact=[deny("user.*", "enduser.*", "client.address"), detect(), cap(4096)],
    token=os.environ.get("HYBRIDOBS_TOKEN"),
    token_file=os.environ.get("HYBRIDOBS_TOKEN_FILE"),
    certificate=os.environ.get("HYBRIDOBS_CERTIFICATE"),
    client_certificate=os.environ.get("HYBRIDOBS_CLIENT_CERTIFICATE"),
    client_key=os.environ.get("HYBRIDOBS_CLIENT_KEY"),
)

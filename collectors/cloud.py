"""The collector in the cloud: run it with ``hybridobs collector run collectors/cloud.py``.

Whoever reaches it can write to it, so it listens on this machine only. To let others in set HYBRIDOBS_HTTP and
HYBRIDOBS_GRPC to 0.0.0.0:4318 and 0.0.0.0:4317, name an access file in HYBRIDOBS_ACCESS, and the files of a certificate
in HYBRIDOBS_TLS_CERT and HYBRIDOBS_TLS_KEY (docs/operating.md).
"""

import os

from hybridobs.collector import Collector, Limits
from hybridobs.serve import LiveKpis, LiveMeasures, RemoteRead, Summaries

collector = Collector(
    store=os.environ.get("HYBRIDOBS_STORE", "sqlite:///hybridobs.db"),
    http=os.environ.get("HYBRIDOBS_HTTP", "127.0.0.1:4318"),
    grpc=os.environ.get("HYBRIDOBS_GRPC", "127.0.0.1:4317"),
    limits=Limits(series=10_000),
    views=[LiveMeasures, LiveKpis],
    pages=[RemoteRead(), Summaries()],
)

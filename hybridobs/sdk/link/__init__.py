"""Carry the trace from one tier to the next: W3C ``traceparent`` and ``tracestate`` over HTTP, gRPC, MQTT and Kafka.

- HTTP: ``inject(headers, url=url)`` and ``with extract(request.headers):``
- gRPC: ``metadata(host=target)`` and ``with extract(context.invocation_metadata()):``
- MQTT 5: ``inject(properties)`` with paho's or with a list of pairs and ``text=True``; ``extract(message.properties)``
- Kafka: ``inject(headers)`` with a list of ``(str, bytes)``, and ``extract(message.headers())``
- without headers (MQTT 3.1.1): ``envelope(payload)``, and ``payload, headers = opened(message)`` before ``extract``

They work with whatever the application configured as global propagator, and beside ordinary instrumentations: an
instrumented client needs no ``inject``, an instrumented server no ``extract``. Cohort, channel and device class go
along as W3C baggage, only to hosts of the setting ``baggage_hosts``, so say ``url`` or ``host`` (for MQTT and Kafka
the broker's; everybody who reads from it reads them). For an instrumented client use ``towards``. Nothing here raises.
"""

from hybridobs.sdk.link._envelope import Opened, envelope, opened
from hybridobs.sdk.link._headers import extract, inject, metadata, towards

__all__ = ["Opened", "envelope", "extract", "inject", "metadata", "opened", "towards"]

"""Ask the cloud when the small model is not sure; offline, keep the request on disk and have it answered later.

``python examples/offline_outbox.py URL DIRECTORY`` asks once and then sends whatever waits; URL is what
``answering_service.py`` prints. Stop the service, run this, start the service on the same port and run this again: the
answer is on the trace of the first run (``hybridobs trace list``), with the time that it waited as its queue phase.
"""

import sys
import urllib.request

import hybridobs

url, directory = sys.argv[1:]
host = urllib.request.Request(url).host
hybridobs.configure(service="till", tier="device", cohort="canary", device_class="till", baggage_hosts=[host])
outbox = hybridobs.outbox.Outbox(directory)


@hybridobs.observe(model="digits", version="1.3.0", task="classify")
def classify(picture: bytes) -> str:
    call = hybridobs.current()
    call.confidence(0.4)
    call.route(to="cloud", reason="low_confidence")
    key = outbox.put(picture, kind="classify")  # on disk before anything is sent: a crash here loses nothing
    return f"asked as {key}" if key else "answered by the small model: the outbox is full"


def send(request: hybridobs.outbox.Request) -> None:
    headers = hybridobs.link.inject({"Idempotency-Key": request.key}, url=url)
    with urllib.request.urlopen(urllib.request.Request(url, request.payload, headers), timeout=10) as answer:
        print(f"attempt {request.attempt}: {answer.read().decode()}")


print(classify(b"picture"))
done = outbox.drain(send)
print(f"{done.answered} answered, {outbox.waiting().requests} wait")
hybridobs.flush()

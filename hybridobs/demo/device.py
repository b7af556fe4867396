"""One device of the demo: answers what its small INT8 model is sure of, and asks the cloud for the rest.

Without a connection it answers by itself whatever happens, and its telemetry waits in its queue.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from pathlib import Path
from typing import Any

import hybridobs
from hybridobs.demo._child import Account, listen, say, stopping
from hybridobs.demo.fleet import CONFIDENT, MODEL, Device, service
from hybridobs.demo.models import Classifier, inputs_path, model_path

_REPORT_EVERY_S = 0.5
_CLOUD_TIMEOUT_S = 2.0
_TRY_AGAIN_S = 0.5


_CLOUD_HOST = "127.0.0.1"


class Cloud:
    """The device's connection to the cloud service; after a failure it counts as offline for half a second."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(_CLOUD_HOST, port, timeout=_CLOUD_TIMEOUT_S)
        self._offline_until = 0.0

    @property
    def offline(self) -> bool:
        return time.monotonic() < self._offline_until

    def ask(self, body: bytes) -> dict[str, Any]:
        """The cloud's answer; OSError when there is no way to it."""
        headers: dict[str, str] = {"Content-Type": "application/octet-stream"}
        hybridobs.link.inject(headers, host=_CLOUD_HOST)
        try:
            self._connection.request("POST", "/answer", body, headers)
            response = self._connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._connection.close()
            self._offline_until = time.monotonic() + _TRY_AGAIN_S
            raise ConnectionError(str(error)) from error
        return answer


class Camera:
    """What the device sees: pictures nobody was trained on, in an endless row."""

    def __init__(self, path: Path) -> None:
        import numpy as np

        self._pictures = np.load(path)
        self._next = 0

    def __call__(self) -> Any:
        picture = self._pictures[self._next % len(self._pictures)]
        self._next += 1
        return picture


class Eye:
    """The device's inference: on the device first, in the cloud when unsure and there is a way to it."""

    def __init__(self, device: Device, models: Path, cloud: Cloud) -> None:
        self._device = device
        self._cloud = cloud
        self._classify = Classifier(model_path(models, MODEL, device.weights or device.version))
        self.offloaded = 0
        observed = hybridobs.observe(
            model=MODEL, version=device.version, task="classify", precision="int8", runtime="onnxruntime"
        )
        self.answer = observed(self._answer)

    def _answer(self, picture: Any) -> int:
        call = hybridobs.current()
        with call.phase("preprocess"):
            time.sleep(self._device.drag_s)
            pixels = picture.clip(0, 1)
            call.features(brightness=float(pixels.mean()), contrast=float(pixels.std()))
        began = time.thread_time()
        with call.phase("inference"):
            digit, confidence = self._classify(pixels)
        call.energy((time.thread_time() - began) * self._device.watts, method="estimated")
        call.confidence(confidence)
        if self._cloud.offline:
            call.connectivity("offline")
        if confidence >= CONFIDENT:
            call.route(to="device", reason="confident")
            return digit
        return self._unsure(call, pixels, digit)

    def _unsure(self, call: hybridobs.Call, pixels: Any, digit: int) -> int:
        if not self._cloud.offline:
            try:
                with call.phase("network"):
                    answer = self._cloud.ask(pixels.astype("<f4").tobytes())
            except ConnectionError:
                call.connectivity("offline")
            else:
                call.route(to="cloud", reason="low_confidence")
                self.offloaded += 1
                return int(answer["digit"])
        call.route(to="device", reason="offline", decision="fallback")
        return digit


def main(device: Device, models: str, endpoint: str, cloud_port: int, rate: float, spool: str) -> None:
    """See ``rate`` pictures a second until told to stop; then flush and report what was sent.

    With a ``spool`` (a directory) its telemetry waits on disk.
    """
    listen()
    hybridobs.configure(
        service=service(device.name),
        tier="device",
        device_class=device.device_class,
        site=device.site,
        cohort=device.cohort,
        channel=device.channel,
        endpoint=endpoint,
        spool=spool,
        baggage_hosts=[_CLOUD_HOST],  # our own service may learn the cohort, so that its KPIs can be told apart by it
    )
    eye = Eye(device, Path(models), Cloud(cloud_port))
    camera = Camera(inputs_path(Path(models)))
    account = Account()
    say("ready")
    _look(eye, camera, account, rate)
    account.close(offloaded=eye.offloaded)


def _look(eye: Eye, camera: Camera, account: Account, rate: float) -> None:
    next_picture = report_at = time.monotonic()
    while not stopping.wait(max(0.0, next_picture - time.monotonic())):
        account.call(eye.answer, camera())
        next_picture = max(next_picture + 1 / rate, time.monotonic() - 1)
        if time.monotonic() >= report_at:
            say("progress", sent=account.sent, offloaded=eye.offloaded)
            report_at = time.monotonic() + _REPORT_EVERY_S


if __name__ == "__main__":
    main(Device(**json.loads(sys.argv[1])), sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]), sys.argv[6])

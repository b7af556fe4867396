"""Who sent something and what its resource says is running there; None where nobody knows which device it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from hybridobs import contract
from hybridobs.collector._attributes import Value
from hybridobs.collector._profile import clean
from hybridobs.collector._screen import Screen

_MOST_RUNTIMES = 8
_LABELS = {
    "tier": contract.TIER,
    "device_class": contract.DEVICE_CLASS,
    "cohort": contract.COHORT,
    "channel": contract.CHANNEL,
    "site": contract.SITE,
}


class Sender(NamedTuple):
    """One start of one program on one device.

    ``start`` and ``boot`` mark lives (see :mod:`hybridobs.kpi.sightings`); empty where a sender does not say.
    ``running`` maps components to versions, ``labels`` are those of the resource.
    """

    installation: str
    service: str
    start: str
    boot: str
    running: Mapping[str, str]
    labels: Mapping[str, str]

    def life(self, component: str) -> str:
        """What must begin anew before another version of a component runs."""
        return self.boot if component in ("firmware", "os") else self.start


def sender_of(resource: Mapping[str, Value], screen: Screen) -> Sender | None:
    """Read a resource; the installation is what its sender calls it, and senders of ours send a keyed hash."""

    def said(key: str) -> str:
        value = resource.get(key)
        return screen.text(key, clean(value)) if isinstance(value, str) else ""

    installation = said(contract.INSTALLATION_ID)
    if not installation:
        return None
    service = said(contract.SERVICE_NAME)
    running = {
        f"software:{service or contract.UNKNOWN}": said(contract.SERVICE_VERSION),
        "firmware": said(contract.FIRMWARE_VERSION),
        "os": said(contract.OS_VERSION),
        **_runtimes(resource.get(contract.RUNTIMES), screen),
    }
    return Sender(
        installation,
        service,
        _mark(said(contract.STREAM_ID) or said(contract.SERVICE_INSTANCE)),
        _mark(said(contract.BOOT_ID)),
        {component: version for component, version in running.items() if version},
        {label: value for label, key in _LABELS.items() if (value := said(key))},
    )


def _runtimes(value: Value, screen: Screen) -> dict[str, str]:
    """``["onnxruntime/1.22.0"]`` as components."""
    texts = value[:_MOST_RUNTIMES] if isinstance(value, Sequence) and not isinstance(value, str | bytes) else ()
    pairs = (screen.text(contract.RUNTIMES, clean(text)).partition("/") for text in texts if isinstance(text, str))
    return {f"runtime:{name}": version for name, _, version in pairs if name and version}


def _mark(text: str) -> str:
    return blake2b(text.encode(), digest_size=6).hexdigest() if text else ""

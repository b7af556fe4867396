"""Who sets an attribute: by the place that carries it, and the exceptions by key.

A word in backticks is a function of the SDK that the application calls; ``call`` is what ``observe`` gives. *operator*
is ``configure`` or the environment, *SDK* is the SDK by itself, *any sender* is whoever has the value: we have no
function of its own for it, and ``call.attribute`` sends it.
"""

from __future__ import annotations

from collections.abc import Iterable

from hybridobs.contract._attribute import ATTRIBUTES
from hybridobs.contract._events import EventKind as _Kind

OPERATOR, SDK, RELAY, COLLECTOR, ANY = "operator", "SDK", "relay", "collector", "any sender"

_PLACES: dict[str, str] = {
    "resource": SDK,
    "scope": SDK,
    "scope and record": SDK,
    "record": SDK,
    "span": ANY,
    "span event": SDK,
    "collector": COLLECTOR,
    _Kind.LOST: SDK,
    _Kind.REDACTED: SDK,
    _Kind.FEEDBACK: "`feedback`",
    _Kind.EVALUATION: "`events.evaluation_result`",
    _Kind.SAFETY: "`events.safety_check`",
    _Kind.SESSION_START: "`events.session_start`",
    _Kind.SESSION_END: "`events.session_end`",
    _Kind.OTA_UPDATE: "`ota.attempt`, `ota.report`",
    _Kind.RELEASE_ACTION: "`events.release_action`",
    _Kind.POLICY_CHANGE: "`events.policy_change`",
    _Kind.MODEL_TRAINED: "`events.model_trained`",
    _Kind.SAMPLE_UPLOADED: "`events.sample_uploaded`",
    _Kind.FEDERATION_ROUND: "`events.federation_round`",
    _Kind.CACHE_RESULT: "`events.cache_result`",
    _Kind.SHADOW_PAIR: "`events.shadow_pair`",
    _Kind.BUSINESS_OUTCOME: "`events.business_outcome`",
    _Kind.DEVICE_POSTURE: "`events.device_posture`",
    _Kind.DEVICE_LIFECYCLE: "`events.device_lifecycle`",
    _Kind.DEVICE_HEALTH: "`health.start`",
}
_OBSERVE, _ROUTE, _ENERGY = "`observe`", "`call.route`, `events.route_decision`", "`health.energy`, `call.energy`"
_KEYS: dict[str, str] = {
    **dict.fromkeys(
        (
            *("service.name", "service.version", "deployment.environment.name", "hybridobs.tier", "hybridobs.site"),
            *("hybridobs.device.class", "hybridobs.release.channel", "hybridobs.power.source", "cloud.region"),
            *("hw.firmware_version", "hybridobs.cohort"),
        ),
        OPERATOR,
    ),
    "app.installation.id": "SDK or operator; `ota.report` of another device",
    "hybridobs.relay.received": RELAY,
    "hybridobs.relay.export": RELAY,
    "enduser.pseudo.id": "`events.session_start`",
    "session.id": "`events.session_start`, `events.session_end`",
    "hybridobs.environment.bucket": "`feedback`",
    "hybridobs.model.name": "`observe`, `call.model`",
    "hybridobs.model.version": "`observe`, `call.model`",
    "hybridobs.model.precision": _OBSERVE,
    "hybridobs.model.runtime": _OBSERVE,
    "hybridobs.model.schema_hash": _OBSERVE,
    "hybridobs.inference.task": _OBSERVE,
    "hybridobs.inference.role": _OBSERVE,
    "hybridobs.inference.accelerator": _OBSERVE,
    "hybridobs.inference.mode": _OBSERVE,
    "hybridobs.interaction.root": SDK,
    "hybridobs.interaction.time_to_first_output": "SDK in generators; `call.first_output`",
    "hybridobs.inference.confidence": "`call.confidence`",
    "hybridobs.inference.energy": _ENERGY,
    "hybridobs.energy.method": _ENERGY,
    "hybridobs.inference.cost": "`call.cost`, or collector with a price table",
    "hybridobs.cost.currency": "`call.cost`, or collector with a price table",
    "hybridobs.cost.price_table": COLLECTOR,
    "gen_ai.usage.input_tokens": "`call.tokens`",
    "gen_ai.usage.output_tokens": "`call.tokens`",
    "hybridobs.inference.attempt": "`call.attempt`",
    "hybridobs.batch.size": "`call.batch`",
    "hybridobs.route.decision": _ROUTE,
    "hybridobs.route.from": _ROUTE,
    "hybridobs.route.to": _ROUTE,
    "hybridobs.route.reason": _ROUTE,
    "hybridobs.connectivity": "`call.connectivity`",
    "hybridobs.cache.result": "`call.cache`, `events.cache_result`",
    "error.type": "SDK; `events.crash`",
    "hybridobs.feature.<name>": "`call.features`",
    "hybridobs.feature.<name>.projection.<i>": "`call.embedding`",
    "hybridobs.feature.<name>.norm": "`call.embedding`",
    **dict.fromkeys(
        (
            *("hybridobs.device.connected_time", "hw.network.io", "hybridobs.frame.offered"),
            *("hybridobs.frame.dropped", "hybridobs.buffer.usage", "hybridobs.buffer.oldest_age"),
        ),
        ANY,
    ),
    "hybridobs.ota.stalled": "`ota.report`, or collector",
    "hybridobs.ota.time_to_confirm": "`ota.resume`, or collector",
}
_PHASE = "hybridobs.phase."


def set_by(key: str) -> str:
    """Return who sets an attribute of the contract, in Markdown; KeyError for a key that it does not have."""
    where = ATTRIBUTES[key].where
    return "`call.phase`, `call.spent`" if key.startswith(_PHASE) else _KEYS.get(key) or _PLACES[where]


def unknown() -> Iterable[str]:
    """Return keys that are named here and are not in the contract."""
    return _KEYS.keys() - ATTRIBUTES.keys()

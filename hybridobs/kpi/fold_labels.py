"""Which text of an event gives which extra label of a measure."""

from __future__ import annotations

from collections.abc import Mapping

from hybridobs import contract as c
from hybridobs.kpi.event import Extra
from hybridobs.kpi.measure import Measure

TEXTS: dict[str, str] = {
    "accelerator": c.ACCELERATOR,
    "business": c.BUSINESS_NAME,
    "cache": c.CACHE_RESULT,
    "connectivity": c.CONNECTIVITY,
    "currency": c.CURRENCY,
    "dataset": c.DATA_SET,
    "energy_method": c.ENERGY_METHOD,
    "environment": c.ENVIRONMENT_BUCKET,
    "error_type": c.ERROR_TYPE,
    "evaluation": c.EVALUATION_NAME,
    "label_source": c.FEEDBACK_SOURCE,
    "mode": c.MODE,
    "network": c.NETWORK_TYPE,
    "ota_kind": c.OTA_KIND,
    "ota_phase": c.OTA_PHASE,
    "ota_system": c.OTA_SYSTEM,
    "policy": c.SAFETY_POLICY,
    "power_source": c.POWER_SOURCE,
    "precision": c.MODEL_PRECISION,
    "price_table": c.PRICE_TABLE,
    "runtime": c.MODEL_RUNTIME,
    "signature": c.OTA_SIGNATURE,
    "stage": c.SAFETY_STAGE,
    "to_version": c.OTA_TO,
}
# Set only where a price table made the number; a cost that the sender states has none.
_OPTIONAL = frozenset({"price_table"})


def extra_of(measure: Measure, texts: Mapping[str, str], **given: str) -> Extra:
    """The extra labels of ``measure`` in order: as given, else from the texts of the event, else ``unknown``."""
    if not measure.extra:
        return ()
    found = ((label, given.get(label) or texts.get(TEXTS.get(label, ""))) for label in measure.labels)
    return tuple((label, text or c.UNKNOWN) for label, text in found if text or label not in _OPTIONAL)

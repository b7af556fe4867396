"""How many values were changed or left out for privacy, as telemetry: the rule and the number, never the value."""

from __future__ import annotations

from hybridobs import contract as c
from hybridobs.contract import EventKind
from hybridobs.sdk import _pipeline
from hybridobs.sdk._emit import emit
from hybridobs.sdk._guard import quiet
from hybridobs.sdk.redact import untold


@quiet
def tell() -> None:
    """Say what was redacted since this was last called; nothing where nothing was.

    What saying it changes itself, a label of this process for one, is not told: it would never end.
    """
    if _pipeline.active is None or _pipeline.active.off:
        return
    for rule, number in sorted(untold().items()):
        need = (c.REDACTION_RULE, c.REDACTION_COUNT)
        emit(EventKind.REDACTED, {c.REDACTION_RULE: rule, c.REDACTION_COUNT: number}, need=need)
    untold()

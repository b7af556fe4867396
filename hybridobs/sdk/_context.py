"""Read and switch OpenTelemetry's current context, by the shortest way there is.

The API's own functions go through two Python frames to reach one ``ContextVar``, twice a call. Where the runtime
context is the usual one its variable is used directly; anything else goes through the public functions.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from opentelemetry import context as api
from opentelemetry.context import Context
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext

Get = Callable[[], Context]
Attach = Callable[[Context], Any]
Detach = Callable[[Any], None]


def shortest(runtime: object) -> tuple[Get, Attach, Detach]:
    """Return ``get``, ``attach`` and ``detach`` for a runtime context."""
    variable = getattr(runtime, "_current_context", None)
    if type(runtime) is ContextVarsRuntimeContext and isinstance(variable, ContextVar):
        return variable.get, variable.set, variable.reset
    return api.get_current, api.attach, api.detach


get, attach, detach = shortest(getattr(api, "_RUNTIME_CONTEXT", None))

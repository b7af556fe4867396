"""The call that is being observed: what the application may say about it, and where to find it.

``current()`` works anywhere below an observed call, and answers an object that ignores everything elsewhere, so
that library code need not ask first. Nothing here raises: a value that makes no sense is ignored, counted and
logged once.
"""

from __future__ import annotations

import math
from collections.abc import Container, Sequence
from functools import lru_cache
from operator import index
from time import perf_counter_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, SupportsFloat, SupportsIndex, cast

from opentelemetry.context import Context, create_key
from opentelemetry.trace import INVALID_SPAN, INVALID_SPAN_CONTEXT, set_span_in_context

from hybridobs import contract
from hybridobs.contract import ValueFault
from hybridobs.sdk import _encode
from hybridobs.sdk._context import attach, detach, get
from hybridobs.sdk._encode import pack_double, span_int
from hybridobs.sdk._guard import failed, ignored, quiet
from hybridobs.sdk._loading import loading
from hybridobs.sdk._site import Prepared, Site, Tags
from hybridobs.sdk._span import MAX_ATTRIBUTES, LightSpan
from hybridobs.sdk.redact import LEFT_OUT

if TYPE_CHECKING:
    from hybridobs.sdk._vectors import Vector

CALL_KEY = create_key("hybridobs-call")
(SPAN_KEY,) = set_span_in_context(INVALID_SPAN, Context())  # the key under which the API keeps the current span

# What the fast ways below need, ready: keys as globals, and each key's bytes up to the number.
CONFIDENCE, COST, ENERGY = contract.CONFIDENCE, contract.COST, contract.ENERGY
INPUT_TOKENS, OUTPUT_TOKENS = contract.INPUT_TOKENS, contract.OUTPUT_TOKENS
_CONFIDENCE = _encode.double_prefix(CONFIDENCE)
_COST = _encode.double_prefix(COST)
_ENERGY = _encode.double_prefix(ENERGY)
_INPUT_TOKENS = _encode.int_field(INPUT_TOKENS)
_OUTPUT_TOKENS = _encode.int_field(OUTPUT_TOKENS)
_CONNECTIVITY = frozenset({"online", "degraded", "offline"})
DECISIONS = frozenset({"local", "offload", "cache", "split", "fallback"})
_ENERGY_METHODS = {
    method: _encode.span_text(contract.ENERGY_METHOD, method) for method in ("measured", "counter", "estimated")
}
CACHE_RESULTS = frozenset({"hit", "miss", "stale"})
_NUMBERS = {key for key, attribute in contract.ATTRIBUTES.items() if attribute.type in ("double", "int")}
_LARGEST = float(2**53)
_FAST_COUNT = 2**53

Value = str | bool | int | float | Sequence[str] | Sequence[bool] | Sequence[int] | Sequence[float]


class Call(LightSpan):
    """One observed call, which is also its OpenTelemetry span."""

    context: Context  # of a generator, between two steps; elsewhere it would be a cycle for the garbage collector
    _token: Any = None
    _phases: dict[str, int] | None = None

    # --- what the application says ------------------------------------------------------------------------------
    def confidence(self, value: SupportsFloat) -> None:
        """Say how sure the model is, 0 to 1."""
        try:
            if type(value) is float and 0.0 <= value <= 1.0:
                self._values[CONFIDENCE] = _CONFIDENCE + pack_double(value)
            else:
                self._number(CONFIDENCE, value, 1.0)
        except Exception:
            failed("confidence")

    def tokens(self, *, input: SupportsIndex | None = None, output: SupportsIndex | None = None) -> None:
        """Say how many tokens were read and written."""
        try:
            if type(input) is int and 0 <= input < _FAST_COUNT:
                self._values[INPUT_TOKENS] = span_int(_INPUT_TOKENS, input)
            elif input is not None:
                self._count(INPUT_TOKENS, input)
            if type(output) is int and 0 <= output < _FAST_COUNT:
                self._values[OUTPUT_TOKENS] = span_int(_OUTPUT_TOKENS, output)
            elif output is not None:
                self._count(OUTPUT_TOKENS, output)
        except Exception:
            failed("tokens")

    def cost(self, value: SupportsFloat, *, currency: str = "USD") -> None:
        """Say what the call cost, in ``currency`` (ISO 4217)."""
        try:
            money = _currency(currency)
            if type(value) is float and 0.0 <= value <= _LARGEST:
                self._values[COST] = _COST + pack_double(value) + money
            elif self._number(COST, value):
                self._values[COST] += money
        except (TypeError, ValueError):
            ignored(contract.CURRENCY, ValueFault.WRONG_TYPE, currency)
        except Exception:
            failed("cost")

    def energy(self, value: SupportsFloat, *, method: str) -> None:
        """Say what the call used in joules, and how that is known: measured, counter or estimated."""
        try:
            how = _ENERGY_METHODS.get(method)
            if how is None:
                ignored(contract.ENERGY_METHOD, ValueFault.OUT_OF_RANGE, method)
            elif type(value) is float and 0.0 <= value <= _LARGEST:
                self._values[ENERGY] = _ENERGY + pack_double(value) + how
            elif self._number(ENERGY, value):
                self._values[ENERGY] += how
        except Exception:
            failed("energy")

    @quiet
    def features(self, **values: SupportsFloat | str) -> None:
        """Give model input features by name, for drift: numbers, or short strings for categories."""
        for name, value in values.items():
            key = contract.FEATURE_PREFIX + name
            if isinstance(value, str):
                self._set(key, value, contract.LABEL_MAX_CHARS)
            elif (left := self._prepared.tags.policy.attribute(key, value)) is not LEFT_OUT:
                self._number(key, left, lowest=-math.inf)

    @quiet
    def embedding(self, name: str, vector: Vector) -> None:
        """Give a vector by name, for drift: fixed projections and its length become features, itself goes nowhere."""
        if not self.ended:
            with loading:
                from hybridobs.sdk._vectors import numbers_of
            self.features(**numbers_of(name, vector))

    @quiet
    def route(self, *, to: str, reason: str, decision: str | None = None) -> None:
        """Say which tier answers and why; the decision is ``offload`` or ``local`` unless you know better."""
        here = self._prepared.tags.tier
        self._text(contract.ROUTE_FROM, here or contract.UNKNOWN)
        self._text(contract.ROUTE_TO, to)
        self._text(contract.ROUTE_REASON, reason)
        self._choice(contract.ROUTE_DECISION, decision or ("local" if to == here else "offload"), DECISIONS)

    @quiet
    def connectivity(self, value: str) -> None:
        """Say how the device was connected: online, degraded or offline."""
        self._choice(contract.CONNECTIVITY, value, _CONNECTIVITY)

    @quiet
    def cache(self, result: str) -> None:
        """Say what the cache did: hit, miss or stale."""
        self._choice(contract.CACHE_RESULT, result, CACHE_RESULTS)

    @quiet
    def batch(self, size: SupportsIndex) -> None:
        """Say how many inputs this call answers."""
        self._count(contract.BATCH_SIZE, size)

    @quiet
    def attempt(self, number: SupportsIndex) -> None:
        """Say which try this is, from 1."""
        self._count(contract.ATTEMPT, number)

    @quiet
    def model(self, *, name: str | None = None, version: str | None = None) -> None:
        """Say which model really answered, where the decorator could not know."""
        if name is not None:
            self._text(contract.MODEL_NAME, name)
        if version is not None:
            self._text(contract.MODEL_VERSION, version)

    @quiet
    def first_output(self) -> None:
        """Say that the first output is there now; only the first time counts, generators do it by themselves."""
        if contract.FIRST_OUTPUT not in self._values and not self.ended:
            seconds = (perf_counter_ns() - self._started) * 1e-9
            self._values[contract.FIRST_OUTPUT] = _encode.span_double(contract.FIRST_OUTPUT, seconds)

    def phase(self, name: str) -> Phase:
        """Time a part of the call: ``with call.phase("preprocess"): ...``; a repeated phase adds up."""
        return Phase(self, name)

    @quiet
    def spent(self, name: str, seconds: SupportsFloat) -> None:
        """Add a phase that was timed elsewhere, for example by the other side of a network."""
        number = self._checked(contract.PHASE_PREFIX + str(name), seconds, 0.0, _LARGEST * 1e-9)
        if number is not None:
            self._phase(name, None, round(number * 1e9))

    def ref(self) -> str:
        """Return a string that stands for this call, to be kept for ``feedback`` hours later; "" if there is none."""
        try:
            with loading:
                from hybridobs.sdk._refs import ref_of

            return "" if self is NO_CALL else ref_of(self)
        except Exception:
            failed("ref")
            return ""

    @quiet
    def attribute(self, key: str, value: Value) -> None:
        """Set any other attribute; a key of the contract must have the contract's type."""
        if key in _NUMBERS:
            if contract.ATTRIBUTES[key].type == "int":
                self._count(key, cast("SupportsIndex", value))
            else:
                self._number(key, cast("SupportsFloat", value), 1.0 if key == contract.CONFIDENCE else _LARGEST)
        else:
            self.set_attribute(key, value)

    # --- what the decorator does --------------------------------------------------------------------------------
    @property
    def prepared(self) -> Prepared:
        """What was known when the call began."""
        return self._prepared

    def inside(self, outside: Context) -> Context:
        """Return the context in which this call is the current one."""
        return Context({**outside, SPAN_KEY: self, CALL_KEY: self})

    def enter(self, outside: Context) -> None:
        """Become the current call and span."""
        if outside:
            self._token = attach(Context({**outside, SPAN_KEY: self, CALL_KEY: self}))
        else:
            self._token = attach(Context({SPAN_KEY: self, CALL_KEY: self}))

    def finish(self) -> None:
        """Stop being current and end, in the context that entered."""
        try:
            detach(self._token)
            if not self.ended:
                self.ended = True
                self._hand_over(self.start_ns + perf_counter_ns() - self._started)
        except Exception:
            failed("finish")

    def finish_failed(self, error: BaseException) -> None:
        """Do the same, failed by ``error``."""
        try:
            detach(self._token)
        except Exception:
            failed("detach")
        self.close(error)

    def finish_anywhere(self, error: BaseException | None = None) -> None:
        """Do the same where another context may be the current one: a coroutine may be closed by anybody."""
        try:
            if get().get(CALL_KEY) is self:
                detach(self._token)
        except Exception:
            failed("detach")
        self.close(error)

    def close(self, error: BaseException | None = None) -> None:
        """End without touching the context; ``GeneratorExit`` means that nobody wants more, which is no failure."""
        try:
            if error is not None and not self.ended and not isinstance(error, GeneratorExit):
                self.fail(error)
        except Exception:
            failed("fail")
        try:
            self.end()
        except Exception:
            failed("end")

    # --- values -------------------------------------------------------------------------------------------------
    def _number(self, key: str, value: SupportsFloat, highest: float = _LARGEST, lowest: float = 0.0) -> bool:
        number = self._checked(key, value, lowest, highest)
        return number is not None and self._keep(key, _encode.span_double(key, number))

    def _checked(self, key: str, value: SupportsFloat, lowest: float, highest: float) -> float | None:
        if isinstance(value, (str, bytes, bool)) or not hasattr(type(value), "__float__"):
            ignored(key, ValueFault.WRONG_TYPE, value)
            return None
        try:
            number = float(value)
        except Exception:  # another library's scalar may refuse, as an array of many does
            ignored(key, ValueFault.WRONG_TYPE, value)
            return None
        if not math.isfinite(number):
            ignored(key, ValueFault.NOT_A_NUMBER, value)
        elif not lowest <= number <= highest:
            ignored(key, ValueFault.OUT_OF_RANGE, value)
        else:
            return number
        return None

    def _count(self, key: str, value: SupportsIndex) -> None:
        if isinstance(value, bool) or not hasattr(type(value), "__index__"):
            ignored(key, ValueFault.WRONG_TYPE, value)
            return
        try:
            number = index(value)
        except Exception:
            ignored(key, ValueFault.WRONG_TYPE, value)
            return
        if 0 <= number <= _FAST_COUNT:
            self._keep(key, span_int(_encode.int_field(key), number))
        else:
            ignored(key, ValueFault.OUT_OF_RANGE, value)

    def _text(self, key: str, value: str) -> None:
        if isinstance(value, str):
            self._set(key, value, contract.LABEL_MAX_CHARS)
        else:
            ignored(key, ValueFault.WRONG_TYPE, value)

    def _choice(self, key: str, value: str, known: Container[str]) -> None:
        if isinstance(value, str) and value in known:
            self._keep(key, _encode.span_text(key, value))
        else:
            ignored(key, ValueFault.OUT_OF_RANGE, value)

    def _keep(self, key: str, encoded: bytes) -> bool:
        if self.ended:
            return False
        if len(self._values) >= MAX_ATTRIBUTES and key not in self._values:
            ignored("attributes", ValueFault.TOO_LONG, key)
            return False
        if key in self._prepared.site.keys:
            self._override(key)
        self._values[key] = encoded
        return True

    def _phase(self, name: str, began: int | None, took: int) -> None:
        """Add ``took`` ns to a phase; ``began`` is a reading of the monotonic clock, None if it is not known."""
        if name not in contract.PHASES:
            ignored(contract.PHASE_PREFIX + str(name), ValueFault.OUT_OF_RANGE, name)
            return
        if self.ended:
            return
        if self._phases is None:
            self._phases = {}
        self._phases[name] = total = self._phases.get(name, 0) + took
        key = f"{contract.PHASE_PREFIX}{name}"
        self._keep(f"{key}.duration", _encode.span_double(f"{key}.duration", total * 1e-9))
        if began is not None and f"{key}.start" not in self._values:
            self._keep(f"{key}.start", _encode.span_double(f"{key}.start", (began - self._started) * 1e-9))


class Phase:
    """A timed part of a call; leaving it by an exception still records the time."""

    __slots__ = ("_began", "_call", "_name")

    def __init__(self, call: Call, name: str) -> None:
        self._call = call
        self._name = name
        self._began = 0

    def __enter__(self) -> Self:
        self._began = perf_counter_ns()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._call._phase(self._name, self._began, perf_counter_ns() - self._began)
        except Exception:
            failed("phase")


class _NoCall(Call):
    """What ``current()`` answers outside an observed call: a call that has ended, so nothing sticks to it."""

    def __init__(self) -> None:
        self.ended = True
        self._context = INVALID_SPAN_CONTEXT
        self._values = {}
        self._prepared = Prepared(Site("", {}), Tags(), root=False)
        self._started = 0


NO_CALL: Call = _NoCall()


def current() -> Call:
    """Return the innermost observed call of this thread or task, or an object that ignores everything."""
    try:
        call: Any = get().get(CALL_KEY)
    except Exception:
        failed("current")
        return NO_CALL
    return NO_CALL if call is None else call


@lru_cache(maxsize=256)
def _currency(code: str) -> bytes:
    """Encode a currency; raises ValueError for what is no ISO 4217 code."""
    if not (isinstance(code, str) and len(code) == 3 and code.isascii() and code.isalpha() and code.isupper()):
        raise ValueError("currency")
    return _encode.span_text(contract.CURRENCY, code)

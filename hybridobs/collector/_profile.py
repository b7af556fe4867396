"""Everything about a span that is not a number: read once per set of attributes, then found by walking a tree.

A process sends the same few attributes with every span. A :class:`Node` is a dictionary from the bytes of one text
attribute, or from the bytes before the value of a number, to the node that follows. Walking it costs one look-up an
attribute, and the place where the walk ends knows everything that its spans share: the finished :class:`Profile`, and
which number each of their values is. Nodes are thrown away all together when there are too many of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hybridobs import contract
from hybridobs.collector._attributes import TRUTHS, Value
from hybridobs.collector._screen import Screen
from hybridobs.contract import LABEL_KEYS, LABEL_MAX_CHARS, UNKNOWN, Labels, ValueFault
from hybridobs.kpi.fold_calls import NUMBERS, TEXTS_READ

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

GEN_AI_OPERATION = "gen_ai.operation.name"
# Operations that run around model calls: counting them too would count the same answer twice.
_AROUND = frozenset({"create_agent", "invoke_agent", "execute_tool", "invoke_workflow"})
# Operations that are a model call even when the model is not named.
_CALLS = frozenset({"chat", "text_completion", "generate_content", "embeddings"})

_ALIASES = {old: ours for old, ours in contract.ALIASES.items() if ours not in NUMBERS}
TEXTS = frozenset((*LABEL_KEYS, *_ALIASES, *TEXTS_READ, contract.ERROR_TYPE, contract.STREAM_ID))
_INHERITED = frozenset((*LABEL_KEYS, *TEXTS_READ))
FLAGS = frozenset((contract.INTERACTION, contract.CLOCK_SYNCHRONIZED, *TRUTHS))


Pairs = tuple[tuple[str, Value], ...]


@dataclass(slots=True)
class Profile:
    """What the text attributes of a span say.

    ``root`` is None when the span does not say; ``truths`` are numbers that are true or false; ``synchronized``
    says that the wall clock was right.
    """

    labels: Labels
    inference: bool
    root: bool | None
    error: str
    texts: dict[str, str]
    truths: dict[str, float]
    synchronized: bool


Row = tuple[Any, ...]
"""Encoded span, trace id, span id, sequence number, start, duration, then numbers in the order of ``Node.reads``."""


class Node(dict[bytes, "Node"]):
    """One place of the tree.

    ``doubles`` and ``ints`` lead on by what comes before the value of a number, ``turns`` by what is no attribute.

    ``pairs`` and ``reads`` are the texts and the numbers on the way here, ``error`` and ``top`` what the span itself
    said.
    """

    __slots__ = ("doubles", "error", "ints", "pairs", "profile", "reads", "top", "turns")

    def __init__(self, pairs: Pairs = (), keys: tuple[str, ...] = (), error: str = "", *, top: bool = False) -> None:
        super().__init__()
        self.doubles: dict[bytes, Node] = {}
        self.ints: dict[bytes, Node] = {}
        self.turns: dict[str, Node] = {}
        self.pairs = pairs
        self.reads = keys
        self.error = error
        self.top = top
        self.profile: Profile | None = None

    def following(
        self, *, pair: tuple[str, Value] | None = None, key: str | None = None, error: str = "", top: bool = False
    ) -> Node:
        """A new node one step on; it is found again only if it is also put in here."""
        pairs = self.pairs if pair is None else (*self.pairs, pair)
        keys = self.reads if key is None else (*self.reads, key)
        return Node(pairs, keys, error or self.error, top=top or self.top)


@dataclass(slots=True, eq=False)
class Base:
    """What the resource says about all its spans: its texts by wire key, the service, and whose it is.

    ``root`` is its tree. One is only ever equal to itself.
    """

    values: Mapping[str, str]
    service: str
    ours: bool
    root: Node = field(default_factory=Node)


def clean(text: str) -> str:
    """``text`` fit for a label: no control characters, no outer blanks, at most LABEL_MAX_CHARS characters."""
    if not text.isprintable():
        text = _CONTROL.sub(" ", text).encode("utf-8", "replace").decode()
    text = text.strip()
    return text if len(text) <= LABEL_MAX_CHARS else text[: LABEL_MAX_CHARS - 1] + "…"


def fault_in(key: str, value: Value) -> ValueFault | None:
    """What is wrong with a text or flag that is read, if anything."""
    if key in FLAGS:
        return None if isinstance(value, bool) else ValueFault.WRONG_TYPE
    if not isinstance(value, str):
        return ValueFault.WRONG_TYPE
    return ValueFault.TOO_LONG if len(value) > LABEL_MAX_CHARS else None


def base_of(resource: Mapping[str, Value], screen: Screen, *, ours: bool) -> Base:
    """The part of a resource that spans inherit."""
    texts = {key: value for key, value in resource.items() if isinstance(value, str)}
    values = {key: clean(screen.text(key, texts[key])) for key in _INHERITED if key in texts}
    service = screen.text(contract.SERVICE_NAME, texts.get(contract.SERVICE_NAME, ""))
    return Base(values, clean(service), ours)


def profile_of(pairs: Iterable[tuple[str, Value]], base: Base, screen: Screen) -> Profile:
    """Read the text attributes of one span.

    A span is an inference when it names a model in our words, or names one in GenAI's words and is not an operation
    around model calls, or is a model call that names none (its model is then the service's name). A span that names
    its stream itself is the copy that an application's own pipeline got of one of our spans: the original comes on its
    own way and counts, since it alone says who spoke and when.
    """
    said = {key: value for key, value in pairs if isinstance(value, bool if key in FLAGS else str)}
    texts = {key: clean(screen.text(key, value)) for key, value in said.items() if isinstance(value, str)}
    texts = {key: value for key, value in texts.items() if value}
    named = contract.MODEL_NAME in texts
    operation = texts.get(GEN_AI_OPERATION, "")
    for old, ours in _ALIASES.items():
        if old in texts:
            texts.setdefault(ours, texts[old])
    inference = named or (operation not in _AROUND and (contract.MODEL_NAME in texts or operation in _CALLS))
    inference = inference and contract.STREAM_ID not in texts
    merged = {contract.MODEL_NAME: base.service, **base.values, **texts}
    labels = Labels(**{label: merged.get(key) or UNKNOWN for key, label in LABEL_KEYS.items()})
    flag = said.get(contract.INTERACTION)
    truths = {key: float(said[key] is True) for key in sorted(TRUTHS & said.keys())}
    root = flag if isinstance(flag, bool) else (False if base.ours else None)
    error = texts.get(contract.ERROR_TYPE, "")
    read = {key: merged[key] for key in sorted(TEXTS_READ) if merged.get(key)}
    read |= {key: texts[key] for key in sorted(texts) if key.startswith(contract.FEATURE_PREFIX)}
    synchronized = said.get(contract.CLOCK_SYNCHRONIZED) is True
    return Profile(labels, inference, root, error, read, truths, synchronized)

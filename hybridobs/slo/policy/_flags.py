"""The file that flagd and every OpenFeature provider for it read: one flag a policy, beside flags of others.

The last decision of each group stands in the flag's own metadata, and so does every change that no collector took yet:
the file is all the state there is. A flag without labels says its variant as the default; one with labels tells groups
apart by a targeting rule on the evaluation context (``{"var": "site"}``). Source: flagd's flag definitions
(flagd.dev/reference/flag-definitions).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from hybridobs.errors import ConfigError
from hybridobs.slo.policy._decide import Decided, Group, State
from hybridobs.slo.policy._rule import Policy

SCHEMA = "https://flagd.dev/schema/v0/flags.json"
_POLICY, _STATE, _UNTOLD = "hybridobs.policy", "hybridobs.state", "hybridobs.untold"
_MOST = 1000  # changes of one flag that wait for a collector; the oldest go first
Document = dict[str, Any]


class Change(NamedTuple):
    """A flag that says something else since then, and the KPI that decided."""

    policy: str
    flag: str
    variant: str
    previous: str
    reason: str | None


_SAID = Change._fields[2:]  # the flag says itself whose it is


class Flags:
    """The flags of one file; ``name`` is what errors call it."""

    def __init__(self, document: Document, name: str) -> None:
        self._document = document
        self._name = name

    @classmethod
    def parsed(cls, text: str, name: str) -> Flags:
        """The flags in a text, which may be empty; ConfigError if it holds something else."""
        try:
            document = json.loads(text) if text.strip() else {"$schema": SCHEMA, "flags": {}}
        except (ValueError, RecursionError) as error:
            raise ConfigError("flags", name, f"is no JSON: {error}") from error
        if not isinstance(document, dict) or not isinstance(document.setdefault("flags", {}), dict):
            raise ConfigError("flags", name, 'is no file of flagd, which is {"flags": {…}}')
        return cls(document, name)

    def states(self, policy: Policy) -> dict[Group, State]:
        """What was decided last of this policy, if anything; ConfigError for a flag that is somebody else's."""
        metadata = self._metadata(policy)
        if metadata is None:
            return {}
        with self._undamaged(policy):
            rows = json.loads(metadata[_STATE])
            found = {tuple(row["group"]): _state(policy, row) for row in rows}
        # Another set of labels is another set of groups, and a variant that is gone cannot be in force.
        return {g: s for g, s in found.items() if len(g) == len(policy.by) and s.variant in policy.variants}

    def untold(self, policy: Policy) -> list[Change]:
        """The changes of this policy that no collector took yet, the oldest first."""
        rows = (self._metadata(policy) or {}).get(_UNTOLD, "[]")
        with self._undamaged(policy):
            return [Change(policy.id, policy.flag, **{key: row[key] for key in _SAID}) for row in json.loads(rows)]

    def strike(self, policy: Policy, told: Sequence[Change]) -> None:
        """Forget those changes of this policy that a collector took."""
        left = self.untold(policy)
        for change in told:
            if change in left:
                left.remove(change)
        if metadata := self._metadata(policy):
            others = {key: value for key, value in metadata.items() if key != _UNTOLD}
            self._document["flags"][policy.flag]["metadata"] = others | _waiting(left)

    def put(self, policy: Policy, decided: Sequence[Decided], *, telling: bool = False) -> None:
        """Set the flag of this policy to what was decided; with ``telling`` its changes wait for a collector."""
        untold = self.untold(policy)
        if telling:
            untold += [
                Change(policy.id, policy.flag, one.state.variant, one.before.variant, one.cause)
                for one in decided
                if one.changed
            ]
        rows = [_row(one.group, one.state) for one in decided if len(one.group) == len(policy.by)]
        before = self._document["flags"].get(policy.flag, {})
        flag: Document = {
            "state": before.get("state", "ENABLED"),  # an operator may have switched it off
            "variants": dict(policy.variants),
            "defaultVariant": policy.default if policy.by else decided[0].state.variant,
            "metadata": {_POLICY: policy.id, _STATE: _packed(rows), **_waiting(untold)},
        }
        if targeting := _targeting(policy, decided):
            flag["targeting"] = targeting
        self._document["flags"][policy.flag] = flag

    @property
    def text(self) -> str:
        """The file."""
        return json.dumps(self._document, indent=2, ensure_ascii=False) + "\n"

    def _metadata(self, policy: Policy) -> Mapping[str, Any] | None:
        """What stands beside the flag of this policy, None if there is no flag yet."""
        flag = self._document["flags"].get(policy.flag)
        if flag is None:
            return None
        metadata = flag.get("metadata") if isinstance(flag, dict) else None
        metadata = metadata if isinstance(metadata, dict) else {}
        if metadata.get(_POLICY) != policy.id:
            owner = metadata.get(_POLICY, "nobody here")
            raise ConfigError(f"flags.{policy.flag}", owner, f"made it, not policy {policy.id}; name another flag")
        return metadata

    @contextmanager
    def _undamaged(self, policy: Policy) -> Iterator[None]:
        try:
            yield
        except (ValueError, KeyError, TypeError) as error:
            way_out = f"has a damaged state ({error}); remove the flag"
            raise ConfigError(f"flags.{policy.flag}", self._name, way_out) from error


def _row(group: Group, state: State) -> Document:
    row: Document = {"group": group, "variant": state.variant, "rule": state.rule, "since": state.since}
    return row if state.silent is None else row | {"silent": state.silent}


def _state(policy: Policy, row: Document) -> State:
    """What a row says; one that an earlier hybridobs wrote names its rule by the place that it had."""
    key = row["rule"]
    if isinstance(key, int):
        rule = dict(enumerate(policy.rules)).get(key)
        key = rule.key if rule and rule.variant == row["variant"] else str(key)
    return State(row["variant"], key, row["since"], row.get("silent"))


def _waiting(changes: Sequence[Change]) -> Document:
    """The part of the metadata that holds the untold changes; flagd wants its values plain, so it is a text."""
    rows = [{key: getattr(change, key) for key in _SAID} for change in changes[-_MOST:]]
    return {_UNTOLD: _packed(rows)} if rows else {}


def _packed(rows: Sequence[Document]) -> str:
    return json.dumps(rows, separators=(",", ":"))


def _targeting(policy: Policy, decided: Sequence[Decided]) -> Mapping[str, Any] | None:
    """``if`` this group ``then`` its variant, for those that are not at the default; ``null`` means the default."""
    if not policy.by:
        return None
    branches: list[Any] = []
    for one in decided:
        if one.state.variant != policy.default:
            same = [{"==": [{"var": label}, value]} for label, value in zip(policy.by, one.group, strict=True)]
            branches += [same[0] if len(same) == 1 else {"and": same}, one.state.variant]
    return {"if": [*branches, None]} if branches else None

"""The file that flagd and every OpenFeature provider for it read: one flag a policy, beside flags of others.

The last decision of each group stands in the flag's own metadata, so the file is all the state there is. A flag without
labels says its variant as the default; one with labels tells groups apart by a targeting rule on the evaluation context
(``{"var": "site"}``). Source: flagd's flag definitions (flagd.dev/reference/flag-definitions).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hybridobs.errors import ConfigError
from hybridobs.slo.policy._decide import Decided, Group, State
from hybridobs.slo.policy._rule import Policy

SCHEMA = "https://flagd.dev/schema/v0/flags.json"
_POLICY, _STATE = "hybridobs.policy", "hybridobs.state"
Document = dict[str, Any]


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
        flag = self._document["flags"].get(policy.flag)
        if flag is None:
            return {}
        metadata = flag.get("metadata", {}) if isinstance(flag, dict) else {}
        if metadata.get(_POLICY) != policy.id:
            owner = metadata.get(_POLICY, "nobody here")
            raise ConfigError(f"flags.{policy.flag}", owner, f"made it, not policy {policy.id}; name another flag")
        try:
            rows = json.loads(metadata[_STATE])
            found = {tuple(row["group"]): State(row["variant"], row["rule"], row["since"]) for row in rows}
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"flags.{policy.flag}", self._name, f"has a damaged state ({error}); remove the flag"
            ) from error
        # Another set of labels is another set of groups, and a variant that is gone cannot be in force.
        return {g: s for g, s in found.items() if len(g) == len(policy.by) and s.variant in policy.variants}

    def put(self, policy: Policy, decided: Sequence[Decided]) -> None:
        """Set the flag of this policy to what was decided."""
        rows = [
            {"group": one.group, "variant": one.state.variant, "rule": one.state.rule, "since": one.state.since}
            for one in decided
            if len(one.group) == len(policy.by)
        ]
        flag: Document = {
            "state": "ENABLED",
            "variants": dict(policy.variants),
            "defaultVariant": policy.default if policy.by else decided[0].state.variant,
            "metadata": {_POLICY: policy.id, _STATE: json.dumps(rows, separators=(",", ":"))},
        }
        if targeting := _targeting(policy, decided):
            flag["targeting"] = targeting
        self._document["flags"][policy.flag] = flag

    @property
    def text(self) -> str:
        """The file."""
        return json.dumps(self._document, indent=2, ensure_ascii=False) + "\n"


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

"""What is known about an observed place before it is called: encoded once, and again only when a tag changes."""

from __future__ import annotations

from hybridobs import contract
from hybridobs.sdk import _encode
from hybridobs.sdk.queue import Priority
from hybridobs.sdk.redact import NOTHING_SAID, Policy

_KIND_INTERNAL = b"\x30\x01"
_NAME = b"\x2a"


class Tags:
    """What every call of the process carries; a change makes a new object, so identity tells."""

    __slots__ = ("clock_known", "cohort", "policy", "tier")

    def __init__(
        self, tier: str = "", cohort: str = "", *, clock_known: bool = False, policy: Policy = NOTHING_SAID
    ) -> None:
        self.tier = tier
        self.cohort = cohort
        self.clock_known = clock_known  # whether the wall clock is known to be right
        self.policy = policy  # what of a call may leave


class Prepared:
    """What a call knows when it begins: its place, its tags, and the bytes that follow from both."""

    __slots__ = ("fixed", "priority", "root", "site", "tags")

    def __init__(self, site: Site, tags: Tags, *, root: bool, without: frozenset[str] = frozenset()) -> None:
        self.site = site
        self.tags = tags
        self.root = root
        self.priority = site.priority
        self.fixed = site.encode(tags, root=root, without=without)


class Site:
    """One observed place: its span name, its fixed attributes and the priority of its records."""

    def __init__(self, name: str, values: dict[str, object]) -> None:
        self.name = name
        self.values = values
        self.priority = Priority.LOW if values.get(contract.ROLE) == "shadow" else Priority.NORMAL
        self.keys = frozenset(values) | {contract.COHORT, contract.INTERACTION, contract.CLOCK_SYNCHRONIZED}
        nothing = Tags()
        self.root = Prepared(self, nothing, root=True)
        self.child = Prepared(self, nothing, root=False)

    def prepared(self, tags: Tags, root: bool) -> Prepared:
        """Return what is known for these tags, encoding it again if they are not those of the last call."""
        prepared = self.root if root else self.child
        if prepared.tags is tags:
            return prepared
        prepared = Prepared(self, tags, root=root)
        if root:
            self.root = prepared
        else:
            self.child = prepared
        return prepared

    def attributes(self, tags: Tags, *, root: bool) -> dict[str, object]:
        """Return the fixed attributes with their values."""
        values = dict(self.values)
        if tags.cohort:
            values[contract.COHORT] = tags.cohort
        if tags.clock_known:
            values[contract.CLOCK_SYNCHRONIZED] = True
        values[contract.INTERACTION] = root
        return values

    def encode(self, tags: Tags, *, root: bool, without: frozenset[str] = frozenset()) -> bytes:
        """Encode name, kind and fixed attributes, leaving out those that one call overrides."""
        values = self.attributes(tags, root=root)
        kept = {
            key: tags.policy.label(key, value) if isinstance(value, str) else value
            for key, value in values.items()
            if key not in without
        }
        name = _encode.text_field(_NAME, tags.policy.text(self.name))
        return name + _KIND_INTERNAL + _encode.attributes(_encode.SPAN_ATTRIBUTE, kept)

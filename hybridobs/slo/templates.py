"""Objectives for a class of task, with the limits people feel; every limit is an exact edge of the measure."""

from __future__ import annotations

from typing import NamedTuple


class Template(NamedTuple):
    """One objective by name: what a person waits for, in the words of a file."""

    kpi: str
    target: str
    brief: str


TEMPLATES = {
    "immediate": Template("first_output_p95", "150ms", "wake words, camera overlays, controls: felt as instant"),
    "interaction": Template("first_output_p95", "300ms", "a tap that is answered before attention wanders"),
    "voice": Template("first_output_p95", "100ms", "a spoken command, in a car among others"),
    "vision": Template("first_output_p95", "50ms", "vision beside a person: a checkout, a gate"),
    "generation": Template("first_output_p95", "2s", "a long or complex answer, until its beginning"),
}

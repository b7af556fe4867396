"""From a specification to SVG inside a page: themeable, named, without anything that could load or run.

Colours are CSS variables, so one picture serves light, dark and paper. What Vega writes is parsed again: only shapes
and texts stay, labels of single marks become titles that show on hover, and nothing has an id that could clash.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import vl_convert
from markupsafe import Markup

Spec = dict[str, Any]

WIDTH = 430
SVG = "http://www.w3.org/2000/svg"
TIERS = ("device", "site", "cloud")
_DASHES = {"device": [1, 0], "site": [7, 3], "cloud": [2, 2]}
_GONE = ("role", "class", "pointer-events", "font-family", "style", "cursor", "href", "id")
_FONT = "Liberation Sans"  # to measure with; the page names it and those that are as wide

CONFIG: Spec = {
    "background": None,
    "padding": {"left": 2, "right": 14, "top": 4, "bottom": 2},
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 11,
        "gridColor": "var(--line)",
        "domainColor": "var(--line)",
        "tickColor": "var(--line)",
        "labelOverlap": "greedy",
        "labelSeparation": 4,
        "labelFlush": False,
        "titlePadding": 6,
    },
    "axisY": {"domain": False, "ticks": False},
    "legend": {
        "orient": "top",
        "title": None,
        "labelColor": "var(--ink)",
        "labelFontSize": 11,
        "symbolType": "stroke",
        "symbolSize": 220,
        "symbolStrokeWidth": 2,
        "offset": 4,
    },
    "header": {"labelColor": "var(--ink)", "labelFontSize": 11, "title": None},
    "text": {"color": "var(--ink)", "fontSize": 11},
    "rule": {"color": "var(--muted)"},
    "aria": True,
}


class Picture(NamedTuple):
    """A drawing, and what it shows in words."""

    svg: Markup
    alt: str


def draw(spec: Spec, alt: str) -> Picture:
    """Draw a specification; ``alt`` is its accessible name, empty for mere decoration."""
    fit = {"width": WIDTH, "autosize": {"type": "fit", "contains": "padding"}}  # so that texts have one size everywhere
    given = {"$schema": "https://vega.github.io/schema/vega-lite/v5.json", **({} if "vconcat" in spec else fit), **spec}
    given["config"] = {**CONFIG, **spec.get("config", {})}
    root = ET.fromstring(vl_convert.vegalite_to_svg(given))  # noqa: S314 - what we drew ourselves
    view = root.get("viewBox", "")
    _clean(root)
    root.attrib.clear()
    root.attrib.update({"viewBox": view, **({"role": "img", "aria-label": alt} if alt else {"aria-hidden": "true"})})
    ET.register_namespace("", SVG)
    text = ET.tostring(root, encoding="unicode", short_empty_elements=True)
    return Picture(Markup(text), alt)  # noqa: S704 - serialised by ElementTree, which escapes


def _clean(element: ET.Element) -> None:
    """Keep shapes and texts; the name of a single mark becomes its title."""
    label = element.attrib.pop("aria-label", "")
    for name in [name for name in element.attrib if name in _GONE or name.startswith(("aria-", "on", "{"))]:
        del element.attrib[name]
    for child in list(element):
        _clean(child)
        if _is_empty(child):
            element.remove(child)
    if label and element.tag == f"{{{SVG}}}path":
        ET.SubElement(element, f"{{{SVG}}}title").text = label


def _is_empty(element: ET.Element) -> bool:
    tag = element.tag.removeprefix(f"{{{SVG}}}")
    if tag == "path":
        return (
            not element.get("d")
            or element.get("d") == "M0,0h0v0h0Z"
            or element.get("display") == "none"
            or _unseen(element)
        )
    return tag == "g" and not len(element)


def _unseen(element: ET.Element) -> bool:
    return element.get("fill") is None and element.get("stroke") is None


def tier_colour(tiers: list[str]) -> Spec:
    """One colour a tier, the same in every chart."""
    return {"domain": tiers, "range": [colour_of(tier) for tier in tiers]}


def tier_dash(tiers: list[str]) -> Spec:
    """And one dash, because colour alone says nothing to some."""
    return {"domain": tiers, "range": [_DASHES.get(tier, [8, 2, 2, 2]) for tier in tiers]}


def colour_of(tier: str) -> str:
    """The variable of a tier's colour."""
    return f"var(--{tier})" if tier in TIERS else "var(--other)"

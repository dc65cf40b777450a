"""From a matplotlib figure to SVG that belongs into a page: its colours, its fonts, ids of its own.

Figures are drawn in stand-in colours, and these are then replaced by the page's: text and axes take the page's text
colour, series take ``--series-1`` to ``--series-8``, so that one drawing is legible on light and on dark ground.
"""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.figure import Figure

from vibethinker.observe.formats import printable

INK = "#b00001"
"""Stands for the page's text colour."""
SERIES = tuple(f"#a0000{number}" for number in range(1, 9))
"""Stand for the page's colours of series, told apart by colour-blind readers too (Okabe and Ito)."""

_XLINK = "{http://www.w3.org/1999/xlink}href"
_STYLE: dict[Any, Any] = {  # matplotlib 3.11 types the keys as literals, earlier ones as str
    "svg.fonttype": "none",
    "text.parse_math": False,  # labels are names, not formulas
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.axisbelow": True,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "grid.color": INK,
    "grid.alpha": 0.15,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
}


@contextmanager
def drawing(figure_id: str) -> Iterator[None]:
    """Give figures made inside our style, whatever the user's matplotlib is set to, and repeatable ids."""
    with mpl.rc_context(), warnings.catch_warnings():
        # Text is set by the browser in the browser's fonts; that ours lacks a sign does not matter.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        mpl.rcdefaults()
        mpl.rcParams.update({**_STYLE, "svg.hashsalt": figure_id})
        yield


def inline_svg(figure: Figure, figure_id: str, title: str) -> Markup:
    """Return a figure as an ``<svg>`` element for a page.

    Args:
        figure: Drawn in ``INK`` and ``SERIES`` colours inside ``drawing``.
        figure_id: Unique in the page; every id in the element begins with it.
        title: What a reader who does not see it is told.
    """
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True)
    root = ElementTree.fromstring(file.getvalue())  # noqa: S314 - written by matplotlib the line above
    for parent in root.iter():
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style"):
                parent.remove(child)
    referenced = set(re.findall(r"#([\w.-]+)", " ".join(_references(root))))
    for element in root.iter():
        _rewrite(element, figure_id, referenced)
    view_box = root.get("viewBox", "")
    root.attrib = {"viewBox": view_box, "role": "img", "aria-labelledby": f"{figure_id}-title"}
    label = ElementTree.Element("title", {"id": f"{figure_id}-title"})
    label.text = printable(title)
    root.insert(0, label)
    text = ElementTree.tostring(root, encoding="unicode")
    return Markup(re.sub(r">\s+<", "><", text))  # noqa: S704 - an XML writer has escaped what it holds


def _references(root: ElementTree.Element) -> Iterator[str]:
    for element in root.iter():
        yield element.get(_XLINK, "")
        yield element.get("clip-path", "")


def _rewrite(element: ElementTree.Element, figure_id: str, referenced: set[str]) -> None:
    """Bring one element into the page: no namespaces, short numbers, our ids, the page's colours and fonts."""
    element.tag = _local(element.tag)
    old = dict(element.attrib)
    element.attrib.clear()
    for key, value in old.items():
        if key == "id":
            if value in referenced:
                element.set("id", f"{figure_id}-{value}")
        elif key == _XLINK:
            element.set("href", value.replace("#", f"#{figure_id}-"))
        elif key == "clip-path":
            element.set("clip-path", value.replace("#", f"#{figure_id}-"))
        elif key == "style":
            element.set("style", _page_style(value))
        elif not (key == "transform" and value.startswith("rotate(-0 ")):
            element.set(key, re.sub(r"-?\d+\.\d+", _short, value))


def _page_style(style: str) -> str:
    style = re.sub(r"font-family: [^;]+;? ?", "", style)
    style = style.replace(INK, "currentColor")
    for number, color in enumerate(SERIES, start=1):
        style = style.replace(color, f"var(--series-{number})")
    return style


def _short(match: re.Match[str]) -> str:
    """Write a coordinate to a hundredth of a point."""
    return f"{float(match.group()):.2f}".rstrip("0").rstrip(".")


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]

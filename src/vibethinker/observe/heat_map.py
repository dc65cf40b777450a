"""Pass@k of checkpoints by domain as a heat map, in an SVG file of its own, legible on light and on dark ground.

write_heat_map(Path("docs/figures/probe.svg"), read_json(Path("runs/quickstart/probe/probe.json")))
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import escape

from vibethinker.files import write_whole
from vibethinker.observe.formats import decimal, printable

_ROW, _COLUMN, _HEAD = 34, 96, 44
"""Pixels: height of a row, width of a column, height of the head."""
_CHARACTER = 7
"""Pixels that a character of a name takes."""
_LONGEST_NAME = 40
_PALEST, _STRONGEST = 0.06, 0.94
"""Opacities of the lowest and the highest value."""
_WHITE_FROM = 0.55
"""Opacity from which white letters are easier to read on the colour than dark ones."""

_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2328}.n{font-size:10px;opacity:.75}.w{fill:#fff}"
    ".c{fill:#0072b2}.s{fill:none;stroke:#d55e00;stroke-width:2.5}.x{opacity:.5}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.c{fill:#2f8fd0}.s{stroke:#f0883e}}"
)


def heat_map_svg(probe: Mapping[str, Any]) -> str:
    """Return the SVG of a probe from the content of its ``probe.json``.

    A cell holds pass@k with its interval; the domain's specialist is framed, and what left the race early is pale with
    the round in which it did.
    """
    key = f"pass@{probe['k']}"
    domains = list(probe["domains"])
    cells = {(cell["checkpoint"], cell["domain"]): cell for cell in probe["cells"]}
    checkpoints = list(dict.fromkeys(name for name, _ in cells))
    chosen = {(row["checkpoint"], domain) for domain, row in probe["specialists"].items()}
    shades = heats(cells, key)
    left = 16 + _CHARACTER * max(len(_short(name)) for name in checkpoints)
    parts = [
        _text(left + _COLUMN * (place + 0.5), _HEAD - 10, _short(domain, _COLUMN // _CHARACTER), anchor="middle")
        for place, domain in enumerate(domains)
    ]
    for row, checkpoint in enumerate(checkpoints):
        top = _HEAD + row * _ROW
        parts.append(_text(left - 8, top + 22, _short(checkpoint), anchor="end"))
        for column, domain in enumerate(domains):
            place = checkpoint, domain
            if place in cells:
                at = left + column * _COLUMN, top
                parts += _cell(at, cells[place], key, shades.get(place), chosen=place in chosen)
    legend = _legend(probe, key)
    width, height = left + _COLUMN * len(domains) + 8, _HEAD + _ROW * len(checkpoints) + 20 + 14 * len(legend)
    parts += [_text(8, height - 14 * len(legend) + 14 * line, text, kind="n") for line, text in enumerate(legend)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img"><title>{escape(key)} of each checkpoint in each domain</title><style>{_STYLE}</style>'
        + "".join(parts)
        + "</svg>\n"
    )


def write_heat_map(path: Path, probe: Mapping[str, Any]) -> None:
    """Write ``heat_map_svg`` to a file, whole or not at all."""
    write_whole(path, heat_map_svg(probe))


def heats(cells: Mapping[tuple[str, str], Mapping[str, Any]], key: str) -> dict[tuple[str, str], float]:
    """Return how strongly a cell of (checkpoint, domain) is coloured, in [0, 1], from its domain's least to its best.

    Domains differ in difficulty, checkpoints are compared within one. Cells without a value have none.
    """
    found: dict[tuple[str, str], float] = {}
    for domain in dict.fromkeys(domain for _, domain in cells):
        values = {place: cell[key] for place, cell in cells.items() if place[1] == domain and cell.get(key) is not None}
        low, high = min(values.values(), default=0.0), max(values.values(), default=0.0)
        found |= {place: (value - low) / (high - low) if high > low else 0.5 for place, value in values.items()}
    return found


def interval_text(interval: Iterable[float] | None) -> str:
    """Write an interval.

    >>> interval_text([0.75, 0.912]), interval_text([-0.05, 0.02]), interval_text(None)
    ('.75–.91', '-.05 to .02', '')
    """
    ends = [] if interval is None else list(interval)
    # A dash after a minus is hard to read.
    return (" to " if min(ends, default=0) < 0 else "\N{EN DASH}").join(decimal(end) for end in ends)


def _cell(at: tuple[float, float], cell: Mapping[str, Any], key: str, heat: float | None, *, chosen: bool) -> list[str]:
    x, y = at[0] + 2, at[1] + 2
    width, height = _COLUMN - 4, _ROW - 4
    out = cell.get("dropped")
    opacity = 0.0 if heat is None else _PALEST + heat * (_STRONGEST - _PALEST)
    opacity *= 0.5 if out else 1.0
    box = f'x="{x:g}" y="{y:g}" width="{width}" height="{height}" rx="3"'
    kind = "w" if opacity >= _WHITE_FROM else "x" if out else ""
    note = f"out in round {out}" if out else interval_text(cell.get("interval"))
    parts = [
        f'<rect class="c" {box} fill-opacity="{opacity:.2f}"/>',
        _text(x + width / 2, y + (14 if note else 20), decimal(cell.get(key)), anchor="middle", kind=kind),
        _text(x + width / 2, y + 26, note, anchor="middle", kind=f"n {kind}".strip()) if note else "",
    ]
    return [*parts, f'<rect class="s" {box}/>'] if chosen else parts


def _legend(probe: Mapping[str, Any], key: str) -> list[str]:
    left = any(cell.get("dropped") for cell in probe["cells"])
    lines = [f"{key}, 95 % interval below", "framed: the domain's specialist"]
    return [*lines, "pale: out of the race after that round"] if left else lines


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{named}>{escape(printable(text))}</text>'


def _short(name: str, longest: int = _LONGEST_NAME) -> str:
    """Cut a name where it begins: what tells checkpoints apart is at the end."""
    return name if len(name) <= longest else f"…{name[1 - longest :]}"

"""The charts of the report: learning curves, dots with intervals, histograms."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from vibethinker.observe.formats import decimal, printable
from vibethinker.observe.svg import INK, SERIES, drawing, inline_svg

MOST_POINTS = 240
"""Points drawn of a curve; longer ones are drawn as means of neighbours."""
FEWEST_POINTS = 40
"""Points drawn of a curve among many others."""
_SMOOTH_FROM = 30
"""Points from which a curve is drawn as a running mean over its faint raw values."""
_LONGEST_LABEL = 24


@dataclass(frozen=True)
class Curve:
    """A line of a chart: values by step, in the order of the steps."""

    label: str
    steps: Sequence[float]
    values: Sequence[float]


@dataclass(frozen=True)
class Dot:
    """A value of one series in one row of a chart, with the interval around it where that is known."""

    series: str
    row: str
    value: float
    low: float | None = None
    high: float | None = None


def curve_chart(
    figure_id: str,
    title: str,
    curves: Sequence[Curve],
    *,
    floor: float | None = None,
    noisy: bool = True,
    x_label: str = "step",
) -> Markup:
    """Draw curves over steps, in the colours of the series in their order.

    Args:
        figure_id: Unique in the page.
        title: What a reader who does not see it is told.
        curves: One line each.
        floor: Where the vertical axis begins, for what cannot be negative.
        noisy: Draw long curves as a running mean over their faint raw values.
        x_label: What the curves run over, in whole numbers.
    """
    most = max(FEWEST_POINTS, 4 * MOST_POINTS // max(4, len(curves)))
    with drawing(figure_id):
        figure, axes = _figure(3.6, 2.1)
        for index, curve in enumerate(curves):
            color = SERIES[index % len(SERIES)]
            style = "-" if index < len(SERIES) else "--"
            steps, values = thinned(curve.steps, curve.values, most)
            if noisy and len(values) >= _SMOOTH_FROM:
                axes.plot(steps, values, color=color, alpha=0.25, linewidth=0.9)
                values = running_mean(values, len(values) // 20 + 1)
            marker = "o" if len(values) == 1 else ""
            axes.plot(steps, values, style, color=color, marker=marker, markersize=4)
        axes.grid(axis="y")
        axes.margins(x=0.01)
        if floor is not None:
            axes.set_ylim(bottom=floor)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(FuncFormatter(_tick))
        axes.set_xlabel(_label(x_label))
        return inline_svg(figure, figure_id, title)


def smoothing_note(curves: Iterable[Curve]) -> str:
    """Say how to read charts of these noisy curves; empty where all are too short to be smoothed."""
    smoothed = any(len(curve.values) >= _SMOOTH_FROM for curve in curves)
    return "Thin lines are the values, thick ones their running mean." if smoothed else ""


def interval_chart(figure_id: str, title: str, dots: Sequence[Dot]) -> Markup:
    """Draw dots with error bars on a scale from 0, a line per row and series, the first row on top.

    Rows and series come in the order in which they first appear. Colours tell the series apart; a single one has its
    rows coloured and its values written beside the dots.
    """
    rows = list(dict.fromkeys(dot.row for dot in dots))
    series = list(dict.fromkeys(dot.series for dot in dots))
    with drawing(figure_id):
        line_height = 0.21 if len(series) > 1 else 0.34
        height_in = 0.4 + line_height * len(rows) * len(series) + 0.06 * len(rows)
        figure, axes = _figure(4.8, height_in)
        for index, name in enumerate(series):
            own = [dot for dot in dots if dot.series == name]
            # The lines of one row lie side by side in the middle 80 % of its band.
            offset = 0.8 * ((index + 0.5) / len(series) - 0.5)
            for dot in own:
                place = rows.index(dot.row)
                color = SERIES[(index if len(series) > 1 else place) % len(SERIES)]
                _dot(axes, dot, place + offset, color, with_value=len(series) == 1)
        for border in range(1, len(rows)):
            axes.axhline(border - 0.5, color=INK, alpha=0.12, linewidth=0.6)
        axes.set_ylim(max(1, len(rows)) - 0.5, -0.5)
        axes.set_yticks(range(len(rows)), [_label(row) for row in rows])
        axes.spines["left"].set_visible(False)
        # Values written beside the dots need room on the right.
        axes.set_xlim(0, max([0.1, *(dot.high or dot.value for dot in dots)]) * (1.04 if len(series) > 1 else 1.16))
        axes.grid(axis="x")
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(_tick))
        return inline_svg(figure, figure_id, title)


def histogram_chart(
    figure_id: str, title: str, groups: Sequence[Sequence[float]], *, x_label: str, y_label: str
) -> Markup:
    """Draw histograms over 0, 1, 2, ... side by side, each as shares of its own total."""
    with drawing(figure_id):
        figure, axes = _figure(4.8, 2.3)
        width = 0.8 / max(1, len(groups))
        for index, counts in enumerate(groups):
            total = sum(counts) or 1.0
            places = [place + width * (index + 0.5) - 0.4 for place in range(len(counts))]
            shares = [count / total for count in counts]
            axes.bar(places, shares, width=0.92 * width, color=SERIES[index % len(SERIES)])
        axes.grid(axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(9, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(FuncFormatter(_tick))
        axes.set_xlabel(_label(x_label))
        axes.set_ylabel(_label(y_label))
        return inline_svg(figure, figure_id, title)


def thinned(
    steps: Sequence[float], values: Sequence[float], most: int = MOST_POINTS
) -> tuple[list[float], list[float]]:
    """Return at most ``most`` points: the means of equal stretches of neighbours.

    >>> thinned([1, 2, 3, 4], [0.0, 1.0, 2.0, 4.0], most=2)
    ([1.5, 3.5], [0.5, 3.0])
    """
    size = -(-len(values) // most)
    if size <= 1:
        return list(steps), list(values)
    stretches = range(0, len(values), size)
    return [_mean(steps[i : i + size]) for i in stretches], [_mean(values[i : i + size]) for i in stretches]


def running_mean(values: Sequence[float], reach: int) -> list[float]:
    """Return the mean of each value and up to ``reach`` neighbours on either side.

    At the ends the reach shrinks on both sides alike, so that a straight line stays where it is.

    >>> running_mean([1.0, 2.0, 3.0, 8.0], 1)
    [1.0, 2.0, 4.333333333333333, 8.0]
    """
    last = len(values) - 1
    reaches = [min(reach, i, last - i) for i in range(len(values))]
    return [_mean(values[i - r : i + r + 1]) for i, r in enumerate(reaches)]


def _dot(axes: Axes, dot: Dot, place: float, color: str, *, with_value: bool) -> None:
    if dot.low is not None and dot.high is not None:
        axes.plot([dot.low, dot.high], [place, place], color=color, linewidth=2.4, alpha=0.45)
    axes.plot([dot.value], [place], "o", color=color, markersize=6, markeredgewidth=0)
    if with_value:
        end = dot.value if dot.high is None else dot.high
        axes.annotate(decimal(dot.value, 3), (end, place), (6, 0), textcoords="offset points", va="center")


def _figure(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    return figure, figure.add_subplot()


def _label(text: str) -> str:
    """Make a name fit beside a chart, whatever a file of problems calls its domains."""
    text = printable(text)
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"


def _tick(value: float, _position: int) -> str:
    """Write a tick's value without needless digits: .2 and 1, 2.4e-4 where there would be many zeros."""
    if 0 < abs(value) < 1e-3:
        mantissa, exponent = f"{value:.3e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    text = f"{value:.6g}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)

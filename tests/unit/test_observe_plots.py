"""Charts: bounded, repeatable, in the page's colours, with ids of their own and names as plain text."""

import re
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.observe.plots import Curve, Dot, curve_chart, histogram_chart, interval_chart, running_mean, thinned

numbers = st.lists(st.floats(-1e6, 1e6), max_size=300)
HOSTILE = '<script>alert("$x_$")</script>\x00'


def charts(figure_id: str = "one") -> list[str]:
    curves = [Curve(HOSTILE, range(100), [x / 7 for x in range(100)]), Curve("b", [1, 2], [0.5, 0.4])]
    dots = [Dot("m", HOSTILE, 0.5, 0.4, 0.6), Dot("m", "row", 0.7)]
    return [
        curve_chart(f"{figure_id}-curves", HOSTILE, curves, floor=0),
        interval_chart(f"{figure_id}-dots", HOSTILE, dots),
        histogram_chart(f"{figure_id}-bars", HOSTILE, [[1, 2, 3], [0, 0, 0]], x_label="correct", y_label=HOSTILE),
    ]


@given(numbers, st.integers(1, 50))
def test_thinning_bounds_the_points_and_invents_no_value(values: list[float], most: int) -> None:
    steps, thin = thinned(range(len(values)), values, most)
    assert len(steps) == len(thin) <= most
    assert all(min(values) - 1e-3 <= value <= max(values) + 1e-3 for value in thin)
    assert steps == sorted(steps)
    if len(values) <= most:
        assert thin == values


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.integers(0, 60), st.integers(0, 9))
def test_a_running_mean_leaves_a_straight_line_where_it_is(start: float, slope: float, size: int, reach: int) -> None:
    line = [start + slope * x for x in range(size)]
    assert running_mean(line, reach) == pytest.approx(line, rel=1e-6, abs=1e-6)


@pytest.fixture(params=[0, 1, 2], ids=["curves", "dots", "bars"])
def svg(request: pytest.FixtureRequest) -> str:
    number: int = request.param
    return charts()[number]


def test_a_chart_is_xml_whose_names_are_text_and_nothing_from_outside(svg: str) -> None:
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own
    assert root.tag == "svg"
    assert {element.tag for element in root.iter()} <= {
        "svg",
        "title",
        "g",
        "path",
        "use",
        "defs",
        "clipPath",
        "rect",
        "text",
    }
    title = root.find("title")
    assert title is not None
    assert title.text == '<script>alert("$x_$")</script>␀'
    assert root.get("aria-labelledby") == title.get("id")
    assert "http" not in svg


def test_a_chart_has_the_colours_of_the_page(svg: str) -> None:
    assert "currentColor" in svg
    assert "var(--series-1)" in svg
    assert "font-family" not in svg
    # What is left are marks in matplotlib's black that nothing shows, and none of the stand-in colours.
    assert not re.search(r"#[ab]0000\d", svg)


def test_two_charts_in_a_page_share_no_id_and_refer_to_their_own() -> None:
    ids: list[str] = []
    for svg in charts("one") + charts("two"):
        own = re.findall(r'\bid="([^"]+)"', svg)
        assert set(re.findall(r"#([\w.-]+)", " ".join(re.findall(r'(?:href|clip-path)="([^"]+)"', svg)))) <= set(own)
        ids += own
    assert len(ids) == len(set(ids))


def test_the_same_chart_has_the_same_bytes_whatever_the_users_settings() -> None:
    before = charts()
    with mpl.rc_context({"xtick.labelsize": 30, "axes.grid": True, "svg.fonttype": "path"}):
        assert charts() == before


def test_a_chart_of_one_point_or_none_is_drawn() -> None:
    assert curve_chart("x", "t", [Curve("a", [3], [0.5])])
    assert curve_chart("x", "t", [])
    assert interval_chart("x", "t", [])
    assert histogram_chart("x", "t", [], x_label="x", y_label="y")

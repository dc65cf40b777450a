"""Ways of solving, told from a response's form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.algos.ways import BOX, FENCE, way_of


@pytest.mark.parametrize(
    ("text", "way"),
    [
        (r"\boxed{7}", "direct"),
        ("\n\n  \\boxed{7}\n", "direct"),
        (r"$$\boxed{7}$$", "direct"),
        ("\\[\n\\boxed{7}\n\\]", "direct"),
        ("3+4=7\n\\boxed{7}", "brief"),
        ("3+4=7\n\n\n\\boxed{7}", "brief"),
        (r"The answer is \boxed{7}.", "brief"),
        ("3+4=7\n7*2=14\n\\boxed{14}", "careful"),
        ("3+4=7\r\n\r\n7*2=14\r\n\\boxed{14}\r\nThat was it.", "careful"),
        ("a\nb\nc\nd\n\\boxed{14}", "careful"),
        ("3+4=7, so \\boxed{8}.\nNo: \\boxed{7}", "careful"),
        ("```python\ndef f(x):\n    return x\n```", "direct"),
        ("\n```python\ndef f(x):\n    return x\n```\nThat is it.", "direct"),
        ("3+4=7\n```python\ndef f(x):\n    return 7*x\n```", "brief"),
        ("3+4=7\n7-2=5\n\n```python\ndef f(x):\n    return 5*x\n```\n", "careful"),
        ("```python\npass\n```\n```python\npass\n```", "careful"),
        ("```python\ndef f(x):\n    return x\n```\n\\boxed{3}", "careful"),
        ("\\boxed{3}\n```python\npass\n```", "brief"),
        ("3+4=7\n```\n7\n```", "careful"),
        ("", "direct"),
        ("no box", "brief"),
        ("no box\nat all", "careful"),
    ],
)
def test_the_lines_before_the_last_box_or_program_tell_the_way(text: str, way: str) -> None:
    assert way_of(text) == way


@given(st.lists(st.text("abc123+=\t ", min_size=1).filter(str.strip), max_size=4), st.integers(0, 3))
def test_blank_lines_do_not_count(lines: list[str], gap: int) -> None:
    lines = [f"1{line}" for line in lines]
    text = ("\n" * (gap + 1)).join([*lines, r"\boxed{1}"])
    assert way_of(text) == ["direct", "brief", "careful"][min(len(lines), 2)]


@given(st.text(), st.text().filter(lambda text: BOX not in text and FENCE not in text), st.sampled_from([BOX, FENCE]))
def test_what_follows_the_last_box_or_program_does_not_count(before: str, after: str, opening: str) -> None:
    assert way_of(before + opening + after) == way_of(before + r"\boxed{1}")


@given(st.lists(st.sampled_from(["3+4=7\n", BOX, "1}\n", FENCE, "\n", "```\n"]), max_size=12))
def test_a_box_and_a_program_in_the_same_place_show_the_same_way(pieces: list[str]) -> None:
    text = "".join(pieces)
    assert way_of(text + BOX) == way_of(text + FENCE)


@given(st.text())
def test_every_text_has_a_way(text: str) -> None:
    assert way_of(text) in {"direct", "brief", "careful"}

"""Programs in responses: the last block of Python, or why there is none."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vibethinker.sandbox import probe
from vibethinker.sandbox.jobs import MAXIMUM_SOURCE_BYTES
from vibethinker.verify.program import MAX_PROGRAM_BYTES, extract_program

confined = pytest.mark.skipif((probe().level or 0) < 2, reason="this machine offers neither level 3 nor level 2")


def block(program, tag="python"):
    return f"So:\n```{tag}\n{program}\n```\n"


RIGHT = "def f(x):\n    return 2 * x"


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("```python\nx = 1\n```", "x = 1"),
        ("```\nx = 1\n```", "x = 1"),
        ("```Python3\nx = 1\n```", "x = 1"),
        ("``` py title=a\nx = 1\n```", "x = 1"),
        ("~~~python\nx = 1\n~~~", "x = 1"),
        ("````python\nx = '''\n```\n'''\n````", "x = '''\n```\n'''"),
        ("```python\nx = 1\n~~~\n```", "x = 1\n~~~"),
        ("```python\nx = 1\n```  \nand so on", "x = 1"),
        ("```python\r\nx = 1\r\n```\r\n", "x = 1\r"),
        ("```python\nx = 1\n```\nno:\n```python\nx = 2\n```", "x = 2"),
        ("```python\nx = 1\n```\nIt prints\n```text\n1\n```", "x = 1"),
        ("1. Do it:\n   ```python\n   if x:\n       y\n   ```", "if x:\n    y"),
        ("- - Do it:\n      ```python\n      if x:\n    y\n      ```", "if x:\ny"),
        ('```python\ndef f():\n    """\n    ```\n    """\n```', 'def f():\n    """\n    ```\n    """'),
        ("<think>```python\nx = 1\n```</think>```python\nx = 2\n```", "x = 2"),
        ("<think>```python\nx = 1\n</think>\n```python\nx = 2\n```", "x = 2"),
        ("Say ```x``` and\n```a``` b\n```python\nx = 1\n```", "x = 1"),
    ],
)
def test_the_program_is_the_last_block_of_python(text, program):
    assert extract_program(text).answer == program


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("", "no_answer"),
        ("x = 1", "no_answer"),
        (r"\boxed{7}", "no_answer"),
        ("```python x = 1```", "no_answer"),
        ("```cpp\nint x;\n```", "no_answer"),
        ("```python\n```", "no_answer"),
        ("```python\n \n\n```", "no_answer"),
        ("<think>```python\nx = 1\n```</think>So x is 1.", "no_answer"),
        ("```python\nx = 1", "unparseable"),
        ("```python\nx = 1\n```\n```text\n1", "unparseable"),
        ("````python\nx = 1\n```", "unparseable"),
        ("```python\nx = 1\n```so", "unparseable"),
        ("<think>```python\nx = 1\n```", "unparseable"),
        ("```python\nx = 1\n```\n<think>but", "unparseable"),
        (block("#" * MAX_PROGRAM_BYTES), "refused"),
        (block("#" + "€" * (MAX_PROGRAM_BYTES // 2)), "refused"),
        (block("x = 1") + "." * MAX_PROGRAM_BYTES, "refused"),
    ],
)
def test_a_response_without_a_whole_program_says_why(text, status):
    found = extract_program(text)
    assert (found.answer, found.status) == (None, status)
    assert found.reason
    assert "\n" not in found.reason


def test_a_long_thought_does_not_refuse_the_program():
    assert extract_program(f"<think>{'hm ' * MAX_PROGRAM_BYTES}</think>{block(RIGHT)}").answer == RIGHT


@given(st.lists(st.sampled_from(["```", "~~~", "````", "python", "\n", " ", "x", "<think>", "</think>", "\ud800"])))
def test_no_text_raises_and_a_program_stands_in_its_text(pieces):
    text = "".join(pieces)
    found = extract_program(text)
    assert (found.answer is None) == (found.status != "found")
    assert found.answer is None or (found.answer.strip() and all(line in text for line in found.answer.split("\n")))


@pytest.mark.parametrize("piece", ["```\n", "~", " ", "`", "```a\n~~~\n", "\n", "<think>", "</think>", "    ```\n"])
def test_extraction_takes_time_linear_in_the_text(piece):
    started = time.process_time()
    extract_program(piece * (MAX_PROGRAM_BYTES // len(piece)))
    assert time.process_time() - started < 5


def test_what_is_extracted_is_never_larger_than_what_the_sandbox_takes():
    assert MAX_PROGRAM_BYTES <= MAXIMUM_SOURCE_BYTES

r"""Where the program stands in a response: in its last fenced block of Python.

Only what follows the last ``</think>`` is read. A block opens with three or more ``` or ~~~ at the beginning of a line
and closes with a line of at least as many of the same, as in CommonMark (a fence indented deeper than its block's
opening, such as one in a docstring, is content). It is a program's if its language tag is ``python``, ``python3`` or
``py``, or if it has none; blocks of other languages, such as an example's output tagged ``text``, are passed over.

An unclosed thought or block is not made up for by an earlier block: such a response broke off.
"""

import re

from vibethinker.verify.extract import THOUGHT_END, THOUGHT_START, Extraction

MAX_PROGRAM_BYTES = 2**20
"""A larger program is refused; so is more text than that after the thought, which bounds what is searched."""

LANGUAGES = frozenset({"", "python", "python3", "py"})
"""Tags of a program's block, in lower case."""

_FENCE = re.compile(r"^( *)(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_CLOSING_INDENT = 3
_SHOWN_CHARACTERS = 20

_UNCLOSED_THOUGHT = Extraction(None, "unparseable", "the response broke off within its thought")
_UNCLOSED_BLOCK = Extraction(None, "unparseable", "the last fenced block is not closed")
_NO_BLOCK = Extraction(None, "no_answer", "the response has no fenced block")
_EMPTY_BLOCK = Extraction(None, "no_answer", "the last fenced block of Python is empty")
_TOO_LONG = Extraction(None, "refused", f"the answer is longer than {MAX_PROGRAM_BYTES} characters")
_TOO_LARGE = Extraction(None, "refused", f"the program is larger than {MAX_PROGRAM_BYTES} bytes")


def extract_program(text: str) -> Extraction:
    r"""Find the program of a response; never raises on what it holds, in time linear in its length.

    Args:
        text: The whole response, with its thought.

    >>> extract_program("So:\n```python\nprint(7)\n```\nIt prints\n```text\n7\n```").answer
    'print(7)'
    >>> extract_program("```\nprint(7)\n```\nor rather\n```\nprint(").status
    'unparseable'
    >>> extract_program("print(7)").status
    'no_answer'
    """
    begin = text.rfind(THOUGHT_END)
    begin = 0 if begin < 0 else begin + len(THOUGHT_END)
    if text.find(THOUGHT_START, begin) >= 0:
        return _UNCLOSED_THOUGHT
    if len(text) - begin > MAX_PROGRAM_BYTES:
        return _TOO_LONG
    text = text[begin:]  # a block may open right after the thought, which is then the beginning of a line
    opening: re.Match[str] | None = None
    program: tuple[re.Match[str], int] | None = None
    other = ""
    for fence in _FENCE.finditer(text):
        if opening is None:
            # Backticks after backticks on one line are code within a sentence.
            if fence[2][0] == "~" or "`" not in fence[3]:
                opening = fence
        elif _closes(fence, opening):
            language = _language(opening)
            if language in LANGUAGES:
                program = opening, fence.start()
            other = language
            opening = None
    if opening is not None:
        return _UNCLOSED_BLOCK
    if program is None:
        what = f"the response has no fenced block of Python, but one of {other[:_SHOWN_CHARACTERS]!r}"
        return Extraction(None, "no_answer", what) if other else _NO_BLOCK
    return _inside(text, *program)


def _closes(fence: re.Match[str], opening: re.Match[str]) -> bool:
    """Tell whether a fence closes the block that ``opening`` opened."""
    return (
        fence[2][0] == opening[2][0]
        and len(fence[2]) >= len(opening[2])
        and not fence[3].strip()
        and len(fence[1]) <= max(_CLOSING_INDENT, len(opening[1]))
    )


def _language(opening: re.Match[str]) -> str:
    """Return a block's tag in lower case; empty where it has none."""
    words = opening[3].split(maxsplit=1)
    return words[0].lower() if words else ""


def _inside(text: str, opening: re.Match[str], end: int) -> Extraction:
    """Return what stands between the fences, less the opening's indentation."""
    program = text[opening.end() + 1 : max(opening.end() + 1, end - 1)]
    if not program.strip():
        return _EMPTY_BLOCK
    if indent := len(opening[1]):
        lines = program.split("\n")
        program = "\n".join(line[min(indent, len(line) - len(line.lstrip(" "))) :] for line in lines)
    if len(program.encode(errors="surrogatepass")) > MAX_PROGRAM_BYTES:
        return _TOO_LARGE
    return Extraction(program, "found")

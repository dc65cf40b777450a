"""What is done of a piece of work in small parts: JSON lines in a file that is whole at any time."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vibethinker.files import write_whole

Line = Mapping[str, Any]


class LineRecord:
    """The lines that an earlier attempt left, and those added since; for tens of lines, as all are written anew."""

    def __init__(self, path: Path) -> None:
        """Read the file, which need not exist yet."""
        self.path = path
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        # Split at line feeds alone: JSON text may hold the other line separators.
        self._lines: list[Line] = [json.loads(line) for line in text.split("\n") if line]

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def find(self, **values: object) -> Line | None:
        """Return the first line that has these values, None where there is none."""
        return next((line for line in self._lines if all(line.get(key) == values[key] for key in values)), None)

    def add(self, line: Line) -> Line:
        """Keep one more line; it is on disk when this returns."""
        self._lines.append(line)
        text = "".join(json.dumps(each, ensure_ascii=False, allow_nan=False) + "\n" for each in self._lines)
        write_whole(self.path, text)
        return line

    def find_or_add(self, make: Callable[[], Mapping[str, Any]], **values: object) -> Line:
        """Return the line of these values; where there is none, what ``make`` returns is added to them and kept."""
        return self.find(**values) or self.add({**values, **make()})

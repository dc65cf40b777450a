"""Rows of flattened tests files, Parquet with the columns ``id`` and ``tests``, read by row group as they are needed.

Large test sets take gigabytes; of a file only the ids and the last row groups read are held.
"""

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

MAX_ROW_GROUP_BYTES = 512 * 2**20
"""A row group whose tests are larger is not read: it would have to be held as a whole."""

_HELD_BYTES = 256 * 2**20
_HELD_FILES = 4

_File = tuple[str, int, int]
_Place = tuple[int, int]


class FlattenedTestsError(ValueError):
    """A file or a row of it that cannot be read; says why in one line."""


class FlattenedTests:
    """Reads rows by id; for any number of threads."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._lock = threading.Lock()
        # Of an id that stands twice, None.
        self._places: OrderedDict[_File, dict[str, _Place | None]] = OrderedDict()
        self._groups: OrderedDict[tuple[_File, int], pa.ChunkedArray] = OrderedDict()

    def read(self, path: str, row_id: str) -> str:
        """Return the tests of a row.

        Args:
            path: The file, relative to the working directory. One that has changed is read anew.
            row_id: The row's id.

        Raises:
            FlattenedTestsError: If there is no such file or row, or it is not of this form.
        """
        import pyarrow as pa

        try:
            state = Path(path).stat()
            key = (path, state.st_mtime_ns, state.st_size)
            with self._lock:
                group, row = self._place(key, row_id)
                tests = self._group(key, group)[row].as_py()
        except FileNotFoundError:
            raise FlattenedTestsError(f"no file {path}") from None
        except (OSError, ValueError, pa.ArrowException) as error:
            if isinstance(error, FlattenedTestsError):
                raise
            raise FlattenedTestsError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from None
        if not isinstance(tests, str):
            raise FlattenedTestsError(f"{path}: the tests of {row_id!r} must be text, got {type(tests).__name__}")
        return tests

    def _place(self, key: _File, row_id: str) -> _Place:
        places = self._places.get(key)
        if places is None:
            places = self._places[key] = _read_places(key[0])
            while len(self._places) > _HELD_FILES:
                self._places.popitem(last=False)
        self._places.move_to_end(key)
        if row_id not in places:
            raise FlattenedTestsError(f"{key[0]} has no row of id {row_id!r} among its {len(places):,}")
        place = places[row_id]
        if place is None:
            raise FlattenedTestsError(f"{key[0]}: the id {row_id!r} stands there twice")
        return place

    def _group(self, key: _File, group: int) -> "pa.ChunkedArray":
        held = self._groups.get((key, group))
        if held is None:
            held = self._groups[key, group] = _read_group(key[0], group)
            while len(self._groups) > 1 and sum(column.nbytes for column in self._groups.values()) > _HELD_BYTES:
                self._groups.popitem(last=False)
        self._groups.move_to_end((key, group))
        return held


def _read_places(path: str) -> dict[str, _Place | None]:
    """Return where each id stands: row group, and row within it."""
    import pyarrow.parquet as pq

    places: dict[str, _Place | None] = {}
    with pq.ParquetFile(path) as file:
        missing = {"id", "tests"} - set(file.schema_arrow.names)
        if missing:
            raise FlattenedTestsError(
                f"{path} has no column {' and no column '.join(sorted(missing))}; it has "
                f"{', '.join(file.schema_arrow.names)[:200]}"
            )
        for group in range(file.metadata.num_row_groups):
            for row, value in enumerate(file.read_row_group(group, columns=["id"]).column(0).to_pylist()):
                places[str(value)] = None if str(value) in places else (group, row)
    return places


def _read_group(path: str, group: int) -> "pa.ChunkedArray":
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        metadata = file.metadata.row_group(group)
        columns = [metadata.column(number) for number in range(metadata.num_columns)]
        size = sum(column.total_uncompressed_size for column in columns if column.path_in_schema == "tests")
        if size > MAX_ROW_GROUP_BYTES:
            raise FlattenedTestsError(
                f"{path}: row group {group} holds {size:,} bytes of tests, {MAX_ROW_GROUP_BYTES:,} are allowed: write "
                f"the file with fewer rows in a group"
            )
        return file.read_row_group(group, columns=["tests"]).column(0)

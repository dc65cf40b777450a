"""A lack of space is told from other failures, however a library puts it, and every failure is one line."""

import errno
from pathlib import Path

import pytest

from vibethinker.errors import InputError, Interrupted, WorkError
from vibethinker.pipeline.failures import disk_is_full, explained


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


NO_SPACE = OSError(errno.ENOSPC, "No space left on device", "/proc/model.safetensors")
FULL = {
    "the system's own": NO_SPACE,
    "in another language": OSError(errno.ENOSPC, "Kein Speicherplatz"),
    "quota": OSError(errno.EDQUOT, "Disk quota exceeded"),
    "as a cause": caused(RuntimeError("cannot save"), NO_SPACE),
    "as a cause of a cause": caused(ValueError("x"), caused(RuntimeError("cannot save"), NO_SPACE)),
    "safetensors": RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
}


@pytest.mark.parametrize("error", FULL.values(), ids=FULL)
def test_a_full_disk_is_recognised_however_it_is_put(tmp_path: Path, error: Exception) -> None:
    told = explained(error, "signal", tmp_path)
    assert type(told) is WorkError
    assert str(told).startswith('disk full: stage "signal" could not write to /')
    assert "free some space and give the same command again" in str(told)


def test_the_file_system_named_is_that_of_the_file(tmp_path: Path) -> None:
    assert "could not write to /proc (" in str(explained(NO_SPACE, "signal", tmp_path))


def test_an_error_chain_that_turns_back_on_itself_ends(tmp_path: Path) -> None:
    first, second = RuntimeError("a"), RuntimeError("b")
    first.__cause__, second.__cause__ = second, first
    assert not disk_is_full(first, tmp_path)


def test_torchs_writer_is_believed_where_there_is_space(tmp_path: Path) -> None:
    error = RuntimeError("[enforce fail] PytorchStreamWriter failed writing file data/0: file write failed")
    assert not disk_is_full(error, tmp_path)


def test_every_failure_is_one_line_with_its_stage(tmp_path: Path) -> None:
    told = explained(RuntimeError("a\n  b\n" + "c" * 1000), "signal", tmp_path)
    assert type(told) is WorkError
    assert str(told).startswith('stage "signal" failed: RuntimeError: a b ccc')
    assert "\n" not in str(told)
    assert len(str(told)) < 400
    assert str(explained(KeyError(), None, tmp_path)).startswith(f"{tmp_path} failed: KeyError (--debug")


def test_errors_of_ours_keep_their_kind_and_name_the_stage_once(tmp_path: Path) -> None:
    wrong = explained(InputError("no column"), "problems", tmp_path)
    assert (type(wrong), str(wrong)) == (InputError, 'stage "problems": no column')
    assert explained(wrong, "problems", tmp_path) is wrong
    failed = explained(WorkError("the loss is not a number"), "signal", tmp_path)
    assert (type(failed), str(failed)) == (WorkError, 'stage "signal": the loss is not a number')
    stopped = Interrupted(step=3)
    assert explained(stopped, "signal", tmp_path) is stopped

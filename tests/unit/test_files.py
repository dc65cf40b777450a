"""A file is there whole or not at all."""

from pathlib import Path

import pytest

from vibethinker.files import read_json, sync_tree, write_json, write_whole


def test_what_is_written_is_read_back_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_json(tmp_path / "deep/a.json", {"x": [1, 2.5, None, "\u03bb"]})
    write_json(tmp_path / "deep/a.json", {"x": []})
    assert read_json(tmp_path / "deep/a.json") == {"x": []}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.json"]


def test_a_writing_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.mkdir()
    (target / "inside").write_text("old")
    with pytest.raises(OSError, match="directory"):
        write_whole(target, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (target / "inside").read_text() == "old"


def test_a_number_that_json_cannot_write_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", float("nan"))
    assert read_json(tmp_path / "a.json") == 1


def test_a_tree_with_a_link_that_leads_nowhere_is_synced(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below/file").write_text("x")
    (tmp_path / "below/link").symlink_to("nowhere")
    sync_tree(tmp_path)
    assert (tmp_path / "below/file").read_text() == "x"
    assert (tmp_path / "below/link").is_symlink()

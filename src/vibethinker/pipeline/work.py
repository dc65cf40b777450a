"""A stage's folder from its first file to its final name.

A stage works in ``.work/<id>``, where a file ``fingerprint`` says for which fingerprint. When it has returned,
everything is forced to disk, the manifest is written, and the folder gets its final name. A manifest in the working
folder therefore says that all is there: a run killed just before the renaming goes on with the renaming.
"""

import shutil
from pathlib import Path
from typing import Any

from vibethinker.files import read_json, sync_folder, sync_tree, write_json, write_whole

WORK = ".work"
MANIFEST = "manifest.json"
_FINGERPRINT = "fingerprint"


def finished(run_dir: Path, stage_id: str, fingerprint: str) -> dict[str, Any] | None:
    """Return the manifest of a finished stage, if it was made for this fingerprint."""
    return _manifest(run_dir / stage_id, fingerprint)


def begun(run_dir: Path, stage_id: str, fingerprint: str) -> bool:
    """Say whether an earlier attempt for this fingerprint left something to go on from."""
    work = run_dir / WORK / stage_id
    return _belongs_to(work, fingerprint) or _manifest(work, fingerprint) is not None


def prepare(run_dir: Path, stage_id: str, fingerprint: str) -> Path:
    """Return the stage's working folder: what an earlier attempt for this fingerprint left, or an empty one."""
    work = run_dir / WORK / stage_id
    if begun(run_dir, stage_id, fingerprint):
        return work
    shutil.rmtree(work, ignore_errors=True)
    write_whole(work / _FINGERPRINT, fingerprint + "\n")
    return work


def complete(run_dir: Path, stage_id: str, fingerprint: str) -> dict[str, Any] | None:
    """Return the manifest of a stage whose folder only lacks its final name."""
    return _manifest(run_dir / WORK / stage_id, fingerprint)


def seal(work: Path, manifest: dict[str, Any]) -> None:
    """Force all that a stage wrote to disk, then write its manifest."""
    sync_tree(work)
    write_json(work / MANIFEST, manifest)


def publish(run_dir: Path, stage_id: str) -> None:
    """Give a sealed folder its final name; an older result steps aside only now."""
    work, final = run_dir / WORK / stage_id, run_dir / stage_id
    aside = run_dir / WORK / f"{stage_id}.old"
    (work / _FINGERPRINT).unlink(missing_ok=True)
    shutil.rmtree(aside, ignore_errors=True)
    if final.exists():
        final.replace(aside)
    work.replace(final)
    sync_folder(run_dir)
    sync_folder(run_dir / WORK)
    shutil.rmtree(aside, ignore_errors=True)


def _belongs_to(work: Path, fingerprint: str) -> bool:
    try:
        return (work / _FINGERPRINT).read_text().strip() == fingerprint
    except FileNotFoundError:
        return False


def _manifest(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    try:
        manifest = read_json(folder / MANIFEST)
    except (FileNotFoundError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and manifest.get("fingerprint") == fingerprint else None

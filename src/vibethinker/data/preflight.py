"""What can be wrong with a data stage's sources, found before a run has touched anything."""

from vibethinker.configs.data import CodeFileSource, DataConfig, FileSource
from vibethinker.data.code_files import check_code_file
from vibethinker.data.problem_files import check_problem_file
from vibethinker.data.procedural import choose_families
from vibethinker.data.splits import SPLITS
from vibethinker.errors import InputError
from vibethinker.verify import get_verifier


def check_sources(config: DataConfig) -> None:
    """Read every file and look up every family that the stage names.

    Raises:
        InputError: If one is missing or cannot be read, a column is missing, or no problem is left of a file.
    """
    for split in SPLITS:
        source = getattr(config, split)
        try:
            if isinstance(source, FileSource):
                check_problem_file(source, get_verifier(source.kind))
                if split == "train" and source.columns.trace is None:
                    raise InputError(
                        f"{source.path} gives no traces to learn from: name the column of worked solutions "
                        f"with columns.trace"
                    )
            elif isinstance(source, CodeFileSource):
                check_code_file(source, traces=split == "train")
            elif source is not None:
                choose_families(source.domains, source.families)
        except InputError as error:
            raise InputError(f'stage "{config.id}": {split}: {error}') from error

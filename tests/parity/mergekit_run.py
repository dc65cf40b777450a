"""Fuses by mergekit, in mergekit's own environment: arguments are a JSON file of {output folder: configuration}."""

import json
import sys
from pathlib import Path

from mergekit.config import MergeConfiguration  # type: ignore[import-not-found]
from mergekit.merge import run_merge  # type: ignore[import-not-found]
from mergekit.options import MergeOptions  # type: ignore[import-not-found]

for output, configuration in json.loads(Path(sys.argv[1]).read_text()).items():
    options = MergeOptions(quiet=True, copy_tokenizer=False, write_model_card=False)
    run_merge(MergeConfiguration.model_validate(configuration), output, options)

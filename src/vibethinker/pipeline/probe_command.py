"""``vibethinker probe``: checkpoints of anybody's making on problems of anybody's, outside a run."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

from pydantic import ValidationError

from vibethinker.configs.data import AnswerKind
from vibethinker.configs.explain import explain
from vibethinker.configs.model_places import is_adapter, locate
from vibethinker.configs.probe import ProbingConfig
from vibethinker.configs.references import MICRO
from vibethinker.data.probing_sets import FileProbingSet, read_probing_file
from vibethinker.data.stage_files import PROBE_FILE
from vibethinker.errors import InputError
from vibethinker.files import read_json
from vibethinker.observe.heat_map import write_heat_map
from vibethinker.pipeline.command_context import check_folder, command_context, folder_name
from vibethinker.pipeline.fingerprints import content_hash

if TYPE_CHECKING:
    from vibethinker.stages.probe import Candidate

COMMAND = "probe"
HEAT_MAP_FILE = "heat_map.svg"
DTYPES = ("auto", "float32", "bfloat16")
_RUNS = Path("runs")
_CHECKPOINTS = ("checkpoint-*", "*/checkpoint-*", "*/*/checkpoint-*")
"""Where a folder of checkpoints has them: a trainer's own, and those of several runs in folders of their own."""


@dataclass(frozen=True)
class ProbeRequest:
    """What a probe is asked for.

    Attributes:
        models: References, and folders of checkpoints.
        problems: A JSONL or Parquet file.
        kind: What the file's answers are.
        domain_column: The column of the domains, where it is not ``domain``.
        per_domain: Use at most so many problems of each domain.
        prompt: The template, with ``{question}``.
        seed: Decides what is drawn.
        dtype: How it computes: one of ``DTYPES``.
        config: Sampling and budget.
    """

    models: Sequence[str]
    problems: Path
    kind: str
    domain_column: str | None
    per_domain: int | None
    prompt: str
    seed: int
    dtype: str
    config: ProbingConfig


@dataclass(frozen=True)
class ProbeResult:
    """Where a probe's files are, the content of its ``probe.json``, and what of the problems' file was left out."""

    folder: Path
    found: dict[str, Any]
    problems: FileProbingSet


@dataclass(frozen=True)
class _Place:
    """A model to be probed: how it is loaded, and the parts of the path that can name it."""

    reference: str
    parts: tuple[str, ...]


def probing_config(**values: Any) -> ProbingConfig:  # noqa: ANN401 - what was given on the command line
    """Return the configuration for what was given on the command line, by key.

    Raises:
        InputError: Naming the option that does not fit.
    """
    try:
        return ProbingConfig.model_validate(values)
    except ValidationError as error:
        first = explain(error.errors()[0], ProbingConfig)
        option = "".join(f"--{str(key).replace('_', '-')}: " for key in first.keys[:1])
        raise InputError(f"{option}{first.message}") from error


def run_probe(request: ProbeRequest, output: Path | None) -> ProbeResult:
    """Probe, or go on with a probe that was asked for in the same words; a finished one is read.

    Args:
        request: What is asked for.
        output: Where to write; by default a folder in ``runs`` that is named by all that is asked.

    Raises:
        InputError: If models, problems or output do not fit.
        WorkError: If the work failed.
        Interrupted: If the user asked to stop; what was drawn is kept.
    """
    if "{question}" not in request.prompt:
        raise InputError(f"--prompt: need {{question}} where the question goes, got {request.prompt!r}")
    if request.kind not in get_args(AnswerKind):
        raise InputError(f"--kind: there is no kind {request.kind!r}: use one of {', '.join(get_args(AnswerKind))}")
    if request.dtype not in DTYPES:
        raise InputError(f"--dtype: there is no type {request.dtype!r}: use one of {', '.join(DTYPES)}")
    places = _places(request.models)
    kind = cast("AnswerKind", request.kind)
    problems = read_probing_file(
        request.problems, kind=kind, domain_column=request.domain_column, per_domain=request.per_domain
    )
    names = _names(places)
    asked = _asked(request, dict(zip(names, places, strict=True)))
    folder = output if output is not None else _RUNS / folder_name(COMMAND, asked)
    check_folder(COMMAND, folder, asked)
    if (folder / PROBE_FILE).is_file():
        known = read_json(folder / PROBE_FILE)
        if not (folder / HEAT_MAP_FILE).is_file():
            write_heat_map(folder / HEAT_MAP_FILE, known)
        return ProbeResult(folder, known, problems)
    from vibethinker.stages.probe import probe

    with command_context(
        COMMAND, folder, asked, seed=request.seed, prompt=request.prompt, dtype=request.dtype
    ) as context:
        candidates = [_candidate(name, place) for name, place in zip(names, places, strict=True)]
        found = probe(request.config, candidates, problems.problems, context, seed=request.seed)
        write_heat_map(folder / HEAT_MAP_FILE, found)
    return ProbeResult(folder, found, problems)


def _places(models: Sequence[str]) -> list[_Place]:
    """Return the models that references and folders of checkpoints stand for.

    Raises:
        InputError: If one is missing, or stands there twice.
    """
    found: dict[str, _Place] = {}
    for given in models:
        for place in _expanded(given):
            at = locate(place.reference)
            key = at if isinstance(at, str) else str(at.resolve())
            if key in found:
                raise InputError(f"model {place.reference} is given twice: name each model once")
            found[key] = place
    return list(found.values())


def _expanded(given: str) -> Iterator[_Place]:
    folder = Path(given).expanduser()
    if given == MICRO or not folder.is_dir() or (folder / "config.json").is_file() or is_adapter(folder):
        yield _Place(given, (given,) if given == MICRO else Path(given).parts)
        return
    checkpoints = [path for pattern in _CHECKPOINTS for path in folder.glob(pattern) if path.is_dir()]
    if not checkpoints:
        raise InputError(f"{folder} holds no model and no checkpoint-* folders: give a model, or a trainer's output")
    for path in sorted(checkpoints, key=lambda path: (str(path.parent), _step(path.name) or 0, path.name)):
        yield _Place(str(path), path.parts)


def _names(places: Sequence[_Place]) -> list[str]:
    """Name every model by as much of the end of its path as tells it from the others."""
    sizes = [1] * len(places)
    while True:
        names = ["/".join(place.parts[-size:]) for place, size in zip(places, sizes, strict=True)]
        counts = Counter(names)
        longer = [
            size + (counts[name] > 1 and size < len(place.parts))
            for place, size, name in zip(places, sizes, names, strict=True)
        ]
        if longer == sizes:
            # The same path as far as it goes, such as a relative and an absolute one: the reference itself tells.
            return [name if counts[name] == 1 else place.reference for name, place in zip(names, places, strict=True)]
        sizes = longer


def _candidate(name: str, place: _Place) -> "Candidate":
    from vibethinker.stages.probe import Candidate

    at = locate(place.reference)
    return Candidate(name, place.reference, at if isinstance(at, str) else str(at), step=_step(place.parts[-1]))


def _step(name: str) -> int | None:
    match = re.fullmatch(r"checkpoint-(\d+)", name)
    return int(match[1]) if match else None


def _asked(request: ProbeRequest, places: dict[str, _Place]) -> dict[str, Any]:
    """Return all that a probe's result depends on."""
    from vibethinker.engines.models import model_digest

    return {
        "models": {name: model_digest(place.reference) for name, place in places.items()},
        "problems": content_hash(request.problems),
        "kind": request.kind,
        "domain_column": request.domain_column,
        "limit_per_domain": request.per_domain,
        "prompt": request.prompt,
        "seed": request.seed,
        "dtype": request.dtype,
        **request.config.model_dump(mode="json"),
        "version": version("vibethinker"),
    }

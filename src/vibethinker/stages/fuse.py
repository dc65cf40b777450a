"""Expert model fusion: one spectrum model out of the specialists, then its validation against each of them.

After an interruption it goes on where it was: candidates of the search, losses and batches of responses are kept as
soon as they are there, and the fused model is made once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vibethinker.algos.fusion import equal_weights
from vibethinker.algos.score_differences import paired_differences
from vibethinker.algos.scores import ALL, problem_scores, summarise
from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.fuse import FuseConfig, SearchConfig, ValidationConfig
from vibethinker.configs.fusion_methods import DeltaMethod, SlerpMethod
from vibethinker.data.probing_sets import probing_problems
from vibethinker.data.stage_files import PROBE_FILE
from vibethinker.data.tables import read_traces
from vibethinker.engines.fusion import fuse_models
from vibethinker.engines.fusion.output_folder import MANIFEST
from vibethinker.engines.loss_barrier import BarrierMeasurement
from vibethinker.engines.run_models import MODEL_FOLDER, resolve, run_directory
from vibethinker.engines.scoring import score_models
from vibethinker.engines.weight_search import search_weights
from vibethinker.errors import InputError
from vibethinker.files import read_json
from vibethinker.interfaces import Progress, StageContext
from vibethinker.verify import judge_responses


@dataclass(frozen=True)
class Specialists:
    """The models to fuse.

    Attributes:
        checkpoints: The checkpoint of every domain; several domains may have the same.
        references: Where each different checkpoint lies.
    """

    checkpoints: Mapping[str, str]
    references: Mapping[str, str]

    def by_checkpoint(self, weights: Mapping[str, float]) -> dict[str, float]:
        """Return each checkpoint's weight: the sum of its domains'."""
        return {
            name: sum(weights[domain] for domain, chosen in self.checkpoints.items() if chosen == name)
            for name in self.references
        }

    def by_domain(self, weights: Mapping[str, float]) -> dict[str, float]:
        """Return each domain's weight: its share of its checkpoint's."""
        chosen = list(self.checkpoints.values())
        return {domain: weights[name] / chosen.count(name) for domain, name in self.checkpoints.items()}


def run(config: FuseConfig, context: StageContext) -> dict[str, Any]:
    """Write ``model/``, and every response of the validation to ``samples.parquet``."""
    specialists = _specialists(config, context)
    given = _given_weights(config, list(specialists.checkpoints))
    searched = None if config.search is None else _search(config, config.search, specialists, given, context)
    weights = given if searched is None else specialists.by_domain(searched["weights"])
    model = context.folder / MODEL_FOLDER
    # The folder appears whole or not at all: what an earlier attempt fused is fused.
    if not (model / MANIFEST).is_file():
        fusion = _Fusion(config, specialists, context, progress=context.progress)
        fusion(list(specialists.by_checkpoint(weights).values()), model)
    barrier = _barrier(config, specialists, model, context)
    return {
        "method": config.method.name,
        "settings": config.method.model_dump(mode="json", exclude={"name", "weights"}),
        "weights": "searched" if searched else "given" if config.method.weights else "equal",
        "parents": {
            domain: {"checkpoint": name, "weight": weights[domain]} for domain, name in specialists.checkpoints.items()
        },
        **({"search": searched} if searched else {}),
        "manifest": _facts(read_json(model / MANIFEST), specialists),
        **({"barrier": barrier} if barrier else {}),
        "validation": _validate(config, config.validation, specialists, model, context),
    }


def _specialists(config: FuseConfig, context: StageContext) -> Specialists:
    rows = read_json(context.inputs[config.specialists] / PROBE_FILE)["specialists"]
    root = run_directory(context, config.specialists)
    found = Specialists(
        {domain: row["checkpoint"] for domain, row in rows.items()},
        {row["checkpoint"]: str(root / row["path"]) for row in rows.values()},
    )
    if isinstance(config.method, SlerpMethod) and len(found.references) != 2:
        raise InputError(
            f'stage "{config.id}": slerp goes between two models, got {len(found.references)} specialists '
            f"({', '.join(found.references)}): use another method"
        )
    return found


def _given_weights(config: FuseConfig, domains: Sequence[str]) -> dict[str, float]:
    """Return one weight per domain: those given, or equal ones."""
    given = config.method.weights
    if given is None:
        return dict(zip(domains, equal_weights(len(domains)), strict=True))
    if set(given) != set(domains):
        raise InputError(
            f'stage "{config.id}": method.weights name {", ".join(sorted(given))}, but the domains are '
            f"{', '.join(sorted(domains))}: give each of these a weight"
        )
    return {domain: given[domain] for domain in domains}


class _Fusion:
    """Fuses the specialists as the stage is told to, with any weights."""

    def __init__(
        self, config: FuseConfig, specialists: Specialists, context: StageContext, *, progress: Progress | None = None
    ) -> None:
        self.method = config.method
        self.parents = list(specialists.references.values())
        self.seed = derive_seed(context.seed, config.id, "fusion")
        self.base = resolve(self.method.base, context) if isinstance(self.method, DeltaMethod) else None
        self.progress = progress

    def __call__(self, weights: Sequence[float], output: Path) -> None:
        """Write the model of these weights, one per parent."""
        fuse_models(
            self.parents,
            self.method,
            output,
            weights=weights,
            seed=self.seed,
            base=self.base,
            progress=self.progress,
        )


def _facts(manifest: Mapping[str, Any], specialists: Specialists) -> dict[str, Any]:
    """Return what the manifest says of the model, by the names of this run in place of folders."""
    digests = [parent["sha256"] for parent in manifest["parents"]]
    return {
        **{key: manifest[key] for key in ("parameters", "tensors", "numbers", "dtypes", "bytes")},
        "shards": len(manifest["shards"]),
        "sha256": dict(zip(specialists.references, digests, strict=True)),
        "base_sha256": manifest["base"] and manifest["base"]["sha256"],
    }


def _search(
    config: FuseConfig,
    search: SearchConfig,
    specialists: Specialists,
    start: Mapping[str, float],
    context: StageContext,
) -> dict[str, Any]:
    problems = probing_problems(context.inputs[search.data], per_domain=search.problems_per_domain)
    found = search_weights(
        _Fusion(config, specialists, context),
        specialists.by_checkpoint(start),
        problems,
        config=search,
        seed=derive_seed(context.seed, config.id, "search"),
        judge=judge_responses,
        context=context,
    )
    return {**found, "same_problems": search.data == config.validation.data}


def _barrier(config: FuseConfig, specialists: Specialists, model: Path, context: StageContext) -> dict[str, Any] | None:
    barrier = config.validation.barrier
    if barrier is None:
        return None
    return BarrierMeasurement(
        specialists.references,
        (config.id, str(model)),
        read_traces(context.inputs[barrier.data] / "train.parquet"),
        config=barrier,
        seed=derive_seed(context.seed, config.id, "barrier"),
        context=context,
    ).measure()


def _validate(
    config: FuseConfig, validation: ValidationConfig, specialists: Specialists, model: Path, context: StageContext
) -> dict[str, Any]:
    """Return every model's scores, the fused one's differences to each parent, and the best parent by column."""
    problems = probing_problems(context.inputs[validation.data], per_domain=validation.problems_per_domain)
    rows = score_models(
        {config.id: str(model), **specialists.references},
        problems,
        sampling=validation,
        samples=validation.samples,
        seed=derive_seed(context.seed, config.id, "validation"),
        judge=judge_responses,
        context=context,
    )
    scores = {
        name: problem_scores((row["problem_id"], row["domain"], row["correct"]) for row in found)
        for name, found in rows.items()
    }
    summaries = {name: summarise(own, k=validation.k) for name, own in scores.items()}
    columns = [ALL, *sorted({problem.domain for problem in problems})]
    return {
        "k": validation.k,
        "samples": validation.samples,
        "problems": len(problems),
        "models": summaries,
        "differences": {
            name: paired_differences(scores[config.id], scores[name], k=validation.k) for name in specialists.references
        },
        "best": {
            column: _best({name: summaries[name] for name in specialists.references}, column, k=validation.k)
            for column in columns
        },
    }


def _best(summaries: Mapping[str, Mapping[str, Any]], column: str, *, k: int) -> str | None:
    """Return the model of the highest pass@k, then pass@1, in a column; None where nothing could be judged."""
    known = [
        (value, summary["pass@1"].get(column) or 0.0, name)
        for name, summary in summaries.items()
        if (value := summary[f"pass@{k}"].get(column)) is not None
    ]
    return max(known, key=lambda item: item[:2])[2] if known else None

"""Expert model fusion: one spectrum model out of the specialists, then its validation against each of them."""

from pathlib import Path
from typing import Any

from vibethinker.algos.scores import problem_scores, summarise
from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.fuse import FuseConfig, TaskArithmeticMethod
from vibethinker.configs.model_places import locate
from vibethinker.data.probing_sets import probing_problems
from vibethinker.engines.fusion import fuse, weights_by_domain
from vibethinker.engines.run_models import MODEL_FOLDER, PROBE_FILE, resolve, run_directory
from vibethinker.engines.scoring import score_models
from vibethinker.errors import InputError
from vibethinker.files import read_json
from vibethinker.interfaces import StageContext
from vibethinker.verify import judge_responses


def run(config: FuseConfig, context: StageContext) -> dict[str, Any]:
    """Write ``model/``, and every response of the validation to ``samples.parquet``."""
    specialists = read_json(context.inputs[config.specialists] / PROBE_FILE)["specialists"]
    root = run_directory(context, config.specialists)
    domains = list(specialists)
    weights = weights_by_domain(domains, config.method.weights)
    parents = [root / specialists[domain]["path"] for domain in domains]
    model = context.folder / MODEL_FOLDER
    if isinstance(config.method, TaskArithmeticMethod):
        fuse(parents, weights, model, base=_base(config.method, context), scale=config.method.scale)
    else:
        fuse(parents, weights, model)
    problems = probing_problems(
        context.inputs[config.validation.data], per_domain=config.validation.problems_per_domain
    )
    references = {specialists[domain]["checkpoint"]: str(root / specialists[domain]["path"]) for domain in domains}
    rows = score_models(
        {config.id: str(model), **references},
        problems,
        sampling=config.validation,
        samples=config.validation.samples,
        seed=derive_seed(context.seed, config.id, "validation"),
        judge=judge_responses,
        context=context,
    )
    return {
        "method": config.method.name,
        "parents": {
            domain: {"checkpoint": specialists[domain]["checkpoint"], "weight": weight}
            for domain, weight in zip(domains, weights, strict=True)
        },
        "validation": {
            "k": config.validation.k,
            "models": {
                name: summarise(
                    problem_scores((row["problem_id"], row["domain"], row["correct"]) for row in found),
                    k=config.validation.k,
                )
                for name, found in rows.items()
            },
        },
    }


def _base(method: TaskArithmeticMethod, context: StageContext) -> Path:
    place = locate(resolve(method.base, context))
    if not isinstance(place, Path) or not place.is_dir():
        raise InputError(f"task arithmetic needs its base as a model folder, got {method.base}: download it first")
    return place

"""A micro base model from nothing: tokenizer, then training on traces and drills."""

import shutil
from random import Random
from typing import Any

import pyarrow.parquet as pq

from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.pretrain import PretrainConfig
from vibethinker.data.tables import read_traces
from vibethinker.engines.models import save_model
from vibethinker.engines.pretrain import Encoded, encode_pieces, pretrain, validation_loss
from vibethinker.engines.run_models import MODEL_FOLDER
from vibethinker.engines.sampler import render_prompt
from vibethinker.engines.tokenizers import train_tokenizer
from vibethinker.interfaces import StageContext

# Share of the traces kept back to measure the loss on; ours.
_VALIDATION_SHARE = 0.02
# The tokenizer is trained on this many drills; more only repeat digits.
_DRILLS_FOR_TOKENIZER = 1000


def run(config: PretrainConfig, context: StageContext) -> dict[str, Any]:
    """Write ``model/``; the training loss counts traces and drills, the validation loss traces only."""
    folders = [context.inputs[name] for name in config.data]
    traces = [trace for folder in folders for trace in read_traces(folder / "train.parquet")]
    drilled = [folder / "drills.parquet" for folder in folders if (folder / "drills.parquet").is_file()]
    pieces = [row["pieces"] for path in drilled for row in pq.read_table(path).to_pylist()]
    texts = [f"user\n{trace.question}\nassistant\n{trace.text}" for trace in traces]
    texts += ["".join(row) for row in pieces[:_DRILLS_FOR_TOKENIZER]]
    shape = config.architecture
    tokenizer = train_tokenizer(texts, vocabulary=shape.vocabulary, context=shape.context)
    samples: list[Encoded] = [
        encode_pieces(tokenizer, [render_prompt(tokenizer, context.prompt, trace.question), trace.text], end=True)
        for trace in traces
    ]
    Random(derive_seed(context.seed, config.id, "validation")).shuffle(samples)  # noqa: S311
    kept_back = max(1, round(_VALIDATION_SHARE * len(samples)))
    training = samples[kept_back:] + [encode_pieces(tokenizer, row, end=False) for row in pieces]
    model, metrics = pretrain(config, context, tokenizer, training, context.folder / "training")
    metrics["validation_loss"] = validation_loss(model, samples[:kept_back], tokenizer.pad_token_id)
    # Half the disk, and the rounding is far below what a step of training changes.
    save_model(model, tokenizer, context.folder / MODEL_FOLDER, half=True)
    shutil.rmtree(context.folder / "training")
    return metrics

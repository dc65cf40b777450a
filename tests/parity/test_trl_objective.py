"""The policy loss in plain numbers is what TRL's GRPOTrainer computes, from the same log-probabilities."""

from typing import Literal

import pytest
import torch
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer

from vibethinker.algos.policy_objective import policy_loss
from vibethinker.engines.models import load_model

LENGTHS = [1, 7, 4, 9, 3, 6]
ADVANTAGES = [1.3, -0.7, 0.4, -1.1, 0.0, 2.0]
MASKED = [False, False, True, False, False, True]
LOW, HIGH, BETA, CAP = 0.2, 0.28, 0.07, 2.0
AVERAGING: dict[str, Literal["response", "token"]] = {"grpo": "response", "dapo": "token"}


@pytest.fixture(scope="module")
def micro():
    return load_model("micro")


def trl_trainer(micro, folder, loss_type, beta, **options):
    arguments = GRPOConfig(
        output_dir=str(folder),
        loss_type=loss_type,
        epsilon=LOW,
        epsilon_high=HIGH,
        beta=beta,
        num_generations=len(LENGTHS),
        per_device_train_batch_size=len(LENGTHS),
        steps_per_generation=1,
        gradient_checkpointing=False,
        report_to="none",
        use_cpu=True,
        bf16=False,
        **options,
    )
    trainer = GRPOTrainer(
        model=micro[0],
        args=arguments,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        train_dataset=Dataset.from_dict({"prompt": ["1+1"]}),
        processing_class=micro[1],
    )
    # The training loop sets it.
    trainer.current_gradient_accumulation_steps = 1
    trainer.model.train()
    return trainer


def made_batch(trainer, *, masked):
    """Return a batch as the trainer's own generation makes it, with other policies at some distance."""
    generator = torch.Generator().manual_seed(5)
    rows, width = len(LENGTHS), max(LENGTHS)
    completion_mask = torch.tensor([[int(place < length) for place in range(width)] for length in LENGTHS])
    if masked:
        completion_mask = completion_mask * ~torch.tensor(MASKED).unsqueeze(1)
    batch = {
        "prompt_ids": torch.randint(5, 200, (rows, 4), generator=generator),
        "prompt_mask": torch.ones(rows, 4, dtype=torch.long),
        "completion_ids": torch.randint(5, 200, (rows, width), generator=generator),
        "completion_mask": completion_mask,
        "advantages": torch.tensor(ADVANTAGES),
        "num_items_in_batch": completion_mask.sum(),
    }
    with torch.no_grad():
        logps = trainer._get_per_token_logps_and_entropies(
            trainer.model,
            torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1),
            torch.cat([batch["prompt_mask"], completion_mask], dim=1),
            width,
        )[0]
    other = {
        name: logps + size * torch.randn(logps.shape, generator=generator)
        for name, size in {"old": 0.4, "reference": 0.5, "sampler": 0.6}.items()
    }
    batch["old_per_token_logps"] = other["old"]
    batch["ref_per_token_logps"] = other["reference"]
    # The line of GRPOTrainer._generate_and_score_completions in the mode token_truncate.
    batch["importance_sampling_ratio"] = torch.clamp(torch.exp(other["old"] - other["sampler"]), max=CAP)
    return batch, {"policy": logps, **other}


def rows_of(table):
    return [row[:length] for row, length in zip(table.tolist(), LENGTHS, strict=True)]


def our_loss(tables, loss_type, **options):
    return policy_loss(
        ADVANTAGES,
        rows_of(tables["policy"]),
        rows_of(tables["old"]),
        low=LOW,
        high=HIGH,
        averaging=AVERAGING[loss_type],
        **options,
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kl_times_ratio", [False, True])
@pytest.mark.parametrize("loss_type", ["grpo", "dapo"])
def test_clip_kl_masking_and_averaging_are_trls(micro, tmp_path, loss_type, kl_times_ratio, masked):
    trainer = trl_trainer(micro, tmp_path, loss_type, BETA, use_bias_correction_kl=kl_times_ratio)
    batch, tables = made_batch(trainer, masked=masked)
    theirs = trainer._compute_loss(trainer.model, batch).item()
    ratio = torch.exp(tables["policy"] - tables["old"])[batch["completion_mask"].bool()]
    assert (ratio < 1 - LOW).any()
    assert (ratio > 1 + HIGH).any()
    ours = our_loss(
        tables,
        loss_type,
        masked_N=MASKED if masked else None,
        log_reference_N_T=rows_of(tables["reference"]),
        kl_coefficient=BETA,
        kl_times_ratio=kl_times_ratio,
    )
    assert ours == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize("beta", [0.0, BETA])
@pytest.mark.parametrize("loss_type", ["grpo", "dapo"])
def test_the_correction_between_engines_is_trls(micro, tmp_path, loss_type, beta):
    trainer = trl_trainer(micro, tmp_path, loss_type, beta, use_bias_correction_kl=False)
    # Only now: with it the constructor would start the inference engine, which the loss has no need of.
    trainer.use_vllm = True
    batch, tables = made_batch(trainer, masked=False)
    theirs = trainer._compute_loss(trainer.model, batch).item()
    assert (batch["importance_sampling_ratio"] == CAP).any()
    ours = our_loss(
        tables,
        loss_type,
        log_sampler_N_T=rows_of(tables["sampler"]),
        cap=CAP,
        log_reference_N_T=rows_of(tables["reference"]),
        kl_coefficient=beta,
    )
    assert ours == pytest.approx(theirs, rel=1e-5)
    assert ours != pytest.approx(our_loss(tables, loss_type), rel=1e-2)


def test_trls_default_multiplies_the_kl_term_by_the_ratio(tmp_path):
    assert GRPOConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False).use_bias_correction_kl is True

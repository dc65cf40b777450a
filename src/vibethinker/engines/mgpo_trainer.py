"""MaxEnt-Guided Policy Optimization as a thin subclass of TRL's GRPOTrainer.

Source: VibeThinker-1.5B (arXiv 2511.06221), section 3.4. Each group's advantages are multiplied by
``w(q) = exp(-lam * D(p(q) || 1/2))``, with p(q) taken from the correctness column before any reward shaping. All else
is TRL's: group-relative advantage, clipped token ratio averaged over a response, then over the group
(``loss_type="grpo"``), optional KL. At ``lam`` = 0 this is GRPO.

Three things are changed for speed and none of them changes the gradient beyond rounding: responses come from
``vibethinker.engines.sampler``; rollouts are put into micro-batches by length; padding that a micro-batch does not
need is cut off.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.utils.data import Sampler
from trl import GRPOConfig, GRPOTrainer
from trl.trainer.utils import split_tensor_dict

from vibethinker.algos.mgpo import group_accuracy, max_entropy_weight
from vibethinker.algos.seeds import derive_seed
from vibethinker.engines.planned_order import PlannedSampler, planned_order
from vibethinker.engines.sampler import draw_completions


@dataclass
class MGPOConfig(GRPOConfig):  # type: ignore[misc]
    """TRL's GRPOConfig with the paper's objective as its defaults, and ``lam``."""

    lam: float = field(default=4.0, metadata={"help": "Sharpness of the MGPO weight; 0 is GRPO. Default ours."})
    correctness_column: int = field(default=0, metadata={"help": "Which reward function says what is correct."})
    cached_sampling: bool = field(default=True, metadata={"help": "Sample with vibethinker's own loop."})
    sort_by_length: bool = field(default=True, metadata={"help": "Micro-batches of like length, padding cut."})
    loss_type: str = "grpo"
    scale_rewards: str = "group"
    beta: float = 0.0

    def __post_init__(self) -> None:
        """Check what is ours, then what is TRL's."""
        if self.lam < 0:
            raise ValueError(f"need lam >= 0, got {self.lam}")
        if self.cached_sampling and (self.use_vllm or self.top_p != 1.0 or self.top_k or self.min_p):
            raise ValueError(
                "cached_sampling draws from the whole distribution: leave top_p, top_k, min_p and vLLM off"
            )
        super().__post_init__()


@dataclass(frozen=True)
class Group:
    """One prompt's rollouts, judged.

    Attributes:
        correct: Right or wrong, None where it could not be judged.
        accuracy: Share of right ones among the judged; None when none could be judged.
        weight: The MGPO weight; None when none could be judged.
    """

    correct: list[bool | None]
    accuracy: float | None
    weight: float | None


def judge_group(correct_G: Sequence[bool | None], *, lam: float) -> Group:
    """Return a group's accuracy and weight."""
    accuracy = group_accuracy(correct_G)
    return Group(list(correct_G), accuracy, None if accuracy is None else max_entropy_weight(accuracy, lam=lam))


def group_statistics(groups: Sequence[Group], *, group_size: int) -> dict[str, Any]:
    """Return mean accuracy, its histogram, mean weight and the shares without signal and without a verdict."""
    judged = [group for group in groups if group.accuracy is not None]
    rollouts = [verdict for group in groups for verdict in group.correct]
    histogram = [0] * (group_size + 1)
    for group in judged:
        histogram[sum(verdict is True for verdict in group.correct)] += 1
    return {
        "accuracy": sum(group.accuracy or 0.0 for group in judged) / len(judged) if judged else None,
        "accuracy_histogram": histogram,
        "weight": sum(group.weight or 0.0 for group in judged) / len(judged) if judged else None,
        "no_signal": 1 - sum(0 < (group.accuracy or 0.0) < 1 for group in groups) / len(groups),
        "ungradable": sum(verdict is None for verdict in rollouts) / len(rollouts),
    }


RolloutSink = Callable[[int, list[dict[str, Any]]], None]


class MGPOTrainer(GRPOTrainer):  # type: ignore[misc]
    """GRPOTrainer whose advantages carry the MGPO weight; takes GRPOTrainer's arguments and two more.

    Args:
        on_rollouts: Called after each generation with the step that the rollouts are for and one row per rollout of
            this process: the dataset's columns, text, rewards, correctness, advantage (weighted) and weight.
        planned: With ``max_steps``, visit the prompts in an order fixed by the seed, the same after an interruption.
    """

    _buffered_inputs: list[dict[str, Any]] | None

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        on_rollouts: RolloutSink | None = None,
        planned: bool = True,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        self.on_rollouts = on_rollouts
        self.planned = planned
        self.group_statistics: dict[str, Any] = {}
        self._rewards: torch.Tensor | None = None
        self._texts: list[str] = []
        self._truncated: list[bool] = []

    def _get_train_sampler(self, dataset: Any = None) -> Sampler[int]:  # noqa: ANN401
        # Counted in passes, a run is several epochs to the trainer, and the order is TRL's to keep.
        if not self.planned or self.args.max_steps <= 0:
            return super()._get_train_sampler(dataset)
        rows = dataset if dataset is not None else self.train_dataset
        prompts = self.args.generation_batch_size // self.num_generations
        repeats = self.num_iterations * self.args.steps_per_generation
        generations = -(-self.args.max_steps * self.args.gradient_accumulation_steps // repeats)
        order = planned_order(len(rows), batch=prompts, batches=generations, seed=self.args.seed)
        chunks = [order[start : start + prompts] for start in range(0, len(order), prompts)]
        return PlannedSampler(
            [row for chunk in chunks for _ in range(repeats) for row in chunk for _ in range(self.num_generations)]
        )

    def _generate_single_turn(
        self,
        prompt_ids: list[list[int]],
        images: Any,  # noqa: ANN401
        multimodal_fields: Any,  # noqa: ANN401
        num_generations: int,
        has_tool_images: bool = False,
    ) -> tuple[list[list[int]], Any]:
        if not self.args.cached_sampling:
            return super()._generate_single_turn(  # type: ignore[no-any-return]
                prompt_ids, images, multimodal_fields, num_generations, has_tool_images
            )
        model = self.accelerator.unwrap_model(self.model_wrapped)
        training = model.training
        model.eval()
        try:
            with self.accelerator.autocast():
                completions = draw_completions(
                    model,
                    prompt_ids[::num_generations],
                    samples=num_generations,
                    max_new_tokens=self.max_completion_length,
                    temperature=self.temperature,
                    ends=self.eos_token_ids,
                    pad=self._tokenizer.pad_token_id,
                    seed=derive_seed(self.args.seed, self.state.global_step, self.accelerator.process_index),
                )
        finally:
            model.train(training)
        return [completion.ids for completion in completions], None

    def _generate(self, prompts: list[Any]) -> Any:  # noqa: ANN401
        generated = super()._generate(prompts)
        completion_ids, completions = generated[1], generated[3]
        ends = {*self.eos_token_ids, self._tokenizer.pad_token_id}
        self._truncated = [ids[-1] not in ends for ids in completion_ids]
        self._lengths = [len(ids) for ids in completion_ids]
        self._texts = [text if isinstance(text, str) else text[0]["content"] for text in completions]
        return generated

    def _calculate_rewards(self, inputs: Any, *args: Any) -> torch.Tensor:  # noqa: ANN401
        # Kept because the advantages that come out later no longer tell which rollouts were right.
        self._rewards = super()._calculate_rewards(inputs, *args)
        return self._rewards

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        output: dict[str, Any] = super()._generate_and_score_completions(inputs)
        if not self.model.training:
            return output
        assert self._rewards is not None  # noqa: S101 - set by _calculate_rewards
        column = self._rewards[:, self.args.correctness_column].tolist()
        verdicts = [None if value != value else value == 1.0 for value in column]
        size = self.num_generations
        groups = [
            judge_group(verdicts[start : start + size], lam=self.args.lam) for start in range(0, len(verdicts), size)
        ]
        self.group_statistics = group_statistics(groups, group_size=size)
        first = self.accelerator.process_index * len(inputs)
        local = groups[first // size : (first + len(inputs)) // size]
        # A group that could not be judged has advantages of 0 already.
        weights = torch.tensor([1.0 if group.weight is None else group.weight for group in local])
        factors = weights.to(output["advantages"]).repeat_interleave(size)
        output["advantages"] = output["advantages"] * factors
        if self.on_rollouts is not None:
            self.on_rollouts(self.state.global_step + 1, self._rows(inputs, output, local, first))
        return output

    def _rows(
        self, inputs: list[dict[str, Any]], output: dict[str, Any], groups: list[Group], first: int
    ) -> list[dict[str, Any]]:
        assert self._rewards is not None  # noqa: S101
        rewards = (self._rewards * self.reward_weights.to(self._rewards)).nansum(dim=1)
        rewards[torch.isnan(self._rewards).all(dim=1)] = torch.nan
        advantages = output["advantages"].tolist()
        return [
            {
                **{key: value for key, value in row.items() if key != "prompt"},
                "text": self._texts[place],
                "reward": None if rewards[first + place].isnan() else float(rewards[first + place]),
                "correct": groups[place // self.num_generations].correct[place % self.num_generations],
                "length": self._lengths[place],
                "truncated": self._truncated[place],
                "advantage": advantages[place],
                "weight": groups[place // self.num_generations].weight,
            }
            for place, row in enumerate(inputs)
        ]

    def _prepare_inputs(self, generation_batch: Any) -> Any:  # noqa: ANN401
        # As TRL's, with two changes: rollouts are sorted by length instead of shuffled, and each micro-batch is cut
        # to its longest. A response's share of the loss does not depend on the micro-batch it stands in.
        if not (self.args.sort_by_length and self.model.training and self.args.loss_type == "grpo"):
            return super()._prepare_inputs(generation_batch)
        if self._step % (self.args.steps_per_generation * self.num_iterations) == 0 or self._buffered_inputs is None:
            batch = self._generate_and_score_completions(generation_batch)
            order = batch["completion_mask"].sum(dim=1).argsort(stable=True)
            batch = {key: value[order] if _per_rollout(value, order) else value for key, value in batch.items()}
            self._buffered_inputs = [
                cut_padding(part) for part in split_tensor_dict(batch, self.args.steps_per_generation)
            ]
        return self._buffered_inputs[self._step % self.args.steps_per_generation]


def _per_rollout(value: Any, order: torch.Tensor) -> bool:  # noqa: ANN401
    return isinstance(value, torch.Tensor) and value.ndim > 0 and len(value) == len(order)


def cut_padding(batch: dict[str, Any]) -> dict[str, Any]:
    """Drop the columns that are padding in every row: on the left of prompts, on the right of completions."""
    first = int(batch["prompt_mask"].any(dim=0).int().argmax())
    longest = max(int(batch["completion_mask"].sum(dim=1).max()), 1)
    cut = dict(batch)
    for key in ("prompt_ids", "prompt_mask"):
        cut[key] = batch[key][:, first:]
    width = batch["completion_ids"].shape[1]
    for key, value in batch.items():
        if (
            isinstance(value, torch.Tensor)
            and value.ndim == 2
            and value.shape[1] == width
            and not key.startswith("prompt")
        ):
            cut[key] = value[:, :longest]
    return cut

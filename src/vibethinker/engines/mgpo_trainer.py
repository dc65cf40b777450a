"""MaxEnt-Guided Policy Optimization as a thin subclass of TRL's GRPOTrainer.

Source: VibeThinker-1.5B (arXiv 2511.06221), section 3.4; VibeThinker-3B (arXiv 2606.16140), section 2.2. Each group's
advantages are multiplied by ``w(q) = exp(-lam * D(p(q) || 1/2))``, with p(q) taken from the correctness column before
any reward shaping. All else is TRL's: group-relative advantage, clipped token ratio averaged over a response, then over
the group (``loss_type="grpo"``), optional KL. At ``lam`` = 0 this is GRPO. docs/signal.md has every option beside its
formula.

What is changed for speed does not change the gradient beyond rounding: responses come from
``vibethinker.engines.sampler``; rollouts without a gradient leave both passes; the others are put into micro-batches by
length, without needless padding.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather, gather_object, send_to_device
from torch.utils.data import Sampler
from trl import GRPOTrainer
from trl.trainer.utils import shuffle_sequence_dict, split_tensor_dict

from vibethinker.algos.seeds import derive_seed
from vibethinker.engines.groups import Group, group_statistics, judge_group, shift_by_length
from vibethinker.engines.mgpo_config import LEARNING_SAMPLERS
from vibethinker.engines.mgpo_state import load_state, save_state
from vibethinker.engines.planned_order import NoOrder
from vibethinker.engines.prompt_samplers import PromptSampler, UniformPrompts, fingerprint, make_sampler
from vibethinker.engines.rollout_batches import SHARE, Batch, join_batches, micro_batches, take_rows
from vibethinker.engines.sampler import draw_completions

# Losses in which a row's share does not depend on which other rows pass through the model beside it: means over rows,
# and sums over a number of tokens that is fixed before.
_MEAN_OVER_ROWS = ("grpo", "dr_grpo", "sapo", "luspo")
_SUM_OVER_TOKENS = ("dapo", "cispo")

RolloutSink = Callable[[int, list[dict[str, Any]]], None]


class MGPOTrainer(GRPOTrainer):  # type: ignore[misc]
    """GRPOTrainer with MGPO's weight and prompt samplers; takes GRPOTrainer's arguments and three more.

    Args:
        on_rollouts: Called on the first process after each generation with the step that the rollouts are for and one
            row per rollout of all processes: the dataset's columns, text, rewards, correctness, advantage (weighted)
            and weight.
        prompts: Chooses the prompts; made after ``prompt_sampler`` when absent, from the dataset's columns ``domain``,
            ``source`` and ``level``, and ``right`` and ``judged`` (counts to start from), as far as it has them.
        planned: With ``max_steps``, visit the prompts in an order fixed by the seed, the same after an interruption;
            else in TRL's order. Samplers that learn have an order of their own.
    """

    _buffered_inputs: list[dict[str, Any]] | None

    def __init__(
        self,
        *args: Any,  # noqa: ANN401
        on_rollouts: RolloutSink | None = None,
        prompts: PromptSampler | None = None,
        planned: bool = True,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        super().__init__(*args, **kwargs)
        self.on_rollouts = on_rollouts
        self.group_statistics: dict[str, Any] = {}
        self._rewards = self._shaped = torch.empty(0)
        self._texts: list[str] = []
        self._truncated: list[bool] = []
        self._lengths: list[int] = []
        self._round = 0
        self._passing: Batch | None = None
        self._begin_step()
        if self.args.correctness_column >= len(self.reward_funcs):
            raise ValueError(
                f"need a correctness_column of 0 to {len(self.reward_funcs) - 1}, the number of a reward function, "
                f"got {self.args.correctness_column}"
            )
        local = self.args.generation_batch_size // self.accelerator.num_processes
        if local % self.num_generations:
            raise ValueError(
                f"need whole groups on every process, got {local} rollouts for groups of {self.num_generations}: "
                f"make per_device_train_batch_size * steps_per_generation a multiple of num_generations"
            )
        # A streamed dataset has no rows to choose from, and nothing to be known again by.
        in_rows = hasattr(self.train_dataset, "__len__")
        self._prompts_seen = fingerprint(map(str, self.train_dataset["prompt"])) if in_rows else ""
        self.prompts = prompts or (self._default_prompts(planned) if in_rows else None)

    def _begin_step(self) -> None:
        """Forget what the step before drew."""
        self._step_rows: list[dict[str, Any]] = []
        self._surprise, self._tokens = 0.0, 0
        self._ratios = {"largest": 0.0, "sum": 0.0, "tokens": 0.0}

    def _default_prompts(self, planned: bool) -> PromptSampler | None:
        batch, size = self.args.generation_batch_size // self.num_generations, len(self.train_dataset)
        learning = LEARNING_SAMPLERS.get(self.args.prompt_sampler)
        if learning is None:
            # Counted in passes, a run is several epochs to the trainer, and the order is TRL's to keep.
            in_order = (planned and self.args.max_steps > 0) or self.args.prompt_sampler == "dynamic"
            return UniformPrompts(size, batch=batch, seed=self.args.seed) if in_order else None
        columns = self.train_dataset.column_names
        named = [self.train_dataset[name] for name in ("domain", "source", "level") if name in columns]
        counts = [self.train_dataset[name] for name in ("right", "judged") if name in columns]
        return make_sampler(
            learning(name=self.args.prompt_sampler),
            [tuple(map(str, path)) for path in zip(*named, strict=True)] if named else [()] * size,
            batch=batch,
            seed=self.args.seed,
            group_size=self.num_generations,
            lam=self.args.lam,
            counts=list(zip(*counts, strict=True)) if len(counts) == 2 else None,
        )

    def _get_train_sampler(self, dataset: Any = None) -> Sampler[int]:  # noqa: ANN401
        if self.prompts is None:
            return super()._get_train_sampler(dataset)
        if self.args.max_steps <= 0:
            return NoOrder(len(super()._get_train_sampler(dataset)))
        repeats = self.num_iterations * self.args.steps_per_generation
        generations = -(-self.args.max_steps * self.args.gradient_accumulation_steps // repeats)
        return NoOrder(generations * repeats * self.args.generation_batch_size)

    # ---- rollouts

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
        prompts = prompt_ids[::num_generations]
        # By the place among the prompts of all processes: as many processes as there are, the rollouts are the same.
        first = self.accelerator.process_index * len(prompts)
        seeds = [
            derive_seed(self.args.seed, self.state.global_step, self._round, first + place)
            for place in range(len(prompts))
        ]
        model.eval()
        try:
            with self.accelerator.autocast():
                completions = draw_completions(
                    model,
                    prompts,
                    samples=num_generations,
                    max_new_tokens=self.max_completion_length,
                    temperature=self.temperature,
                    ends=self.eos_token_ids,
                    pad=self._tokenizer.pad_token_id,
                    seeds=seeds,
                )
        finally:
            model.train(training)
        return [completion.ids for completion in completions], [
            completion.log_probabilities for completion in completions
        ]

    def _generate(self, prompts: list[Any]) -> Any:  # noqa: ANN401
        generated = super()._generate(prompts)
        completion_ids, completions = generated[1], generated[3]
        ends = {*self.eos_token_ids, self._tokenizer.pad_token_id}
        self._truncated = [ids[-1] not in ends for ids in completion_ids]
        self._lengths = [len(ids) for ids in completion_ids]
        self._texts = [text if isinstance(text, str) else text[0]["content"] for text in completions]
        if generated[4] is not None:
            self._surprise -= sum(sum(log for log in logs if log is not None) for logs in generated[4])
            self._tokens += sum(map(len, generated[4]))
        return generated

    def _calculate_rewards(self, inputs: Any, *args: Any) -> torch.Tensor:  # noqa: ANN401
        # Kept because the advantages that come out later no longer tell which rollouts were right.
        self._rewards = self._shaped = super()._calculate_rewards(inputs, *args)
        if self.args.long2short_lam is not None and self.model.training:
            lengths = gather(torch.tensor(self._lengths, device=self._rewards.device)).tolist()
            self._shaped = shift_by_length(
                self._rewards,
                lengths,
                column=self.args.correctness_column,
                group_size=self.num_generations,
                lam=self.args.long2short_lam,
            )
        return self._shaped

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> Batch:
        output: Batch = super()._generate_and_score_completions(inputs)
        if not self.model.training:
            return output
        size = self.num_generations
        groups = self._judged_groups()
        first = self.accelerator.process_index * len(inputs) // size
        local = groups[first : first + len(inputs) // size]
        # A group that could not be judged has advantages of 0 already.
        weights = torch.tensor([1.0 if group.weight is None else group.weight for group in local])
        output["advantages"] = output["advantages"] * weights.to(output["advantages"]).repeat_interleave(size)
        if self.on_rollouts is not None:
            self._step_rows += gather_object(self._rows(inputs, output, local))
        return output

    def _judged_groups(self) -> list[Group]:
        """Return the groups of all processes."""
        column = self._rewards[:, self.args.correctness_column].tolist()
        verdicts = [None if value != value else value == 1.0 for value in column]
        size = self.num_generations
        return [judge_group(verdicts[at : at + size], lam=self.args.lam) for at in range(0, len(verdicts), size)]

    def _rows(self, inputs: list[dict[str, Any]], output: Batch, groups: Sequence[Group]) -> list[dict[str, Any]]:
        first = self.accelerator.process_index * len(inputs)
        rewards = (self._shaped * self.reward_weights.to(self._shaped)).nansum(dim=1)
        rewards[torch.isnan(self._shaped).all(dim=1)] = torch.nan
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

    # ---- batches

    def _prepare_inputs(self, generation_batch: Any) -> Any:  # noqa: ANN401
        if not self.model.training:
            return super()._prepare_inputs(generation_batch)
        count = self.args.steps_per_generation
        if self._step % (count * self.num_iterations) == 0 or self._buffered_inputs is None:
            batch = self._rollouts(generation_batch)
            self._buffered_inputs = (
                micro_batches(batch, count=count, skip=self._may_skip())
                if self.args.sort_by_length
                else split_tensor_dict(shuffle_sequence_dict(batch), count)
            )
        return self._buffered_inputs[self._step % count]

    def _may_skip(self) -> bool:
        """Say whether rollouts with an advantage of 0 have no gradient at all, and so may be left out."""
        acts_on_all = self.beta != 0.0 or self._entropy_bonus_enabled or self.aux_loss_enabled
        fixed_share = self.args.loss_type in (*_MEAN_OVER_ROWS, *_SUM_OVER_TOKENS)
        return self.args.skip_no_signal and fixed_share and not acts_on_all and self.top_entropy_quantile == 1.0

    def _rollouts(self, generation_batch: list[dict[str, Any]]) -> Batch:
        """Return the judged rollouts of this process for the coming step or steps."""
        self._begin_step()
        if self.args.prompt_sampler == "dynamic":
            batch, groups = self._filled_with_signal()
        else:
            batch, groups = self._round_of_rollouts(0, generation_batch)
        self.group_statistics = group_statistics(groups, group_size=self.num_generations)
        drawn = torch.tensor([[self._surprise, float(self._tokens)]], device=self.args.device)
        surprise, tokens = gather(drawn).sum(dim=0).tolist()
        if tokens:
            # The mean surprise of drawn tokens estimates the entropy, over all rollouts and not only those trained on.
            self.group_statistics["entropy"] = surprise / tokens
        if self.on_rollouts is not None and self.accelerator.is_main_process:
            self.on_rollouts(self.state.global_step + 1, self._step_rows)
        return batch

    def _round_of_rollouts(self, number: int, given: list[dict[str, Any]]) -> tuple[Batch, list[Group]]:
        """Generate once; return the rollouts of this process and the groups of all."""
        self._round = number
        if self.prompts is None:
            return self._generate_and_score_completions(given), self._judged_groups()
        step, rank, ranks = self.state.global_step, self.accelerator.process_index, self.accelerator.num_processes
        rows = self.prompts.choose(step)
        mine = rows[rank * len(rows) // ranks : (rank + 1) * len(rows) // ranks]
        inputs = [self.train_dataset[row] for row in mine for _ in range(self.num_generations)]
        batch = self._generate_and_score_completions(inputs)
        groups = self._judged_groups()
        self.prompts.observe(step, rows, groups)
        return batch, groups

    def _filled_with_signal(self) -> tuple[Batch, list[Group]]:
        """Generate until there are as many groups with signal as the step takes (DAPO, section 3.2)."""
        size, wanted = self.num_generations, self.args.generation_batch_size // self.num_generations
        found: list[tuple[bool, Batch]] = []
        groups: list[Group] = []
        for number in range(self.args.max_rounds):
            batch, judged = self._round_of_rollouts(number, [])
            count = len(batch["completion_ids"]) // size
            first = self.accelerator.process_index * count
            parts = [take_rows(batch, torch.arange(place * size, (place + 1) * size)) for place in range(count)]
            local = [
                (0 < (group.accuracy or 0.0) < 1, send_to_device(part, "cpu"))
                for part, group in zip(parts, judged[first : first + count], strict=True)
            ]
            found += gather_object(local)
            groups += judged
            if sum(signal for signal, _ in found) >= wanted:
                break
        chosen = [part for _, part in sorted(found, key=lambda item: not item[0])[:wanted]]
        rank, ranks = self.accelerator.process_index, self.accelerator.num_processes
        mine = chosen[rank * wanted // ranks : (rank + 1) * wanted // ranks]
        joined = join_batches(mine, pad=self._tokenizer.pad_token_id)
        joined["num_items_in_batch"] = torch.stack([part["completion_mask"].sum() for part in chosen]).sum()
        return send_to_device(joined, self.accelerator.device), groups

    # ---- loss

    def _compute_loss(self, model: Any, inputs: Batch) -> torch.Tensor:  # noqa: ANN401
        self._passing = inputs = dict(inputs)
        try:
            loss: torch.Tensor = super()._compute_loss(model, inputs)
        finally:
            self._passing = None
        share = inputs.get(SHARE, 1.0)
        return loss * share if share != 1.0 and self.args.loss_type in _MEAN_OVER_ROWS else loss

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        found = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        if self._passing is not None and not self.use_vllm:
            self._correct_mismatch(self._passing, found[0].detach())
        return found

    def _correct_mismatch(self, inputs: Batch, log_policy: torch.Tensor) -> None:
        """Scale each token's advantage by min(trainer's / sampler's probability, cap) (3B section 2.2.1)."""
        log_sampler = inputs.get("sampling_per_token_logps")
        if self.args.importance_cap is None or log_sampler is None:
            return
        log_trainer = inputs.get("old_per_token_logps", log_policy)
        mask = inputs["completion_mask"]
        ratio = torch.exp((log_trainer - log_sampler) * mask)
        self._ratios["largest"] = max(self._ratios["largest"], float(ratio.max()))
        self._ratios["sum"] += float((ratio - 1).abs().sum())
        self._ratios["tokens"] += float(mask.sum())
        inputs["advantages"] = inputs["advantages"][:, None] * ratio.clamp(max=self.args.importance_cap)

    def ratio_statistics(self) -> dict[str, float]:
        """Return the largest trainer-to-sampler ratio of the step and its mean distance from 1; {} if none is known.

        To be called by all processes or by none.
        """
        values = torch.tensor(list(self._ratios.values()), device=self.args.device)
        largest, total, tokens = gather(values[None]).T
        if not tokens.sum() > 0:
            return {}
        return {"ratio_max": float(largest.max()), "ratio_error": float(total.sum() / tokens.sum())}

    # ---- going on after an interruption

    def _save_checkpoint(self, model: Any, trial: Any) -> None:  # noqa: ANN401
        super()._save_checkpoint(model, trial)
        if self.args.should_save:
            save_state(
                Path(self._get_output_dir(trial=trial)) / f"checkpoint-{self.state.global_step}",
                {
                    "settings": self._settings(),
                    "prompts": self.prompts.state() if self.prompts is not None else None,
                    **self.extra_state(),
                },
            )

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            self.restore_state(Path(checkpoint))

    def restore_state(self, checkpoint: Path) -> None:
        """Take over what the checkpoint holds beside transformers' files.

        Raises:
            InputError: If it is of another training.
        """
        state = load_state(checkpoint, self._settings())
        if state is None:
            return
        if self.prompts is not None and state["prompts"] is not None:
            self.prompts.restore(state["prompts"])
        self.restore_extra_state(state)

    def extra_state(self) -> dict[str, Any]:
        """Return what a subclass wants to find again after an interruption, as JSON."""
        return {}

    def restore_extra_state(self, state: dict[str, Any]) -> None:
        """Take it over."""

    def _settings(self) -> dict[str, Any]:
        """Return what must be the same for a checkpoint to be of this training."""
        names = (
            "lam long2short_lam importance_cap prompt_sampler num_generations generation_batch_size num_iterations "
            "loss_type scale_rewards epsilon epsilon_high beta temperature max_completion_length "
            "mask_truncated_completions seed"
        )
        return {name: getattr(self.args, name) for name in names.split()} | {"prompts": self._prompts_seen}

"""The settings of MGPOTrainer: TRL's, with the paper's objective as defaults, and what MGPO adds."""

from dataclasses import dataclass, field

from trl import GRPOConfig

from vibethinker.configs.prompts import CurriculumSampler, MaxEntropySampler

LEARNING_SAMPLERS = {"max_entropy": MaxEntropySampler, "curriculum": CurriculumSampler}


@dataclass
class MGPOConfig(GRPOConfig):  # type: ignore[misc]
    """TRL's GRPOConfig with the paper's objective as its defaults, and what MGPO adds."""

    lam: float = field(default=4.0, metadata={"help": "Sharpness of the MGPO weight; 0 is GRPO. Default ours."})
    correctness_column: int = field(default=0, metadata={"help": "Which reward function says what is correct."})
    long2short_lam: float | None = field(
        default=None, metadata={"help": "Largest shift of a right answer's reward by its length; 3B 2.2.2: 0.2."}
    )
    importance_cap: float | None = field(
        default=2.0, metadata={"help": "Cap of the trainer-to-sampler probability ratio; None corrects nothing. Ours."}
    )
    prompt_sampler: str = field(
        default="uniform", metadata={"help": "uniform, max_entropy, curriculum or dynamic: which prompts a step takes."}
    )
    max_rounds: int = field(default=10, metadata={"help": "Rounds of generation per step of the dynamic sampler."})
    cached_sampling: bool = field(default=True, metadata={"help": "Sample with vibethinker's own loop."})
    sort_by_length: bool = field(default=True, metadata={"help": "Micro-batches of like length, padding cut."})
    skip_no_signal: bool = field(default=True, metadata={"help": "Rollouts without a gradient skip both passes."})
    loss_type: str = "grpo"
    scale_rewards: str = "group"
    beta: float = 0.0

    def __post_init__(self) -> None:
        """Check what is ours, then what is TRL's."""
        if not 0 <= self.lam < float("inf"):
            raise ValueError(f"need lam >= 0 and finite, got {self.lam}: 0 is plain GRPO")
        if self.epsilon <= 0 or (self.epsilon_high is not None and self.epsilon_high <= 0):
            raise ValueError(f"need epsilon > 0, got {self.epsilon} and epsilon_high={self.epsilon_high}")
        if self.long2short_lam is not None and not 0 <= self.long2short_lam < float("inf"):
            raise ValueError(f"need long2short_lam >= 0 and finite, got {self.long2short_lam}: None switches it off")
        if self.correctness_column < 0:
            raise ValueError(f"need the number of a reward function, from 0, got {self.correctness_column}")
        if self.generation_batch_size is None:
            rollouts = self.per_device_train_batch_size * (
                self.steps_per_generation or self.gradient_accumulation_steps
            )
            if self.num_generations >= 2 and rollouts % self.num_generations:
                nearest = max(1, round(rollouts / self.num_generations)) * self.num_generations
                raise ValueError(
                    f"need whole groups on every process, got {rollouts} rollouts (per_device_train_batch_size * "
                    f"gradient_accumulation_steps) for groups of {self.num_generations}: the nearest is {nearest}"
                )
        if self.importance_cap is not None and not self.importance_cap >= 1:
            raise ValueError(
                f"need importance_cap >= 1, got {self.importance_cap}: below 1 it scales down tokens that need nothing"
            )
        samplers = ("uniform", *LEARNING_SAMPLERS, "dynamic")
        if self.prompt_sampler not in samplers:
            raise ValueError(f"need a prompt_sampler of {', '.join(samplers)}, got {self.prompt_sampler!r}")
        if self.cached_sampling and (self.use_vllm or self.top_p != 1.0 or self.top_k or self.min_p):
            raise ValueError(
                "cached_sampling draws from the whole distribution: leave top_p, top_k, min_p and vLLM off"
            )
        if self.use_vllm:
            # The same correction, in TRL's words.
            self.vllm_importance_sampling_correction = self.importance_cap is not None
            self.vllm_importance_sampling_mode = "token_truncate"
            self.vllm_importance_sampling_clip_max = self.importance_cap
        super().__post_init__()
        if self.steps_per_generation < self.gradient_accumulation_steps:
            raise ValueError(
                f"need steps_per_generation >= gradient_accumulation_steps, got {self.steps_per_generation} and "
                f"{self.gradient_accumulation_steps}: a step's groups are drawn and counted together"
            )

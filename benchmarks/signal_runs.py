"""Reinforcement learning on pools of prompts of a chosen difficulty, watched on problems that nothing trains on.

Used by ``benchmarks/signal_phase.py``, which runs each of these in a process of its own, on one thread:

python benchmarks/signal_runs.py --bank FILE
python benchmarks/signal_runs.py --run JSON --bank FILE
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
from transformers.trainer_callback import PrinterCallback

import common
from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.common import SamplingConfig
from vibethinker.data.families import FAMILIES, LEVELS, STEM_FAMILIES, Family
from vibethinker.data.procedural import draw_problems, write_trace
from vibethinker.data.splits import BUCKETS
from vibethinker.engines.mgpo_config import MGPOConfig
from vibethinker.engines.mgpo_trainer import MGPOTrainer
from vibethinker.engines.models import load_model
from vibethinker.engines.rl import CorrectnessReward
from vibethinker.engines.sampler import ModelSampler, render_prompt
from vibethinker.interfaces import Numerics
from vibethinker.records import Problem
from vibethinker.verify import judge_responses

POOL, PROMPTS, GROUP, LENGTH = 640, 8, 8, 96
BANK_PROBLEMS, BANK_SAMPLES = 2400, 16
EVERY, WATCHED, WATCHED_SAMPLES = 512, 160, 4
# Prompts of which the base solves this many of 16 samples nearly always make a group with signal.
USEFUL = range(3, 14)


def right(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, problems: list[Problem], *, samples: int, seed: int
) -> list[dict[str, Any]]:
    """Return per problem how many of the samples are right and the lengths of those."""
    sampler = ModelSampler(
        model,
        tokenizer,
        prompt="{question}",
        sampling=SamplingConfig(max_new_tokens=LENGTH),
        numerics=Numerics("float32", 1),
    )
    drawn = sampler.sample([problem.question for problem in problems], samples=samples, seed=seed)
    rows = [(problem, sample) for problem, found in zip(problems, drawn, strict=True) for sample in found]
    verdicts = judge_responses(
        [problem.kind for problem, _ in rows],
        [problem.answer for problem, _ in rows],
        [sample.text for _, sample in rows],
    )
    found: dict[str, dict[str, Any]] = {problem.id: {"right": 0, "lengths": []} for problem in problems}
    for (problem, sample), verdict in zip(rows, verdicts, strict=True):
        if verdict.correct:
            found[problem.id]["right"] += 1
            found[problem.id]["lengths"].append(sample.length_tokens)
    return [found[problem.id] for problem in problems]


def rl_problems(families: Sequence[Family], count: int) -> list[Problem]:
    """Draw prompts from the range of reinforcement learning."""
    drawn = draw_problems(families, LEVELS, BUCKETS["rl"], count=count, rng=Random(5))  # noqa: S311
    return [item.problem for item in drawn]


def make_bank(path: Path) -> None:
    """Write how often the base solves each of many prompts."""
    problems = rl_problems(FAMILIES, BANK_PROBLEMS)
    model, tokenizer = load_model("micro")
    counts = right(model, tokenizer, problems, samples=BANK_SAMPLES, seed=1)
    path.write_text(json.dumps([count["right"] for count in counts]))


def pool(bank: Path, silent: float, seed: int) -> list[Problem]:
    """Draw a pool in which a uniform group of the base is without signal with a chance of about ``silent``.

    Mathematics that the base solves sometimes, and questions of a field that it knows nothing of.
    """
    counts = json.loads(bank.read_text())
    rng = Random(derive_seed(seed, "pool"))  # noqa: S311
    useful = [
        (problem, (count / BANK_SAMPLES) ** GROUP + (1 - count / BANK_SAMPLES) ** GROUP)
        for problem, count in zip(rl_problems(FAMILIES, BANK_PROBLEMS), counts, strict=True)
        if count in USEFUL
    ]
    mean = sum(chance for _, chance in useful) / len(useful)
    few = min(round(POOL * (1 - silent) / (1 - mean)), POOL)
    chosen = [problem for problem, _ in rng.sample(useful, few)] + rl_problems(STEM_FAMILIES, POOL)[few:]
    rng.shuffle(chosen)
    return chosen


def make_wordy(reference: str, output: str, *, steps: int = 60, batch: int = 32) -> None:
    """Teach a model to say the last line of its working three times in half of the cases: right answers of two lengths.

    The micro model's right answers to a problem are nearly all of one length, so that there is nothing to shorten.
    """
    torch.manual_seed(0)
    model, tokenizer = load_model(reference)
    drawn = draw_problems(FAMILIES, LEVELS, BUCKETS["train"], count=steps * batch, rng=Random(6))  # noqa: S311
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4)
    for step in range(steps):
        examples = []
        for place, item in enumerate(drawn[step * batch : (step + 1) * batch]):
            *working, answer = write_trace(item.draft, "careful").split("\n")
            lines = [*working, *working[-1:] * (2 * (place % 2))]
            prompt = tokenizer.encode(render_prompt(tokenizer, "{question}", item.problem.question))
            said = [*tokenizer.encode("\n".join([*lines, answer])), tokenizer.eos_token_id]
            examples.append((prompt, said))
        width = max(len(prompt) + len(said) for prompt, said in examples)
        ids = torch.full((batch, width), tokenizer.pad_token_id)
        labels = torch.full((batch, width), -100)
        for row, (prompt, said) in enumerate(examples):
            ids[row, : len(prompt) + len(said)] = torch.tensor(prompt + said)
            labels[row, len(prompt) : len(prompt) + len(said)] = torch.tensor(said)
        logits = model(input_ids=ids, attention_mask=(ids != tokenizer.pad_token_id).long()).logits
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    model.save_pretrained(output)
    tokenizer.save_pretrained(output)


class Watch(TrainerCallback):  # type: ignore[misc]
    """Keeps rollouts, seconds of this process and accuracy while a model learns."""

    def __init__(self, problems: list[Problem], budget: int) -> None:
        """Watch on these problems until the rollouts are spent."""
        self.problems = problems
        self.rollouts = 0
        self.seconds = 0.0
        self.budget = budget
        self.next = 0
        self.curve: list[dict[str, float]] = []
        self.silent: list[float] = []
        self.began = time.process_time()
        self.trainer: MGPOTrainer

    def look(self) -> None:
        """Score the model on the watched problems; its seconds are not counted."""
        self.seconds += time.process_time() - self.began
        model = self.trainer.accelerator.unwrap_model(self.trainer.model)
        counts = right(model, self.trainer.processing_class, self.problems, samples=WATCHED_SAMPLES, seed=self.rollouts)
        model.train()
        share = sum(count["right"] for count in counts) / (WATCHED * WATCHED_SAMPLES)
        lengths = [length for count in counts for length in count["lengths"]]
        self.curve.append(
            {
                "rollouts": self.rollouts,
                "seconds": self.seconds,
                "accuracy": share,
                "length": sum(lengths) / max(1, len(lengths)),
            }
        )
        self.next = self.rollouts + EVERY
        self.began = time.process_time()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Count, look, and end when the budget is spent."""
        self.rollouts += self.trainer.group_statistics["rollouts"]
        self.silent.append(self.trainer.group_statistics["no_signal"])
        if self.rollouts >= self.next or self.rollouts >= self.budget:
            self.look()
        if self.rollouts >= self.budget:
            control.should_training_stop = True


def learn(options: dict[str, Any], bank: Path) -> dict[str, Any]:
    """Learn with the options of one cell; return its curve."""
    seed = options["seed"]
    torch.set_num_threads(1)
    if (made := options.get("wordy")) and not Path(made).is_dir():
        make_wordy(options["model"], made)
    model, tokenizer = load_model(made or options.get("model", "micro"))
    problems = pool(bank, options["silent"], seed)
    watch = Watch(common.probing_problems(WATCHED, seed=4), options["budget"])
    with tempfile.TemporaryDirectory() as folder:
        trainer = MGPOTrainer(
            model=model,
            args=settings(folder, options),
            reward_funcs=[CorrectnessReward(judge_responses)],
            train_dataset=rows(problems, tokenizer, alone=bool(options.get("alone"))),
            processing_class=tokenizer,
            callbacks=[watch],
        )
        trainer.remove_callback(PrinterCallback)
        watch.trainer = trainer
        watch.look()
        trainer.train()
        if options.get("save"):
            model.save_pretrained(options["save"])
            tokenizer.save_pretrained(options["save"])
    return {**options, "curve": watch.curve, "silent_seen": watch.silent, "prompts": len(problems)}


def rows(problems: list[Problem], tokenizer: PreTrainedTokenizerBase, *, alone: bool) -> Dataset:
    """Return the dataset that the trainer takes; ``alone`` leaves out what makes prompts alike."""
    return Dataset.from_list(
        [
            {
                "prompt": render_prompt(tokenizer, "{question}", problem.question),
                "answer": problem.answer,
                "kind": problem.kind,
                **({} if alone else {"domain": problem.domain, "source": problem.source, "level": problem.level}),
            }
            for problem in problems
        ]
    )


def settings(folder: str, options: dict[str, Any]) -> MGPOConfig:
    """Return the trainer's settings: those of the quickstart but for the batch, and for what a cell is about."""
    return MGPOConfig(
        output_dir=folder,
        max_steps=options["budget"] // (PROMPTS * GROUP),
        learning_rate=options.get("learning_rate", 2e-4),
        warmup_steps=10,
        lr_scheduler_type="constant_with_warmup",
        adam_beta2=0.95,
        max_grad_norm=0.5,
        per_device_train_batch_size=32,
        gradient_accumulation_steps=PROMPTS * GROUP // 32,
        num_generations=GROUP,
        max_completion_length=LENGTH,
        lam=options["lam"],
        prompt_sampler=options["sampler"],
        long2short_lam=options.get("long2short"),
        save_strategy="no",
        logging_steps=1,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        bf16=False,
        seed=options["seed"],
        gradient_checkpointing=False,
    )


def main() -> None:
    """Make the bank, or run one cell and print its result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--run", type=json.loads)
    given = parser.parse_args()
    if given.run is None:
        make_bank(given.bank)
    else:
        print(json.dumps(learn(given.run, given.bank)))


if __name__ == "__main__":
    main()

"""What the trainer makes of rollouts is what algos/ says of them, for every option between the two."""

from collections import defaultdict
from math import exp
from typing import Any

import pytest
import torch

from vibethinker import MGPOConfig, MGPOTrainer
from vibethinker.algos.advantages import group_advantages
from vibethinker.algos.long2short import brevity_shift
from vibethinker.algos.mgpo import group_accuracy, max_entropy_weight
from vibethinker.algos.policy_objective import policy_loss
from vibethinker.configs.prompts import MaxEntropySampler
from vibethinker.engines.checkpoints import checkpoint_folders
from vibethinker.engines.groups import judge_group
from vibethinker.engines.prompt_samplers import make_sampler
from vibethinker.errors import InputError

G = 4
CAP = 2.0
# By how much the sampler's log-probabilities are made wrong, token by token: below the cap, above it, below 1.
SHIFTS = (0.5, 1.0, -0.3)
QUESTIONS = [
    "Solve 2x+3=11 for x.",
    "Find the mean of 3, 5, 7.",
    "Find the median of 9, 4, 6.",
    "Let f(x)=3x+1. Find f(2).",
    "Solve 5x+1=16 for x.",
    "Find the mean of 2, 4, 9.",
    "Find the range of 9, 4, 6.",
    "Let f(x)=x+7. Find f(3).",
]


def often_right(completions, **_):
    return [float(sum(map(ord, text)) % 3 > 0) for text in completions]


def half_silent(completions, prompts, **_):
    """Half of the prompts' groups are all right, most of the others mixed."""
    return [
        1.0 if "Solve" in prompt or "mean" in prompt else float(sum(map(ord, text)) % 2)
        for prompt, text in zip(prompts, completions, strict=True)
    ]


def all_right(completions, **_):
    return [1.0] * len(completions)


def partly_judged(completions, prompts, **_):
    """One prompt's group cannot be judged at all, and of the others some rollouts."""
    return [
        None if "mean" in prompt or sum(map(ord, text)) % 4 == 0 else float(sum(map(ord, text)) % 2)
        for prompt, text in zip(prompts, completions, strict=True)
    ]


class Watched(MGPOTrainer):
    """Keeps the tables that the loss of every update was made of, one row per rollout."""

    def __init__(self, *args, **kwargs):
        self.tables = defaultdict(list)
        super().__init__(*args, **kwargs)

    def _correct_mismatch(self, inputs, log_policy):
        old = inputs.get("old_per_token_logps", log_policy)
        tables = (log_policy, old, inputs["sampling_per_token_logps"])
        for row, mask in enumerate(inputs["completion_mask"].bool()):
            self.tables[self.state.global_step].append(
                (float(inputs["advantages"][row]), *(table[row][mask].tolist() for table in tables))
            )
        super()._correct_mismatch(inputs, log_policy)


class WrongSampler(Watched):
    """Draws as ever, and is wrong about the probabilities."""

    def _generate_single_turn(self, *args, **kwargs):
        ids, logs = super()._generate_single_turn(*args, **kwargs)
        return ids, [[value - SHIFTS[at % 3] for at, value in enumerate(row)] for row in logs]


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_sampler_and_trainer_agree_on_every_tokens_probability(train, temperature):
    trainer, _, _ = train(Watched, MGPOConfig, temperature=temperature, skip_no_signal=False)
    (rows,) = trainer.tables.values()
    assert len(rows) == 4 * G
    for _, log_policy, _, log_sampler in rows:
        assert log_policy == pytest.approx(log_sampler, abs=1e-4)
    assert trainer.ratio_statistics()["ratio_max"] == pytest.approx(1, abs=1e-4)


def test_where_they_agree_the_correction_leaves_the_gradient(train):
    _, _, plain = train(MGPOTrainer, MGPOConfig, importance_cap=None)
    _, _, corrected = train(MGPOTrainer, MGPOConfig, importance_cap=CAP)
    for name, gradient in plain.items():
        assert torch.allclose(corrected[name], gradient, atol=1e-4 * float(gradient.abs().max()) + 1e-9), name


@pytest.mark.parametrize("updates", [1, 2])
@pytest.mark.parametrize(("loss_type", "averaging"), [("grpo", "response"), ("dapo", "token")])
def test_where_they_differ_the_loss_is_the_truncated_one_in_plain_numbers(train, loss_type, averaging, updates):
    trainer, _, _ = train(
        WrongSampler,
        MGPOConfig,
        importance_cap=CAP,
        loss_type=loss_type,
        num_iterations=updates,
        steps=updates,
        skip_no_signal=False,
    )
    assert len(trainer.tables) == updates
    for line, rows in zip(trainer.state.log_history, trainer.tables.values(), strict=False):
        advantages, log_policy, log_old, log_sampler = zip(*rows, strict=True)
        bounds = {"low": 0.2, "high": 0.2, "averaging": averaging}
        expected = policy_loss(advantages, log_policy, log_old, **bounds, log_sampler_N_T=log_sampler, cap=CAP)
        assert line["loss"] == pytest.approx(expected, rel=1e-4, abs=1e-6)
        assert expected != pytest.approx(policy_loss(advantages, log_policy, log_old, **bounds), abs=1e-3)
    found = trainer.ratio_statistics()
    assert found["ratio_max"] == pytest.approx(exp(max(SHIFTS)), rel=1e-3)
    errors = [
        abs(exp(old - sampler) - 1)
        for rows in trainer.tables.values()
        for _, _, log_old, log_sampler in rows
        for old, sampler in zip(log_old, log_sampler, strict=True)
    ]
    assert found["ratio_error"] == pytest.approx(sum(errors) / len(errors), rel=1e-3)


class Filled(MGPOTrainer):
    """Keeps the advantages of the rollouts that a step trains on, by group."""

    def _filled_with_signal(self):
        batch, groups = super()._filled_with_signal()
        self.trained = batch["advantages"].view(-1, G)
        return batch, groups


def drawn(train, trainer_class=MGPOTrainer, **options):
    """Train, and return the trainer, the first loss and every step's rollouts by group."""
    steps = []
    keep = lambda step, rows: steps.append([rows[start : start + G] for start in range(0, len(rows), G)])  # noqa: E731
    trainer, loss, _ = train(trainer_class, MGPOConfig, arguments={"on_rollouts": keep}, **options)
    return trainer, loss, steps


def test_dynamic_sampling_trains_on_groups_with_signal_alone_and_counts_all_that_it_drew(train):
    trainer, _, (groups,) = drawn(train, Filled, prompt_sampler="dynamic", rewards=(half_silent,), questions=QUESTIONS)
    assert trainer.trained.shape == (4, G)
    assert (trainer.trained != 0).any(dim=1).all()
    mixed = [0 < sum(row["correct"] for row in group) < G for group in groups]
    assert sum(mixed) >= 4 > sum(mixed[:-4]), "a round too many or too few"
    assert len(groups) > 4
    assert trainer.group_statistics["rollouts"] == len(groups) * G
    first = [[row["advantage"] for row in group] for group, one in zip(groups, mixed, strict=True) if one][:4]
    assert trainer.trained.tolist() == [pytest.approx(advantages) for advantages in first]


def test_dynamic_sampling_gives_up_after_its_rounds(train):
    trainer, loss, (groups,) = drawn(
        train, Filled, prompt_sampler="dynamic", max_rounds=3, rewards=(all_right,), questions=QUESTIONS
    )
    assert (len(groups), loss, trainer.group_statistics["no_signal"]) == (3 * 4, 0.0, 1.0)
    assert not trainer.trained.any()
    assert trainer.group_statistics["rollouts"] == 3 * 4 * G


def test_long2short_shifts_the_reward_and_leaves_the_weight_to_correctness(train):
    _, _, (groups,) = drawn(train, long2short_lam=0.2, lam=4.0, rewards=(often_right,))
    moved = 0
    for group in groups:
        correct = [row["correct"] for row in group]
        rewards = brevity_shift([float(one) for one in correct], [row["length"] for row in group], lam=0.2)
        weight = max_entropy_weight(sum(correct) / G, lam=4.0)
        assert [row["reward"] for row in group] == pytest.approx(rewards)
        assert {row["weight"] for row in group} == {weight}
        expected = [weight * value for value in group_advantages(rewards)]
        assert [row["advantage"] for row in group] == pytest.approx(expected, abs=1e-5)
        moved += rewards != [float(one) for one in correct]
    assert moved


def test_what_cannot_be_judged_has_no_advantage_and_is_counted(train):
    trainer, _, (groups,) = drawn(train, lam=4.0, rewards=(partly_judged,))
    unjudged = [group for group in groups if all(row["correct"] is None for row in group)]
    assert unjudged
    partly = [group for group in groups if 0 < sum(row["correct"] is None for row in group) < G]
    assert partly
    for group in groups:
        correct = [row["correct"] for row in group]
        accuracy = group_accuracy(correct)
        weight = None if accuracy is None else max_entropy_weight(accuracy, lam=4.0)
        assert {row["weight"] for row in group} == {weight}
        rewards = [None if one is None else float(one) for one in correct]
        assert [row["reward"] for row in group] == rewards
        expected = [(weight or 0.0) * value for value in group_advantages(rewards)]
        assert [row["advantage"] for row in group] == pytest.approx(expected, abs=1e-5)
    rows = [row for group in groups for row in group]
    share = sum(row["correct"] is None for row in rows) / len(rows)
    assert trainer.group_statistics["ungradable"] == share


def test_a_script_of_trls_kind_chooses_its_prompts_by_columns_of_its_dataset(train):
    # Prompts of one level were always right before, those of the other half of the time.
    known = [index % 2 == 0 for index in range(len(QUESTIONS))]
    columns: dict[str, list[Any]] = {
        "name": QUESTIONS,
        "source": ["made"] * len(QUESTIONS),
        "domain": ["algebra"] * len(QUESTIONS),
        "level": [1 if easy else 2 for easy in known],
        "right": [32 if easy else 16 for easy in known],
        "judged": [32] * len(QUESTIONS),
    }
    trainer, _, steps = drawn(
        train, prompt_sampler="max_entropy", questions=QUESTIONS, columns=columns, steps=3, rewards=(half_silent,)
    )
    taken = [group[0]["name"] for groups in steps for group in groups]
    hard = {question for question, easy in zip(QUESTIONS, known, strict=True) if not easy}
    assert len(taken) == 12
    assert sum(name in hard for name in taken) >= 9
    # What it saw is added to what it was told: another sampler, told the same and shown the same, believes the same.
    other = make_sampler(
        MaxEntropySampler(name="max_entropy"),
        [(columns["domain"][row], columns["source"][row], str(columns["level"][row])) for row in range(len(QUESTIONS))],
        batch=4,
        seed=11,
        group_size=G,
        lam=4.0,
        counts=list(zip(columns["right"], columns["judged"], strict=True)),
    )
    assert trainer.prompts.state() != other.state()
    for step, groups in enumerate(steps):
        rows = other.choose(step)
        assert [QUESTIONS[row] for row in rows] == [group[0]["name"] for group in groups]
        other.observe(step, rows, [judge_group([row["correct"] for row in group], lam=4.0) for group in groups])
    assert trainer.prompts.state() == other.state()


class Resumed(MGPOTrainer):
    """Goes on from the last checkpoint in its folder."""

    def train(self):
        _, path = checkpoint_folders(self.folder)[-1]
        return super().train(resume_from_checkpoint=str(path))


@pytest.mark.parametrize(
    ("change", "named"),
    [({"lam": 1.0}, "lam"), ({"questions": QUESTIONS[4:]}, "prompts"), ({"epsilon": 0.3}, "epsilon")],
)
def test_a_checkpoint_of_another_training_is_refused_by_what_differs(train, tmp_path, change, named):
    saving = {"save_strategy": "steps", "save_steps": 1, "steps": 1}
    train(MGPOTrainer, MGPOConfig, **saving)
    Resumed.folder = tmp_path
    with pytest.raises(InputError, match=f"is of another training: {named} differ"):
        train(Resumed, MGPOConfig, **(saving | {"steps": 2} | change))
    trainer, _, _ = train(Resumed, MGPOConfig, **(saving | {"steps": 2}))
    assert trainer.state.global_step == 2

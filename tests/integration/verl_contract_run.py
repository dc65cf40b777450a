"""Compares the plug-in for verl with verl's own functions and with our algos, and prints a report as JSON, last.

A script of its own, as it runs with the Python of verl's environment: ``python verl_contract_run.py``. The plug-in is
loaded by verl alone; nothing here imports it.
"""

import json
import math
import random
from collections import defaultdict
from functools import partial
from pathlib import Path

import numpy as np
import torch
import verl
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from verl import DataProto
from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage, get_adv_estimator_fn
from verl.trainer.ppo.ray_trainer import compute_advantage
from verl.trainer.ppo.v1.utils import compute_advantage_for_multi_trajectories
from verl.utils.config import validate_config

from vibethinker.algos.advantages import group_advantages
from vibethinker.algos.long2short import brevity_shift
from vibethinker.algos.mgpo import group_accuracy, max_entropy_weight

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "verl"
BATCHES = 60
VERL_EPSILON = 1e-6
LAMS = (0.0, 1.0, 4.0)


class Batch:
    """Responses of groups of different sizes, standing in any order; some tokens belong to the environment."""

    def __init__(self, rng, *, rewards, dtype, smallest_group=2, tokens=12):
        sizes = [rng.randint(smallest_group, 16) for _ in range(rng.randint(1, 6))]
        self.uids = [f"question-{group}" for group, size in enumerate(sizes) for _ in range(size)]
        rng.shuffle(self.uids)
        self.mask = torch.zeros(len(self.uids), tokens, dtype=torch.long)
        self.rewards = torch.zeros(len(self.uids), tokens, dtype=dtype)
        for row in range(len(self.uids)):
            length = rng.randint(1, tokens)
            self.mask[row, :length] = torch.tensor([rng.random() < 0.8 for _ in range(length)]).long()
            # A response that verl masks wholly is no response: at least its last token is the policy's.
            self.mask[row, length - 1] = 1
            self.rewards[row, length - 1] = rng.choice(rewards)
        self.index = np.array(self.uids, dtype=object)
        self.scores = self.rewards.double().sum(dim=1).tolist()
        self.lengths = self.mask.sum(dim=1).tolist()

    def groups(self):
        """Return the rows of each group."""
        rows = defaultdict(list)
        for row, uid in enumerate(self.uids):
            rows[uid].append(row)
        return list(rows.values())


class Differences:
    """The greatest difference of each comparison, and how many numbers other than 0 it saw."""

    def __init__(self):
        self.greatest = defaultdict(float)
        self.numbers = defaultdict(int)

    def note(self, name, ours, theirs):
        assert ours.shape == theirs.shape
        difference = float((ours.double() - theirs.double()).abs().max())
        self.greatest[name] = math.inf if math.isnan(difference) else max(self.greatest[name], difference)
        self.numbers[name] += int((theirs != 0).sum())


def settings(*, lam, brevity_lam=None, correct_from=None, by_deviation=True):
    """Return an ``algorithm`` block as verl's command line makes it."""
    block = {"mgpo": {"lam": lam, "correct_from": correct_from}, "norm_adv_by_std_in_grpo": by_deviation}
    return OmegaConf.create(block if brevity_lam is None else {**block, "long2short": {"lam": brevity_lam}})


def plug_in(batch, config):
    """Call the estimator as ``compute_advantage`` of verl 0.9 calls one that it does not know."""
    advantages, returns = get_adv_estimator_fn("mgpo")(
        token_level_rewards=batch.rewards, response_mask=batch.mask, config=config, index=batch.index
    )
    assert torch.equal(advantages, returns)
    return advantages


def verl_grpo(batch, *, rewards=None, by_deviation=True):
    """Return verl's own advantages."""
    return compute_grpo_outcome_advantage(
        token_level_rewards=(batch.rewards if rewards is None else rewards).clone(),
        response_mask=batch.mask,
        index=batch.index,
        norm_adv_by_std_in_grpo=by_deviation,
    )[0]


def over_tokens(values, batch):
    return torch.tensor(values, dtype=torch.float64).unsqueeze(1) * batch.mask


def ours_by_hand(batch, *, lam, right, brevity_lam=0.0):
    """Return the advantages by algos, over plain lists."""
    values = [0.0] * len(batch.uids)
    for rows in batch.groups():
        rewards = [None if math.isnan(batch.scores[row]) else batch.scores[row] for row in rows]
        correct = [None if reward is None else right(reward) for reward in rewards]
        accuracy = group_accuracy(correct)
        if accuracy is None:
            continue
        lengths = [batch.lengths[row] for row in rows]
        shifted = brevity_shift(rewards, lengths, correct_G=correct, lam=brevity_lam)
        for row, advantage in zip(rows, group_advantages(shifted, epsilon=VERL_EPSILON), strict=True):
            values[row] = max_entropy_weight(accuracy, lam=lam) * advantage
    return over_tokens(values, batch)


def weights(batch, *, lam):
    values = [0.0] * len(batch.uids)
    for rows in batch.groups():
        weight = max_entropy_weight(sum(batch.scores[row] == 1 for row in rows) / len(rows), lam=lam)
        for row in rows:
            values[row] = weight
    return torch.tensor(values, dtype=torch.float64).unsqueeze(1)


def shortened(batch, *, lam):
    """Return token-level rewards after Long2Short."""
    rewards = batch.rewards.clone()
    for rows in batch.groups():
        scores = [batch.scores[row] for row in rows]
        shifted = brevity_shift(scores, [batch.lengths[row] for row in rows], lam=lam)
        for row, before, after in zip(rows, scores, shifted, strict=True):
            rewards[row, 0] += after - before
    return rewards


def compare(differences, rng):
    """Run one batch of each kind through every comparison."""
    exact = Batch(rng, rewards=(0.0, 1.0), dtype=torch.float64)
    single = Batch(rng, rewards=(0.0, 1.0), dtype=torch.float32)
    signs = Batch(rng, rewards=(-1.0, 1.0), dtype=torch.float64)
    gaps = Batch(rng, rewards=(0.0, 1.0, math.nan), dtype=torch.float64)
    # As verl's overlong penalty leaves them.
    shaped = Batch(rng, rewards=(-1.0, -1.5, 1.0, 0.7), dtype=torch.float64)
    note = differences.note
    note("lam 0 and verl's grpo", plug_in(exact, settings(lam=0)), verl_grpo(exact))
    note("lam 0 and verl's grpo, float32", plug_in(single, settings(lam=0)), verl_grpo(single))
    note("lam 0 and verl's grpo, rewards -1 and 1", plug_in(signs, settings(lam=0)), verl_grpo(signs))
    note(
        "lam 0 and verl's grpo without deviation",
        plug_in(exact, settings(lam=0, by_deviation=False)),
        verl_grpo(exact, by_deviation=False),
    )
    for lam in LAMS:
        note("weight times verl's grpo", plug_in(exact, settings(lam=lam)), verl_grpo(exact) * weights(exact, lam=lam))
        note("algos", plug_in(exact, settings(lam=lam)), ours_by_hand(exact, lam=lam, right=bool))
        note("algos, float32", plug_in(single, settings(lam=lam)), ours_by_hand(single, lam=lam, right=bool))
        note("algos, ungradable", plug_in(gaps, settings(lam=lam)), ours_by_hand(gaps, lam=lam, right=bool))
        note(
            "algos, shaped rewards",
            plug_in(shaped, settings(lam=lam, correct_from=0.5)),
            ours_by_hand(shaped, lam=lam, right=lambda reward: reward > 0),
        )
        short = plug_in(exact, settings(lam=lam, brevity_lam=0.2))
        note(
            "Long2Short and verl's grpo",
            short,
            verl_grpo(exact, rewards=shortened(exact, lam=0.2)) * weights(exact, lam=lam),
        )
        note(
            "Long2Short and algos, ungradable",
            plug_in(gaps, settings(lam=lam, brevity_lam=0.2)),
            ours_by_hand(gaps, lam=lam, right=bool, brevity_lam=0.2),
        )


def through_the_trainer(differences, rng):
    """Run batches through verl's own ``compute_advantage``, of both trainers, with the shipped configuration."""
    with initialize_config_dir(str(EXAMPLES), version_base=None):
        config = compose(
            "mgpo",
            overrides=[
                "actor_rollout_ref.model.path=model",
                "algorithm.long2short.lam=0.2",
                "trainer.n_gpus_per_node=1",
            ],
        )
    validate_config(config, use_reference_policy=False, use_critic=False)
    for _ in range(BATCHES):
        batch = Batch(rng, rewards=(0.0, 1.0), dtype=torch.float32)
        expected = ours_by_hand(batch, lam=4.0, right=bool, brevity_lam=0.2)
        tensors = {"token_level_rewards": batch.rewards, "response_mask": batch.mask}
        for name, function in (
            ("compute_advantage", compute_advantage),
            (
                "compute_advantage_for_multi_trajectories",
                partial(compute_advantage_for_multi_trajectories, batch_keys=[]),
            ),
        ):
            data = DataProto.from_dict(tensors=dict(tensors), non_tensors={"uid": batch.index})
            function(data, adv_estimator=config.algorithm.adv_estimator, config=config.algorithm)
            differences.note(f"verl's {name}", data.batch["advantages"], expected)


def refusals():
    """Return what the plug-in says of configurations and rewards that it cannot read."""
    batch = Batch(random.Random(0), rewards=(0.25,), dtype=torch.float32)
    said = {}
    for name, config in (
        ("shaped without correct_from", settings(lam=4)),
        ("use_kl_in_reward", OmegaConf.create({"use_kl_in_reward": True})),
        ("unknown key", OmegaConf.create({"mgpo": {"lambda": 4}})),
        ("unknown block", OmegaConf.create({"mgpo_lam": 4})),
        ("negative lam", settings(lam=-1, correct_from=0.5)),
    ):
        try:
            plug_in(batch, config)
        except ValueError as error:
            said[name] = str(error)
    return said


def main():
    """Print the report."""
    rng = random.Random(20251106)
    differences = Differences()
    for _ in range(BATCHES):
        compare(differences, rng)
    through_the_trainer(differences, rng)
    alone = Batch(rng, rewards=(1.0,), dtype=torch.float32)
    alone.index = np.array([f"{uid}-{row}" for row, uid in enumerate(alone.uids)], dtype=object)
    report = {
        "verl": verl.__version__,
        "module": get_adv_estimator_fn("mgpo").__module__,
        "differences": differences.greatest,
        "numbers": differences.numbers,
        "refusals": refusals(),
        "greatest alone": float(plug_in(alone, settings(lam=4)).abs().max()),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()

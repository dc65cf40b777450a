"""MGPO as an advantage estimator of verl, with Long2Short as an option.

Source: VibeThinker-1.5B (arXiv 2511.06221), section 3.4; Long2Short: VibeThinker-3B (arXiv 2606.16140), section 2.2.2.

    A'_i = w(q) * (r'_i - mean(r')) / (std(r') + epsilon)

w(q) comes from the group's accuracy before the reward r becomes r' by Long2Short; epsilon is verl's, 1e-6. At lam = 0
and without Long2Short this is verl's ``grpo``. Ours, and unlike verl: a reward of NaN is a response that could not be
judged, which has no advantage and stays out of its group; a response alone in its group has no advantage either.

Importing this module registers ``mgpo`` with verl, where verl is installed. verl imports it by itself: 0.9 and later
by the entry point group ``verl.plugins``, all by ``VERL_USE_EXTERNAL_MODULES=vibethinker.integrations.verl``. Whatever
goes wrong at an entry point verl hides; ``python -m vibethinker.integrations.verl --check`` tells.

verl gives an estimator its rewards after the KL penalty and no other column, so that correctness can be read from
rewards only where verl's ``use_kl_in_reward`` is off.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import isnan
from typing import Any

import torch

from vibethinker.algos.advantages import group_advantages
from vibethinker.algos.long2short import brevity_shift
from vibethinker.algos.mgpo import group_accuracy, max_entropy_weight

NAME = "mgpo"
MODULE = "vibethinker.integrations.verl"
LAM = 4.0
"""Ours, as everywhere in this package; neither paper states theirs."""
EPSILON = 1e-6
"""verl's own, in ``compute_grpo_outcome_advantage``."""
KEYS = {"mgpo": ("lam", "correct_from"), "long2short": ("lam",)}
"""The blocks that we read below ``algorithm``."""


@dataclass(frozen=True)
class Settings:
    """What the configuration says.

    Attributes:
        lam: Sharpness of the MGPO weight, at least 0; ``algorithm.mgpo.lam``.
        correct_from: The least reward of a right response; None where rewards are 1 for right, 0 or -1 for wrong;
            ``algorithm.mgpo.correct_from``.
        brevity_lam: Greatest shift of Long2Short, in units of the reward; 0 is off; ``algorithm.long2short.lam``.
        by_deviation: Divide by the group's deviation; verl's ``algorithm.norm_adv_by_std_in_grpo``.
    """

    lam: float = LAM
    correct_from: float | None = None
    brevity_lam: float = 0.0
    by_deviation: bool = True


def read_settings(algorithm: Mapping[str, Any] | None) -> Settings:
    """Return the settings in verl's ``algorithm`` configuration; None has the defaults.

    Raises:
        ValueError: If a key of ours is unknown, a value is not a number, or the KL penalty is part of the reward.

    >>> read_settings({"mgpo": {"lam": 2}, "norm_adv_by_std_in_grpo": False})
    Settings(lam=2.0, correct_from=None, brevity_lam=0.0, by_deviation=False)
    """
    if algorithm is None:
        return Settings()
    if algorithm.get("use_kl_in_reward", False):
        raise ValueError(
            "algorithm.use_kl_in_reward=True hides which responses are right: "
            "set it to False and use actor_rollout_ref.actor.use_kl_loss=True"
        )
    # verl's own algorithm.lam belongs to GAE; a misspelt block of ours would leave a default in force unseen.
    strangers = [key for key in algorithm if key.startswith(tuple(KEYS)) and key not in KEYS]
    for name in KEYS:
        strangers += [f"{name}.{key}" for key in algorithm.get(name) or {} if key not in KEYS[name]]
    if strangers:
        allowed = ", ".join(f"algorithm.{name}.{key}" for name, keys in KEYS.items() for key in keys)
        raise ValueError(f"unknown key algorithm.{strangers[0]}: allowed are {allowed}")
    return Settings(
        lam=_number(algorithm, "mgpo", "lam", LAM),
        correct_from=_number(algorithm, "mgpo", "correct_from", None),
        brevity_lam=_number(algorithm, "long2short", "lam", 0.0),
        by_deviation=bool(algorithm.get("norm_adv_by_std_in_grpo", True)),
    )


def _number(algorithm: Mapping[str, Any], block: str, key: str, default: Any) -> Any:  # noqa: ANN401
    value = (algorithm.get(block) or {}).get(key, default)
    if value is default:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"algorithm.{block}.{key} must be a number, got {value!r}")
    return float(value)


def judge(reward: float, *, correct_from: float | None) -> bool | None:
    """Return whether a reward says right or wrong, None where it is NaN.

    Raises:
        ValueError: If the reward is none of 1, 0 and -1 and nothing says where right begins.

    >>> judge(1.0, correct_from=None), judge(-1.0, correct_from=None), judge(0.7, correct_from=0.5)
    (True, False, True)
    """
    if isnan(reward):
        return None
    if correct_from is not None:
        return reward >= correct_from
    if reward not in (1.0, 0.0, -1.0):
        raise ValueError(
            f"a reward of {reward:g} does not say right (1) or wrong (0, -1): "
            "set algorithm.mgpo.correct_from to the least reward of a right response"
        )
    return reward == 1.0


def weighted_advantages(rewards_G: Sequence[float], lengths_G: Sequence[int], settings: Settings) -> list[float]:
    """Return the advantages of one group's responses, MGPO's weight included.

    Args:
        rewards_G: One reward per response; NaN where it could not be judged.
        lengths_G: Tokens of each response that the policy is trained on.
        settings: What the configuration says.

    Raises:
        ValueError: If a reward is infinite or cannot be read, or a lam is negative.

    >>> weighted_advantages([1.0, 0.0], [3, 5], Settings(lam=4.0, by_deviation=False))
    [0.5, -0.5]
    """
    correct_G = [judge(reward, correct_from=settings.correct_from) for reward in rewards_G]
    accuracy = group_accuracy(correct_G)
    if accuracy is None:
        return [0.0] * len(rewards_G)
    shaped_G: list[float | None] = [None if isnan(reward) else reward for reward in rewards_G]
    if settings.brevity_lam:
        # A response all of whose tokens verl has masked trains nothing, and has no length to compare others with.
        shifted_G = [correct and length > 0 for correct, length in zip(correct_G, lengths_G, strict=True)]
        lengths_G = [max(length, 1) for length in lengths_G]
        shaped_G = brevity_shift(shaped_G, lengths_G, correct_G=shifted_G, lam=settings.brevity_lam)
    weight = max_entropy_weight(accuracy, lam=settings.lam)
    advantages_G = group_advantages(shaped_G, scale="std" if settings.by_deviation else "none", epsilon=EPSILON)
    return [weight * advantage for advantage in advantages_G]


def mgpo_advantage(
    token_level_rewards: torch.Tensor,
    response_mask: torch.Tensor,
    index: Iterable[Any],
    config: Mapping[str, Any] | None = None,
    **_: Any,  # noqa: ANN401
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the advantages, and again as returns, as verl's outcome estimators do; both (batch, tokens).

    Args:
        token_level_rewards: (batch, tokens); a response's reward is their sum.
        response_mask: (batch, tokens); 1 at tokens that the policy is trained on.
        index: The group of each response, verl's ``uid``; a group need not stand together.
        config: verl's ``algorithm`` configuration.
        **_: What verl passes to some estimators and this one does not need.

    Raises:
        ValueError: If the configuration or a reward cannot be read.
    """
    settings = read_settings(config)
    with torch.no_grad():
        rewards_N: list[float] = token_level_rewards.cpu().double().sum(dim=-1).tolist()
        lengths_N: list[int] = response_mask.cpu().long().sum(dim=-1).tolist()
        places: dict[Any, list[int]] = {}
        for place, group in enumerate(index):
            places.setdefault(group, []).append(place)
        advantages_N = [0.0] * len(rewards_N)
        for places_G in places.values():
            group_values = weighted_advantages(
                [rewards_N[place] for place in places_G], [lengths_N[place] for place in places_G], settings
            )
            for place, advantage in zip(places_G, group_values, strict=True):
                advantages_N[place] = advantage
        per_response = torch.tensor(advantages_N, dtype=token_level_rewards.dtype, device=token_level_rewards.device)
        advantages = per_response.unsqueeze(-1) * response_mask
    return advantages, advantages


def check() -> str:
    """Return a line that says with which verl ``mgpo`` is registered.

    Raises:
        RuntimeError: If verl is missing, or has not registered it when it was imported; with the cause.
    """
    if find_spec("verl") is None:
        raise RuntimeError("verl is not installed here: run this with the Python that runs verl")
    import verl
    from verl.trainer.ppo.core_algos import ADV_ESTIMATOR_REGISTRY

    found = ADV_ESTIMATOR_REGISTRY.get(NAME)
    if found is not None and found.__module__ == MODULE:
        return f"{NAME} is registered with verl {verl.__version__}"
    if found is not None:
        raise RuntimeError(f"verl's {NAME!r} is {found.__module__}.{found.__qualname__}: uninstall that plug-in")
    try:
        __import__(MODULE)
    except Exception as error:
        raise RuntimeError(f"verl {verl.__version__} could not load {MODULE}: {error!r}") from error
    raise RuntimeError(
        f"verl {verl.__version__} did not load {MODULE}: install vibethinker into this environment "
        f"(pip install --no-deps vibethinker; verl 0.9 or later) or set VERL_USE_EXTERNAL_MODULES={MODULE}"
    )


def main(arguments: Sequence[str]) -> int:
    """Check the registration; return the exit status."""
    if list(arguments) != ["--check"]:
        sys.stderr.write(f"usage: python -m {MODULE} --check\n")
        return 2
    try:
        sys.stdout.write(check() + "\n")
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


# As a script this must not register, or the check would find its own work.
if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
if find_spec("verl") is not None:
    from verl.trainer.ppo.core_algos import register_adv_est

    register_adv_est(NAME)(mgpo_advantage)

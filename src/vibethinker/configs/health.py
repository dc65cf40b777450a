"""What counts as trouble while reinforcement learning runs, and which trouble ends the stage.

Neither paper says how its runs were watched: all numbers here are ours.
"""

from typing import Literal, get_args

from pydantic import Field, model_validator

from vibethinker.configs.common import Config

HealthName = Literal[
    "not_a_number",
    "nothing_judged",
    "reward_stuck_at_0",
    "reward_stuck_at_1",
    "no_signal",
    "entropy_collapse",
    "length_explosion",
    "truncated",
    "ratio_outliers",
]

HEALTH_NAMES: tuple[HealthName, ...] = get_args(HealthName)
"""Every kind of trouble, in the order in which those of one step are told."""


class HealthConfig(Config):
    """When a step is worth a warning. ``window`` steps are looked at together, so that one odd step warns of nothing.

    Only a number that is not finite, and rollouts of which none was ever judged, are told at once.
    """

    stop_on: tuple[HealthName, ...] = ("not_a_number", "nothing_judged")
    """What ends the stage, its last checkpoint kept; the default is what no further step can mend. Ours."""
    window: int = Field(default=5, ge=2)
    """Steps that are looked at together; trouble counts as gone after more than so many steps without it. Ours."""
    reward_low: float = Field(default=0.01, ge=0)
    """``reward_stuck_at_0``: no step's mean reward is above this; ours."""
    reward_high: float = Field(default=0.99, le=1)
    """``reward_stuck_at_1``: no step's mean reward is below this; ours."""
    no_signal: float = Field(default=0.9, gt=0, lt=1)
    """``no_signal``: in every step a larger share of the groups has the same reward throughout; ours."""
    entropy_share: float = Field(default=0.05, gt=0, lt=1)
    """``entropy_collapse``: mean entropy falls below this share of the first window's. Ours: the quickstart's entropy
    falls to an eighth while its reward rises to .9, and nothing is wrong with it."""
    length_factor: float = Field(default=2.0, gt=1)
    """``length_explosion``: mean length exceeds this many times the first window's, and truncation rises too; ours."""
    truncated_rise: float = Field(default=0.05, gt=0, lt=1)
    """``length_explosion``: by how much the truncated share must have risen over the first window's; ours."""
    truncated_share: float = Field(default=0.5, gt=0, lt=1)
    """``truncated``: a larger share of the rollouts runs into the token limit; ours."""
    clipped_share: float = Field(default=0.3, gt=0, lt=1)
    """``ratio_outliers``: a larger share of the token ratios is clipped; ours."""
    ratio: float = Field(default=10.0, gt=1)
    """``ratio_outliers``: the largest ratio of the trainer's to the sampler's probability of a token is above this in
    most steps; ours."""

    @model_validator(mode="after")
    def _bounds_apart(self) -> "HealthConfig":
        if self.reward_low >= self.reward_high:
            raise ValueError(
                f"need reward_low < reward_high, got reward_low={self.reward_low}, reward_high={self.reward_high}: "
                "a reward between them is one that can still be learned from"
            )
        return self

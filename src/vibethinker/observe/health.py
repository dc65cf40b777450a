"""Health of a reinforcement learning run: trouble that shows in the numbers of its steps, named, with what to do.

Each kind of trouble is a function of the last few steps and of the first ones. It is told when it begins, not again
while it lasts; its state goes into checkpoints, so that a resumed run warns exactly as one that was never interrupted.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any

from vibethinker.configs.health import HEALTH_NAMES, HealthConfig, HealthName
from vibethinker.observe.formats import counted, decimal

ADVICE: Mapping[HealthName, str] = {
    "not_a_number": "lower learning_rate or max_grad_norm, or compute in float32 (dtype); "
    "checkpoints of earlier steps are good",
    "nothing_judged": "check that the problems' kind and reference answers fit their verifier (vibethinker verify), "
    "and for code that the sandbox works (vibethinker doctor)",
    "reward_stuck_at_0": "give easier prompts or a better starting model, raise max_new_tokens if rollouts are cut "
    "off, and read some: an answer that the verifier cannot find looks the same",
    "reward_stuck_at_1": "end the stage here with fewer steps, or give harder prompts (prefilter leaves out those that "
    "are always right)",
    "no_signal": "leave out prompts that are always or never right (prefilter), take the others by value (sampler "
    "max_entropy), or give easier or harder ones",
    "entropy_collapse": "lower learning_rate, set kl_coefficient or clip_epsilon_high, or end the stage with fewer "
    "steps",
    "length_explosion": "raise max_new_tokens if the reward rises with the length; if not, lower learning_rate or set "
    "kl_coefficient",
    "truncated": "raise max_new_tokens, set mask_truncated, or start from a model that answers more briefly: a rollout "
    "that is cut off counts as wrong",
    "ratio_outliers": "lower learning_rate or updates_per_batch; at one update per batch sampler and trainer disagree: "
    "keep mismatch on, and compute both in the same type",
}
"""What to do about each kind of trouble."""

_WINDOWED = ("reward", "ungradable", "no_signal", "entropy", "length", "truncated", "clip_ratio", "ratio_max")
_MUST_BE_FINITE = ("loss", "grad_norm", "kl", "entropy")
_LARGEST = 1e9
"""What a larger ratio, infinity among them, is kept as: a checkpoint's JSON has no infinity."""


@dataclass(frozen=True)
class Finding:
    """Trouble that began at a step.

    Attributes:
        name: Which.
        step: The step that showed it first.
        message: What the numbers are, in one line.
        advice: What to change in the recipe, in one line.
        stop: Whether the stage is to end here.
    """

    name: HealthName
    step: int
    message: str
    advice: str
    stop: bool


@dataclass
class _Series:
    """One number of the run: its values in the first window of steps that had it, and in the last."""

    size: int
    first: list[float] = field(default_factory=list)
    recent: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        if len(self.first) < self.size:
            self.first.append(value)
        self.recent = [*self.recent, value][-self.size :]

    @property
    def whole(self) -> bool:
        """Whether there is a window's worth of values; the first window is whole then too."""
        return len(self.recent) == self.size


class HealthMonitor:
    """Looks at the numbers of every step and tells what trouble begins with it."""

    def __init__(self, config: HealthConfig) -> None:
        """Begin with a run of which nothing is known."""
        self.config = config
        self._series = {key: _Series(config.window) for key in _WINDOWED}
        # Trouble that was told and is not gone: how many steps have passed without it.
        self._quiet: dict[HealthName, int] = {}

    def check(self, step: int, values: Mapping[str, Any]) -> list[Finding]:
        """Take in what a step showed and return the trouble that begins with it, most serious first.

        Args:
            step: The step, for the findings; called once for each in turn.
            values: The step's numbers as in ``metrics.jsonl``, before what is not finite becomes null there. What is
                missing, None or no number is passed over: windows are of the steps that had the number.
        """
        for key, series in self._series.items():
            value = _number(values.get(key))
            # An average of nothing is no more than a missing one.
            if value is not None and not math.isnan(value):
                series.add(max(-_LARGEST, min(value, _LARGEST)))
        present = {name: message for name in HEALTH_NAMES if (message := _CHECKS[name](self, values))}
        findings = [
            Finding(name, step, message, ADVICE[name], stop=name in self.config.stop_on)
            for name, message in present.items()
            if name not in self._quiet
        ]
        # One better step keeps what is seen only in whole windows away for a window, and is not its end.
        waited = {name: quiet + 1 for name, quiet in self._quiet.items() if quiet < self.config.window}
        self._quiet = waited | dict.fromkeys(present, 0)
        return findings

    def state(self) -> dict[str, Any]:
        """Return what ``restore`` needs, as JSON can write it; floats come back from it exactly."""
        return {
            "series": {
                key: {"first": list(one.first), "recent": list(one.recent)} for key, one in self._series.items()
            },
            "quiet": dict(self._quiet),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state``; one of another window length is cut to this one's.

        Raises:
            ValueError: If it is not such a state.
        """
        try:
            size = self.config.window
            series = {
                key: _Series(size, list(one["first"])[:size], list(one["recent"])[-size:])
                for key, one in state["series"].items()
                if key in _WINDOWED
            }
            quiet = {name: int(state["quiet"][name]) for name in HEALTH_NAMES if name in state["quiet"]}
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f"need a state that state() returned, got one without {error}: start the stage anew"
            ) from None
        self._series |= series
        self._quiet = quiet

    def _not_a_number(self, values: Mapping[str, Any]) -> str | None:
        bad = [
            f"{key} is {value}"
            for key in _MUST_BE_FINITE
            if (value := _number(values.get(key))) is not None and not math.isfinite(value)
        ]
        ratio = _number(values.get("ratio_max"))
        if ratio is not None and math.isnan(ratio):
            bad.append(f"ratio_max is {ratio}")
        return ", ".join(bad) or None

    def _nothing_judged(self, _values: Mapping[str, Any]) -> str | None:
        # Before anything was ever judged the window need not be whole: a verifier that does not fit judges nothing
        # from the start. Later a step may be lost to a machine's trouble.
        ungradable = self._series["ungradable"].recent
        if not ungradable or min(ungradable) < 1:
            return None
        return f"the verifier could judge none of the rollouts of the last {counted(len(ungradable), 'step')}"

    def _reward_stuck_at_0(self, _values: Mapping[str, Any]) -> str | None:
        reward = self._series["reward"]
        if not reward.whole or max(reward.recent) > self.config.reward_low:
            return None
        return f"the mean reward was at most {_short(max(reward.recent))} in each of {self._last}"

    def _reward_stuck_at_1(self, _values: Mapping[str, Any]) -> str | None:
        reward = self._series["reward"]
        if not reward.whole or min(reward.recent) < self.config.reward_high:
            return None
        return f"the mean reward was at least {_short(min(reward.recent))} in each of {self._last}"

    def _no_signal(self, _values: Mapping[str, Any]) -> str | None:
        silent = self._series["no_signal"]
        if not silent.whole or min(silent.recent) <= self.config.no_signal:
            return None
        return f"at least {decimal(min(silent.recent))} of the groups had no signal in each of {self._last}"

    def _entropy_collapse(self, _values: Mapping[str, Any]) -> str | None:
        entropy = self._series["entropy"]
        if not entropy.whole:
            return None
        first, now = fmean(entropy.first), fmean(entropy.recent)
        if now >= self.config.entropy_share * first:
            return None
        share = decimal(now / first, 3)
        return f"entropy is {_short(now)} nats per token over {self._last}, {share} of the {_short(first)} at the start"

    def _length_explosion(self, _values: Mapping[str, Any]) -> str | None:
        length, truncated = self._series["length"], self._series["truncated"]
        if not (length.whole and truncated.whole):
            return None
        first, now = fmean(length.first), fmean(length.recent)
        before, after = fmean(truncated.first), fmean(truncated.recent)
        if now <= self.config.length_factor * first or after - before <= self.config.truncated_rise:
            return None
        return (
            f"rollouts are {now:.0f} tokens long over {self._last}, {first:.0f} at the start, "
            f"and {decimal(after)} of them are truncated, {decimal(before)} at the start"
        )

    def _truncated(self, _values: Mapping[str, Any]) -> str | None:
        truncated = self._series["truncated"]
        if not truncated.whole or fmean(truncated.recent) <= self.config.truncated_share:
            return None
        return f"{decimal(fmean(truncated.recent))} of the rollouts of {self._last} ran into the token limit"

    def _ratio_outliers(self, _values: Mapping[str, Any]) -> str | None:
        clipped, ratio = self._series["clip_ratio"], self._series["ratio_max"]
        said = []
        if clipped.whole and fmean(clipped.recent) > self.config.clipped_share:
            said.append(f"{decimal(fmean(clipped.recent))} of the token ratios were clipped")
        # The largest of a step's ratios is a single token's: the median passes over a step that has one such token.
        if ratio.whole and median(ratio.recent) > self.config.ratio:
            said.append(f"the largest ratio of a token's probabilities was {median(ratio.recent):.3g} (median)")
        return f"{' and '.join(said)} in {self._last}" if said else None

    @property
    def _last(self) -> str:
        return f"the last {self.config.window} steps"


_CHECKS: Mapping[HealthName, Callable[[HealthMonitor, Mapping[str, Any]], str | None]] = {
    "not_a_number": HealthMonitor._not_a_number,
    "nothing_judged": HealthMonitor._nothing_judged,
    "reward_stuck_at_0": HealthMonitor._reward_stuck_at_0,
    "reward_stuck_at_1": HealthMonitor._reward_stuck_at_1,
    "no_signal": HealthMonitor._no_signal,
    "entropy_collapse": HealthMonitor._entropy_collapse,
    "length_explosion": HealthMonitor._length_explosion,
    "truncated": HealthMonitor._truncated,
    "ratio_outliers": HealthMonitor._ratio_outliers,
}
"""What says that a kind of trouble is there, by its message, or None."""


def _number(value: object) -> float | None:
    """Take a number for what it is; None for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _short(value: float) -> str:
    """Write a small number to two digits that matter, without the leading zero.

    >>> _short(0.0042), _short(0.26), _short(1.0), _short(0)
    ('.0042', '.26', '1', '0')
    """
    return f"{value:.2g}".replace("0.", ".", 1) if 0 < value < 1 else f"{value:.3g}"

"""What is believed about each prompt's accuracy: a Beta posterior per prompt, fading, on priors shared by like prompts.

Source: ours; posteriors as in Qu et al. 2025 (MoPPS, arXiv 2507.04632), priors as in empirical Bayes shrinkage. (R, W)
count right and wrong rollouts, those of t steps ago as decay^t since the policy moves on. A key says what makes prompts
alike (source, domain, level).

    m     = (R_all + OVERALL / 2) / (R_all + W_all + OVERALL)               mean accuracy of all prompts
    m_key = (R_key + SHARED * m) / (R_key + W_key + SHARED)                 of the prompts with this key
    a     = strength * m_key + R_prompt,   b = strength * (1 - m_key) + W_prompt
"""

import hashlib
from collections.abc import Hashable, Sequence
from math import isfinite
from typing import Any

from vibethinker.algos.prompt_value import prompt_value

OVERALL = 2.0  # Ours: Beta(1, 1), before any rollout every mean accuracy is as likely as any other.
SHARED = 8.0  # Ours: as much as a usual group of rollouts, so that one prompt does not speak for all of its key.
_Level = dict[int, tuple[float, float, int]]  # place: right, wrong, and the step to which they have faded


class PromptBeliefs:
    """The beliefs about a fixed list of prompts, each known by its place in it, its index.

    Args:
        keys: Each prompt's key, of a ``repr`` that is the same in every run (text, numbers, tuples of them).
        strength: Rollouts that a prompt's prior counts for, above 0; ours: a quarter of a usual group.
        decay: What a step leaves of evidence, in (0, 1]; ours: at 0.98 half is left after 34 steps.

    Raises:
        ValueError: Here if a setting is out of range; from methods if there is no prompt of that index.
    """

    def __init__(self, keys: Sequence[Hashable], *, strength: float = 2.0, decay: float = 0.98) -> None:
        if not (strength > 0 and isfinite(strength) and 0 < decay <= 1):
            raise ValueError(f"need strength > 0 and 0 < decay <= 1, got {strength} and {decay}")
        self.strength, self.decay = strength, decay
        places: dict[Hashable, int] = {}
        self._key_of = [places.setdefault(key, len(places)) for key in keys]
        self._identity = [len(keys), hashlib.sha256("\n".join(map(repr, keys)).encode()).hexdigest()]
        self._levels: list[_Level] = [{}, {}, {}]  # of single prompts, of keys, of all

    def observe(self, index: int, *, right: int, judged: int, step: int) -> None:
        """Count ``right`` of ``judged`` rollouts at a step, 0 <= right <= judged; the unjudged are no evidence."""
        if not 0 <= right <= judged:
            raise ValueError(f"need 0 <= right <= judged, got right={right}, judged={judged}")
        for level, place in zip(self._levels, (index, self._key(index), 0), strict=True):
            if judged:
                # To the later of both steps, so that an observation that comes late counts as what it is: old.
                now = max(step, level[place][2]) if place in level else step
                (r, w), kept = self._faded(level, place, now), self.decay ** (now - step)
                level[place] = (r + kept * right, w + kept * (judged - right), now)

    def posterior(self, index: int, *, step: int) -> tuple[float, float]:
        """Return (a, b) of the Beta belief about a prompt's accuracy."""
        return self._posteriors([index], step)[0]

    def accuracies(self, *, step: int) -> list[float]:
        """Return every prompt's expected accuracy, in [0, 1]."""
        return [a / (a + b) for a, b in self._posteriors(range(len(self._key_of)), step)]

    def values(self, *, step: int, group_size: int, lam: float) -> list[float]:
        """Return every prompt's expected value, as ``prompt_value`` has it."""
        beliefs = self._posteriors(range(len(self._key_of)), step)
        # Prompts that were never tried share their key's prior to the bit: each belief is valued once.
        value_of = {belief: prompt_value(*belief, group_size=group_size, lam=lam) for belief in set(beliefs)}
        return [value_of[belief] for belief in beliefs]

    def state(self) -> dict[str, Any]:
        """Return the evidence, exactly, as JSON can hold it; strength and decay are settings and not in it."""
        rows = [[[place, *counts] for place, counts in level.items()] for level in self._levels]
        return {"prompts": [*self._identity], "levels": rows}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a state's evidence; ValueError if it is of other prompts: their number, keys or order differ."""
        if list(state["prompts"]) != self._identity:
            raise ValueError(f"beliefs about other prompts ({state['prompts'][0]}): resume with those or begin anew")
        self._levels = [{place: (right, wrong, step) for place, right, wrong, step in rows} for rows in state["levels"]]

    def _key(self, index: int) -> int:
        if not 0 <= index < len(self._key_of):
            raise ValueError(f"need a prompt index of 0 to {len(self._key_of) - 1}, got {index}")
        return self._key_of[index]

    def _faded(self, level: _Level, place: int, step: int) -> tuple[float, float]:
        right, wrong, then = level.get(place, (0.0, 0.0, step))
        kept = self.decay ** max(0, step - then)
        return right * kept, wrong * kept

    def _posteriors(self, indices: Sequence[int], step: int) -> list[tuple[float, float]]:
        prompts, keys, everything = self._levels
        right, wrong = self._faded(everything, 0, step)
        mean = (right + OVERALL / 2) / (right + wrong + OVERALL)
        shared = [self._faded(keys, place, step) for place in range(max(self._key_of, default=-1) + 1)]
        means = [(right + SHARED * mean) / (right + wrong + SHARED) for right, wrong in shared]
        priors = [(self.strength * mean, self.strength * (1 - mean)) for mean in means]
        terms = [(priors[self._key(index)], self._faded(prompts, index, step)) for index in indices]
        return [(a + right, b + wrong) for (a, b), (right, wrong) in terms]

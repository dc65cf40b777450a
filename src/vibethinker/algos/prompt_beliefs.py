"""What is believed about each prompt's accuracy: a Beta posterior per prompt, fading, on priors shared by like prompts.

Source: ours; posteriors as in Qu et al. 2025 (MoPPS, arXiv 2507.04632), priors as in empirical Bayes shrinkage. (R, W)
count right and wrong rollouts, those of t steps ago as decay^t since the policy moves on. A path says what makes
prompts alike, from the general to the particular, as (domain, source, level); its empty beginning is all prompts'.

    m_()        = (R_all + OVERALL / 2) / (R_all + W_all + OVERALL)
    m_(path, x) = (R_(path, x) + SHARED * m_path) / (R_(path, x) + W_(path, x) + SHARED)
    a           = strength * m_path + R_prompt,   b = strength * (1 - m_path) + W_prompt
"""

import hashlib
from collections.abc import Hashable, Sequence
from math import isfinite
from typing import Any

from vibethinker.algos.prompt_value import prompt_value

OVERALL = 2.0  # Ours: Beta(1, 1), before any rollout every mean accuracy is as likely as any other.
SHARED = 8.0  # Ours: as much as a usual group of rollouts, so that one prompt does not speak for all like it.
_Evidence = dict[int, tuple[float, float, int]]  # place: right, wrong, and the step to which they have faded


class PromptBeliefs:
    """The beliefs about a fixed list of prompts, each known by its place in it, its index.

    Args:
        paths: Each prompt's path, its parts of a ``repr`` that is the same in every run (text, numbers).
        strength: Rollouts that a prompt's prior counts for, above 0; ours: a quarter of a usual group.
        decay: What a step leaves of evidence, in (0, 1]; ours: at 0.98 half is left after 34 steps.

    Raises:
        ValueError: Here if a setting is out of range; from methods if there is no prompt of that index.
    """

    def __init__(self, paths: Sequence[tuple[Hashable, ...]], *, strength: float = 2.0, decay: float = 0.98) -> None:
        if not (strength > 0 and isfinite(strength) and 0 < decay <= 1):
            raise ValueError(f"need strength > 0 and 0 < decay <= 1, got {strength} and {decay}")
        self.strength, self.decay = strength, decay
        # Every beginning of a path has a place, after that of the beginning one shorter.
        places: dict[tuple[Hashable, ...], int] = {(): 0}
        for path in dict.fromkeys(paths):
            for end in range(1, len(path) + 1):
                places.setdefault(path[:end], len(places))
        self._parents = [places[path[:-1]] for path in places]
        self._place_of = [places[path] for path in paths]
        self._identity = [len(paths), hashlib.sha256("\n".join(map(repr, paths)).encode()).hexdigest()]
        self._prompts: _Evidence = {}
        self._shared: _Evidence = {}

    def observe(self, index: int, *, right: int, judged: int, step: int) -> None:
        """Count ``right`` of ``judged`` rollouts at a step, 0 <= right <= judged; the unjudged are no evidence."""
        if not 0 <= right <= judged:
            raise ValueError(f"need 0 <= right <= judged, got right={right}, judged={judged}")
        place = self._place(index)
        if not judged:
            return
        self._add(self._prompts, index, right, judged - right, step)
        self._add(self._shared, place, right, judged - right, step)
        while place:
            place = self._parents[place]
            self._add(self._shared, place, right, judged - right, step)

    def posterior(self, index: int, *, step: int) -> tuple[float, float]:
        """Return (a, b) of the Beta belief about a prompt's accuracy."""
        return self._posteriors([index], step)[0]

    def accuracies(self, *, step: int) -> list[float]:
        """Return every prompt's expected accuracy, in [0, 1]."""
        return [a / (a + b) for a, b in self._posteriors(range(len(self._place_of)), step)]

    def values(self, *, step: int, group_size: int, lam: float) -> list[float]:
        """Return every prompt's expected value, as ``prompt_value`` has it."""
        beliefs = self._posteriors(range(len(self._place_of)), step)
        # Prompts of one path that were never tried share its prior to the bit: each belief is valued once.
        value_of = {belief: prompt_value(*belief, group_size=group_size, lam=lam) for belief in set(beliefs)}
        return [value_of[belief] for belief in beliefs]

    def state(self) -> dict[str, Any]:
        """Return the evidence, exactly, as JSON can hold it; strength and decay are settings and not in it."""
        rows = [[[place, *counts] for place, counts in kept.items()] for kept in (self._prompts, self._shared)]
        return {"of": [*self._identity], "evidence": rows}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a state's evidence; ValueError if it is of other prompts: their number, paths or order differ."""
        if list(state["of"]) != self._identity:
            raise ValueError(f"beliefs about other prompts ({state['of'][0]}): resume with those or begin anew")
        self._prompts, self._shared = (
            {place: (right, wrong, step) for place, right, wrong, step in rows} for rows in state["evidence"]
        )

    def _place(self, index: int) -> int:
        if not 0 <= index < len(self._place_of):
            raise ValueError(f"need a prompt index of 0 to {len(self._place_of) - 1}, got {index}")
        return self._place_of[index]

    def _add(self, evidence: _Evidence, place: int, right: int, wrong: int, step: int) -> None:
        # To the later of both steps, so that an observation that comes late counts as what it is: old.
        now = max(step, evidence[place][2]) if place in evidence else step
        (r, w), kept = self._faded(evidence, place, now), self.decay ** (now - step)
        evidence[place] = (r + kept * right, w + kept * wrong, now)

    def _faded(self, evidence: _Evidence, place: int, step: int) -> tuple[float, float]:
        right, wrong, then = evidence.get(place, (0.0, 0.0, step))
        kept = self.decay ** max(0, step - then)
        return right * kept, wrong * kept

    def _posteriors(self, indices: Sequence[int], step: int) -> list[tuple[float, float]]:
        means: list[float] = []
        for place, parent in enumerate(self._parents):
            right, wrong = self._faded(self._shared, place, step)
            above, weight = (means[parent], SHARED) if place else (0.5, OVERALL)
            means.append((right + weight * above) / (right + wrong + weight))
        priors = [(self.strength * mean, self.strength * (1 - mean)) for mean in means]
        terms = [(priors[self._place(index)], self._faded(self._prompts, index, step)) for index in indices]
        return [(a + right, b + wrong) for (a, b), (right, wrong) in terms]

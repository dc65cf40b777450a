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
        # A tree: every beginning of a path after the one a part shorter, then the prompts.
        places: dict[tuple[Hashable, ...], int] = {(): 0}
        for path in dict.fromkeys(paths):
            for end in range(1, len(path) + 1):
                places.setdefault(path[:end], len(places))
        self._shared = len(places)
        self._parents = [places[path[:-1]] for path in places] + [places[path] for path in paths]
        self._identity: list[Any] = [len(paths), hashlib.sha256("\n".join(map(repr, paths)).encode()).hexdigest()]
        self._evidence: dict[int, tuple[float, float, int]] = {}  # right, wrong, and the step to which they have faded

    def observe(self, index: int, *, right: int, judged: int, step: int) -> None:
        """Count ``right`` of ``judged`` rollouts at a step, 0 <= right <= judged; the unjudged are no evidence."""
        if not 0 <= right <= judged:
            raise ValueError(f"need 0 <= right <= judged, got right={right}, judged={judged}")
        node = self._node(index)
        while judged:
            # To the later of both steps, so that an observation that comes late counts as what it is: old.
            now = max(step, self._evidence.get(node, (0.0, 0.0, step))[2])
            (r, w), kept = self._faded(node, now), self.decay ** (now - step)
            self._evidence[node] = (r + kept * right, w + kept * (judged - right), now)
            if node == 0:
                break
            node = self._parents[node]

    def posterior(self, index: int, *, step: int) -> tuple[float, float]:
        """Return (a, b) of the Beta belief about a prompt's accuracy."""
        return self._posteriors([self._node(index)], step)[0]

    def accuracies(self, *, step: int) -> list[float]:
        """Return every prompt's expected accuracy, in [0, 1]."""
        return [a / (a + b) for a, b in self._posteriors(range(self._shared, len(self._parents)), step)]

    def values(self, *, step: int, group_size: int, lam: float) -> list[float]:
        """Return every prompt's expected value, as ``prompt_value`` has it."""
        beliefs = self._posteriors(range(self._shared, len(self._parents)), step)
        # Prompts of one path that were never tried share its prior to the bit: each belief is valued once.
        value_of = {belief: prompt_value(*belief, group_size=group_size, lam=lam) for belief in set(beliefs)}
        return [value_of[belief] for belief in beliefs]

    def state(self) -> dict[str, Any]:
        """Return the evidence, exactly, as JSON can hold it; strength and decay are settings and not in it."""
        return {"of": [*self._identity], "evidence": [[node, *counts] for node, counts in self._evidence.items()]}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a state's evidence; ValueError if it is of other prompts: their number, paths or order differ."""
        if list(state["of"]) != self._identity:
            raise ValueError(f"beliefs about other prompts ({state['of'][0]}): resume with those or begin anew")
        self._evidence = {node: (right, wrong, step) for node, right, wrong, step in state["evidence"]}

    def _node(self, index: int) -> int:
        if not 0 <= index < self._identity[0]:
            raise ValueError(f"need a prompt index of 0 to {self._identity[0] - 1}, got {index}")
        return self._shared + index

    def _faded(self, node: int, step: int) -> tuple[float, float]:
        right, wrong, then = self._evidence.get(node, (0.0, 0.0, step))
        kept = self.decay ** max(0, step - then)
        return right * kept, wrong * kept

    def _posteriors(self, nodes: Sequence[int], step: int) -> list[tuple[float, float]]:
        means: list[float] = []
        for node in range(self._shared):
            right, wrong = self._faded(node, step)
            above, weight = (means[self._parents[node]], SHARED) if node else (0.5, OVERALL)
            means.append((right + weight * above) / (right + wrong + weight))
        priors = [(self.strength * mean, self.strength * (1 - mean)) for mean in means]
        terms = [(priors[self._parents[node]], self._faded(node, step)) for node in nodes]
        return [(a + right, b + wrong) for (a, b), (right, wrong) in terms]

"""Probing checkpoints in rounds: every checkpoint's samples of every problem, or only those that decide.

Ours. Under the adaptive budget a domain's problems come in a random order that the seed decides, a share of them in
each round. A checkpoint draws for a problem until a look finds enough right ones (``algos.curtailed``), and leaves
a domain after a round in which it has fallen too far behind (``algos.race``). What is drawn next follows from what was
drawn, the configuration and the seed alone, and every look is kept in a file: a probe that was killed goes on to the
same result.
"""

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from random import Random
from typing import Literal

from vibethinker.algos.race import Lead, Values, behind, common_values, ranked, worse_part
from vibethinker.algos.seeds import derive_seed
from vibethinker.configs.probe import AdaptiveBudget, ProbingConfig
from vibethinker.data.probe_cells import DrawingPlan, counts_at_looks, values_by_problem
from vibethinker.data.stage_files import SAMPLES_FILE
from vibethinker.data.tables import write_table
from vibethinker.engines.scoring import SAMPLE_SCHEMA, ModelScorer, Row, read_samples
from vibethinker.interfaces import Judge, StageContext
from vibethinker.records import Problem


@dataclass(frozen=True)
class Dropped:
    """When a checkpoint left a domain's race, why, and how far behind whom it was."""

    round: int
    rule: Literal["bound", "rank"]
    lead: Lead


@dataclass(frozen=True)
class Probed:
    """What was drawn.

    Attributes:
        rows: Rows of ``SAMPLE_SCHEMA`` by checkpoint.
        dropped: Who left which race, by (checkpoint, domain).
    """

    rows: Mapping[str, Sequence[Row]]
    dropped: Mapping[tuple[str, str], Dropped]


def probe_checkpoints(
    references: Mapping[str, str],
    problems: Sequence[Problem],
    config: ProbingConfig,
    *,
    seed: int,
    judge: Judge,
    context: StageContext,
) -> Probed:
    """Draw and judge what the budget asks for; all rows are written to ``samples.parquet``.

    Where that is there already, what came after the drawing was stopped: its rows are taken.

    Args:
        references: References to the checkpoints, by name.
        problems: With different ids; their domains are raced in apart.
        config: Budget and sampling.
        seed: Decides order and draws.
        judge: The verifiers.
        context: Where to write, and how to compute. Progress counts responses, spared ones as soon as that is known.

    Raises:
        Interrupted: When the user asked to stop; whole batches are kept.
    """
    return _Race(references, problems, config, seed=seed, judge=judge, context=context).run()


class _Race:
    """The state of a probe: who has drawn what and who is still in which race."""

    def __init__(
        self,
        references: Mapping[str, str],
        problems: Sequence[Problem],
        config: ProbingConfig,
        *,
        seed: int,
        judge: Judge,
        context: StageContext,
    ) -> None:
        self.references = references
        self.config = config
        self.plan = DrawingPlan.of(config)
        self.seed = seed
        self.judge = judge
        self.context = context
        self.folder = context.folder / "samples"
        self.rows: dict[str, list[Row]] = {name: [] for name in references}
        self.dropped: dict[tuple[str, str], Dropped] = {}
        self.sizes = Counter(problem.domain for problem in problems)
        self.rounds = self._divided(problems)
        file = context.folder / SAMPLES_FILE
        self.kept = read_samples(file, references) if file.is_file() else {}

    def run(self) -> Probed:
        self.context.progress.start(len(self.references) * self.sizes.total() * self.plan.looks[-1], unit="responses")
        for number, new in enumerate(self.rounds, start=1):
            for place, name in enumerate(self.references):
                asked = [problem for problem in new if (name, problem.domain) not in self.dropped]
                if asked:
                    self.rows[name] += self._draw(name, asked, f"{number:02d}-{place:03d}")
            if number < len(self.rounds):
                self._drop(number)
        every = [row for rows in self.rows.values() for row in rows]
        write_table(self.context.folder / SAMPLES_FILE, every, SAMPLE_SCHEMA)
        shutil.rmtree(self.folder, ignore_errors=True)
        return Probed(self.rows, self.dropped)

    def _divided(self, problems: Sequence[Problem]) -> list[list[Problem]]:
        """Return the problems that are new in each round: a random share of every domain's, in the order given."""
        if not isinstance(self.config.budget, AdaptiveBudget):
            return [list(problems)]
        shares = self.config.budget.rounds
        round_of: dict[str, int] = {}
        for domain, size in self.sizes.items():
            ids = [problem.id for problem in problems if problem.domain == domain]
            Random(derive_seed(self.seed, "order", domain)).shuffle(ids)  # noqa: S311 - not for cryptography
            ends = [ceil(share * size) for share in shares]
            for place, problem_id in enumerate(ids):
                round_of[problem_id] = next(number for number, end in enumerate(ends) if place < end)
        return [[problem for problem in problems if round_of[problem.id] == number] for number in range(len(shares))]

    def _draw(self, name: str, problems: Sequence[Problem], label: str) -> list[Row]:
        """Take a checkpoint's looks at some problems, while it is loaded."""
        ids = {problem.id for problem in problems}
        rows: list[Row] = [row for row in self.kept.get(name, ()) if row["problem_id"] in ids]
        if {row["problem_id"] for row in rows} == ids:
            self.context.progress.advance(len(problems) * self.plan.looks[-1])
            return rows
        rows = []
        drawn = 0
        with ModelScorer(
            name, self.references[name], sampling=self.config, judge=self.judge, context=self.context
        ) as scorer:
            for look in self.plan.looks:
                kept_in = self.folder / f"{label}-{look:04d}.parquet"
                rows += scorer.score(problems, samples=look - drawn, seed=self.seed, kept_in=kept_in, first_draw=drawn)
                drawn = look
                counts = counts_at_looks(rows, self.plan)
                going_on = [problem for problem in problems if counts[problem.id][-1][1] < self.plan.enough]
                spared = (len(problems) - len(going_on)) * (self.plan.looks[-1] - look)
                problems = going_on
                if spared:
                    self.context.progress.advance(spared)
                if not problems:
                    break
        return rows

    def _drop(self, number: int) -> None:
        """Take out of every domain's race those that will not win it."""
        budget, rule = self.config.budget, self.config.choose_by
        # What has the lowest loss is known without a sample.
        if not isinstance(budget, AdaptiveBudget) or rule == "loss":
            return
        left = Counter(problem.domain for new in self.rounds[number:] for problem in new)
        error = budget.error / (len(self.rounds) - 1)
        for domain, size in self.sizes.items():
            # Of a small domain nothing may be left to draw: leaving its race would spare nothing.
            if not left[domain]:
                continue
            racing = [name for name in self.references if (name, domain) not in self.dropped]
            values, ties = self._compared(racing, domain)
            for name, lead in behind(values, population=size, error=error, ties=ties).items():
                self.dropped[name, domain] = Dropped(number, "bound", lead)
            left_over = {name: own for name, own in values.items() if (name, domain) not in self.dropped}
            for name in worse_part(left_over, keep=budget.keep, ties=ties):
                self.dropped[name, domain] = Dropped(number, "rank", _lead(values, name, ties))
            out = sum((name, domain) in self.dropped for name in racing)
            if out:
                self.context.progress.advance(out * left[domain] * self.plan.looks[-1])

    def _compared(self, names: Sequence[str], domain: str) -> tuple[Values, Values]:
        """Return the values that choose the specialist, and those that decide between equals, of the same problems."""
        rows = {name: [row for row in self.rows[name] if row["domain"] == domain] for name in names}
        first, second = (1, self.plan.k) if self.config.choose_by == "pass@1" else (self.plan.k, 1)
        values = common_values({name: values_by_problem(own, self.plan, k=first) for name, own in rows.items()})
        others = {name: values_by_problem(own, self.plan, k=second) for name, own in rows.items()}
        ties = common_values(others)
        return values, {name: {key: own[key] for key in own if key in values[name]} for name, own in ties.items()}


def _lead(values: Values, name: str, ties: Values) -> Lead:
    leader = ranked(values, ties)[0]
    by = sum(values[leader][problem] - value for problem, value in values[name].items()) / len(values[name])
    return Lead(leader, by, 0.0)

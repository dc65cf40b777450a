"""Domain-aware diversity probing: Pass@K of every checkpoint in every domain, and a specialist for each domain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from vibethinker.algos.bootstrap import bootstrap_interval
from vibethinker.algos.race import Values, common_values
from vibethinker.algos.scores import ALL
from vibethinker.algos.seeds import derive_seed
from vibethinker.algos.specialists import ProbedCheckpoint, choose_specialist, share_of_wins
from vibethinker.configs.probe import AdaptiveBudget, ProbeConfig, ProbingConfig
from vibethinker.data.probe_cells import DrawingPlan, probe_cell, values_by_problem
from vibethinker.data.probing_sets import probing_problems
from vibethinker.data.stage_files import PROBE_FILE
from vibethinker.engines.probing import Probed, probe_checkpoints
from vibethinker.engines.run_models import CHECKPOINTS_FILE, run_directory
from vibethinker.errors import InputError
from vibethinker.files import read_json, write_json
from vibethinker.interfaces import StageContext
from vibethinker.records import Problem
from vibethinker.verify import judge_responses

_MUCH_LEFT_OUT = 0.1
"""Share of a cell's problems that may be left out without a warning; ours."""


@dataclass(frozen=True)
class Candidate:
    """A checkpoint to be probed.

    Attributes:
        name: What it is called.
        reference: Where it is loaded from.
        path: What stands for it in ``probe.json``.
        run: The training run it is of; empty where that is not known.
        step: Its step there.
        loss: Its training loss.
    """

    name: str
    reference: str
    path: str
    run: str = ""
    step: int | None = None
    loss: float | None = None


def run(config: ProbeConfig, context: StageContext) -> dict[str, Any]:
    """Write ``probe.json`` and every response to ``samples.parquet``."""
    sft = context.inputs[config.checkpoints]
    root = run_directory(context, config.checkpoints)
    candidates = [
        Candidate(
            name=row["name"],
            reference=str(sft / row["path"]),
            path=str((sft / row["path"]).relative_to(root)),
            run=row["run"],
            step=row["step"],
            loss=row["loss"],
        )
        for row in read_json(sft / CHECKPOINTS_FILE)["checkpoints"]
    ]
    problems = probing_problems(context.inputs[config.data], per_domain=config.problems_per_domain)
    return probe(config, candidates, problems, context, seed=derive_seed(context.seed, config.id))


def probe(
    config: ProbingConfig,
    candidates: Sequence[Candidate],
    problems: Sequence[Problem],
    context: StageContext,
    *,
    seed: int,
) -> dict[str, Any]:
    """Probe candidates of different names on problems of different ids; write and return the content of ``probe.json``.

    Raises:
        InputError: If nothing in a domain could be judged.
        Interrupted: When the user asked to stop; the same call in the same folder goes on.
    """
    references = {candidate.name: candidate.reference for candidate in candidates}
    probed = probe_checkpoints(references, problems, config, seed=seed, judge=judge_responses, context=context)
    table = _Table(config, candidates, probed, sorted({problem.domain for problem in problems}), seed)
    specialists = {domain: table.specialist(domain) for domain in table.domains}
    best = table.best(specialists)
    drawn = sum(map(len, probed.rows.values()))
    grid = len(candidates) * len(problems) * config.samples
    cells = table.cells()
    _warn(config, cells, specialists, context)
    found = {
        "k": config.k,
        "samples": config.samples,
        "problems": {domain: sum(problem.domain == domain for problem in problems) for domain in table.domains},
        "domains": table.domains,
        "cells": cells,
        "specialists": specialists,
        "best": best,
        "best_path": table.candidates[best].path,
        "choose_by": config.choose_by,
        "budget": {
            **config.budget.model_dump(mode="json"),
            "drawn": drawn,
            "full_grid": grid,
            "share": drawn / grid,
        },
        "diversity_draws": table.drawing.diversity_draws,
    }
    write_json(context.folder / PROBE_FILE, found)
    return found


class _Table:
    """What was drawn, read as figures by checkpoint and domain."""

    def __init__(
        self, config: ProbingConfig, candidates: Sequence[Candidate], probed: Probed, domains: list[str], seed: int
    ) -> None:
        self.config = config
        self.candidates = {candidate.name: candidate for candidate in candidates}
        self.probed = probed
        self.domains = domains
        self.seed = seed
        self.drawing = DrawingPlan.of(config)
        self.rows = {
            (name, domain): [row for row in probed.rows[name] if row["domain"] == domain]
            for name in self.candidates
            for domain in domains
        }

    def cells(self) -> list[dict[str, Any]]:
        """Return the figures of every checkpoint in every domain."""
        return [self._cell(name, domain) for name in self.candidates for domain in self.domains]

    def specialist(self, domain: str) -> dict[str, Any]:
        """Return a domain's choice, with how sure it is.

        Those still in the race are compared on the problems that could be judged for all of them. Who left it is a
        runner-up only where nobody else is left, on the problems that could be judged for everybody.

        Raises:
            InputError: If nothing there could be judged.
        """
        out = [name for name in self.candidates if (name, domain) in self.probed.dropped]
        values = {name: values_by_problem(rows, self.drawing, k=self.config.k) for name, rows in self._of(domain)}
        racing = comparable({name: own for name, own in values.items() if name not in out})
        compared = {**comparable(values), **racing}
        figures = [
            self._figures(name, {domain: [row for row in rows if row["problem_id"] in compared.get(name, ())]})
            for name, rows in self._of(domain)
        ]
        choice = choose_specialist(self._judged(figures, domain), domain, by=self.config.choose_by, out=out)
        margin, interval = self._margin(domain, choice.name, choice.runner_up, compared)
        return {
            "checkpoint": choice.name,
            "path": self.candidates[choice.name].path,
            f"pass@{self.config.k}": choice.pass_at_k,
            "runner_up": choice.runner_up,
            "margin": margin,
            "margin_interval": interval,
            "wins": self._wins(domain, choice.name, racing),
            "lowest_loss": choice.lowest_loss,
            "best_pass@1": choice.best_pass_at_1,
        }

    def best(self, specialists: Mapping[str, Mapping[str, Any]]) -> str:
        """Return the specialist of the greatest Pass@K over all problems that the specialists have in common."""
        chosen = [name for name in self.candidates if name in {row["checkpoint"] for row in specialists.values()}]
        shared = comparable(
            {name: values_by_problem(self.probed.rows[name], self.drawing, k=self.config.k) for name in chosen}
        )
        rows = {
            name: [row for row in self.probed.rows[name] if row["problem_id"] in shared.get(name, ())]
            for name in chosen
        }
        figures = [self._figures(name, {ALL: rows[name]}) for name in chosen]
        return choose_specialist(self._judged(figures, ALL), ALL).name

    def _of(self, domain: str) -> list[tuple[str, Sequence[Mapping[str, Any]]]]:
        return [(name, self.rows[name, domain]) for name in self.candidates]

    def _cell(self, name: str, domain: str) -> dict[str, Any]:
        candidate = self.candidates[name]
        seed = derive_seed(self.seed, "interval", name, domain)
        left = self.probed.dropped.get((name, domain))
        lead = {"by": left.rule, "behind": left.lead.leader, "lead": left.lead.by} if left is not None else None
        return {
            "checkpoint": name,
            "run": candidate.run,
            "step": candidate.step,
            "domain": domain,
            **probe_cell(self.rows[name, domain], self.drawing, resamples=self.config.bootstrap, seed=seed),
            "dropped": left.round if left is not None else None,
            "dropped_for": lead,
        }

    def _figures(self, name: str, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> ProbedCheckpoint:
        ones, ks = ({key: self._mean(own, k) for key, own in rows.items()} for k in (1, self.config.k))
        candidate = self.candidates[name]
        # Runs per domain are named by their domains; any other run's name is no domain's.
        return ProbedCheckpoint(name, candidate.loss, ones, ks, trained_on=candidate.run)

    def _mean(self, rows: Sequence[Mapping[str, Any]], k: int) -> float | None:
        values = values_by_problem(rows, self.drawing, k=k)
        return fmean(values.values()) if values else None

    def _judged(self, figures: Sequence[ProbedCheckpoint], domain: str) -> Sequence[ProbedCheckpoint]:
        if all(each.pass_at_k[domain] is None for each in figures):
            raise InputError(
                f"none of the problems of {domain} has k={self.config.k} responses that could be judged: check their "
                f"kind and reference answers (vibethinker verify), for code the sandbox too (vibethinker doctor)"
            )
        return figures

    def _margin(
        self, domain: str, name: str, runner_up: str | None, values: Values
    ) -> tuple[float | None, list[float] | None]:
        """Return the choice's lead over the runner-up in Pass@K and its interval, over the problems that both have."""
        if runner_up is None:
            return None, None
        pair = common_values({name: values[name], runner_up: values[runner_up]})
        leads = [mine - pair[runner_up][problem] for problem, mine in pair[name].items()]
        if not leads:
            return None, None
        seed = derive_seed(self.seed, "margin", domain)
        return fmean(leads), list(bootstrap_interval(leads, resamples=self.config.bootstrap, seed=seed))

    def _wins(self, domain: str, name: str, racing: Values) -> float | None:
        """Return how often the choice is the best of those in the race; None where they share no problem."""
        shared = {other: list(own.values()) for other, own in common_values(racing).items()}
        if not shared.get(name):
            return None
        seed = derive_seed(self.seed, "margin", domain)
        return share_of_wins(shared, name, resamples=self.config.bootstrap, seed=seed)


def comparable(values: Values) -> Values:
    """Return the values of the problems that all who have any share; where they share none, each one's own.

    >>> comparable({"a": {"p": 1.0, "q": 0.5}, "b": {"q": 0.0}, "c": {}})
    {'a': {'q': 0.5}, 'b': {'q': 0.0}}
    """
    known = {name: own for name, own in values.items() if own}
    shared = common_values(known)
    return shared if any(shared.values()) else known


def _warn(
    config: ProbingConfig,
    cells: Sequence[Mapping[str, Any]],
    specialists: Mapping[str, Mapping[str, Any]],
    context: StageContext,
) -> None:
    """Say where figures rest on too few of the problems."""
    much = [cell for cell in cells if cell["left_out"] > _MUCH_LEFT_OUT * cell["problems"]]
    if much:
        most = max(much, key=lambda cell: cell["left_out"] / cell["problems"])
        high = ", and the adaptive budget overrates such cells" if isinstance(config.budget, AdaptiveBudget) else ""
        context.progress.warn(
            f"{len(much)} of {len(cells)} cells leave out more than a tenth of their problems, too few of whose "
            f"responses could be judged (most in {most['checkpoint']}, {most['domain']}: {most['left_out']} of "
            f"{most['problems']}){high}"
        )
    for domain, row in specialists.items():
        if row["wins"] is None:
            context.progress.warn(
                f"{domain}: no problem could be judged for all checkpoints, so that their Pass@K are of different ones"
            )

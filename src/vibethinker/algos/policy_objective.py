"""The policy loss of the Signal phase in plain numbers, term by term: what the trainers are checked against.

Source: VibeThinker-1.5B (arXiv 2511.06221), section 3.4; clip with two bounds and the token average: Yu et al. 2025
(DAPO), arXiv 2503.14476, sections 3.1 and 3.3; k3: Schulman 2020, "Approximating KL Divergence"; truncated importance
sampling: Yao et al. 2025, "Your Efficient RL Framework Secretly Brings You Off-Policy RL Training".

    term_it = -c_it * min(rho_it A_i, clip(rho_it, 1 - low, 1 + high) A_i) + beta * k3_it
    rho     = exp(log pi - log pi_old)                      the policy against itself when it sampled
    c       = min(exp(log pi_old - log pi_sampler), cap)    the trainer's numbers against the inference engine's
    k3      = exp(d) - d - 1,   d = log pi_ref - log pi     estimates KL(pi || pi_ref)

A is the advantage times MGPO's weight; the temperature divides the logits before log pi. Only rho and k3 carry a
gradient. As in TRL's GRPOTrainer, c leaves the KL term alone; rho * k3 there (DeepSeek-V3.2, arXiv 2512.02556, section
3.1) has the gradient of KL(pi || pi_ref) itself, and is that trainer's default.
"""

from collections.abc import Sequence
from math import exp, expm1, inf, isfinite, log
from typing import Literal

Table = Sequence[Sequence[float]]


def clipped_term(ratio: float, advantage: float, *, low: float, high: float) -> float:
    """Return min(ratio * A, clip(ratio, 1 - low, 1 + high) * A): no gain from a ratio beyond the bound on A's side.

    Raises:
        ValueError: If ``low`` or ``high`` is not above 0 and finite, or ``ratio`` is negative.
    """
    if not (low > 0 and high > 0 and isfinite(low + high) and ratio >= 0):
        raise ValueError(f"need finite low > 0, high > 0 and ratio >= 0, got {low}, {high} and {ratio}")
    return min(ratio * advantage, min(max(ratio, 1 - low), 1 + high) * advantage)


def k3(log_policy: float, log_reference: float) -> float:
    """Return exp(d) - d - 1 with d = log_reference - log_policy, finite: at least 0, and 0 where both agree."""
    difference = log_reference - log_policy
    if not isfinite(difference):
        raise ValueError(f"log-probabilities must be finite, got {log_policy} and {log_reference}")
    return max(0.0, expm1(difference) - difference)


def truncated_importance(log_trainer: float, log_sampler: float, *, cap: float) -> float:
    """Return min(exp(log_trainer - log_sampler), cap), in [0, ``cap``]; 1 where both engines agree.

    Raises:
        ValueError: If ``cap`` is below 1, which would scale down tokens that need no correction.
    """
    if not cap >= 1:
        raise ValueError(f"cap must be at least 1, got {cap}: infinity never cuts")
    # Compared as logarithms, so that no difference is too great for exp.
    return cap if log_trainer - log_sampler >= log(cap) else exp(log_trainer - log_sampler)


def response_average(terms_G_T: Table) -> float:
    """Return the mean over each response's tokens, then over responses; one without tokens adds 0 and is counted."""
    if not terms_G_T:
        raise ValueError("need at least one response, got none")
    return sum(sum(terms) / max(len(terms), 1) for terms in terms_G_T) / len(terms_G_T)


def token_average(terms_G_T: Table) -> float:
    """Return the mean over all tokens of all responses, each token alike; 0 when there is none."""
    return sum(map(sum, terms_G_T)) / max(sum(map(len, terms_G_T)), 1)


def policy_loss(
    advantages_N: Sequence[float],
    log_policy_N_T: Table,
    log_old_N_T: Table,
    *,
    low: float,
    high: float,
    averaging: Literal["response", "token"] = "response",
    masked_N: Sequence[bool] | None = None,
    log_sampler_N_T: Table | None = None,
    cap: float = inf,
    log_reference_N_T: Table | None = None,
    kl_coefficient: float = 0.0,
    kl_times_ratio: bool = False,
) -> float:
    """Return the loss of a batch of N responses, to be minimised.

    Tables hold log-probabilities of the sampled tokens, in nats, one row per response. A masked response (truncated,
    say) counts as if it had no tokens. ValueError if shapes differ, a setting is out of range, or nothing is given.
    """
    if averaging not in ("response", "token"):
        raise ValueError(f"averaging must be 'response' or 'token', got {averaging!r}")
    if not 0 <= kl_coefficient < inf or (kl_coefficient and log_reference_N_T is None):
        raise ValueError(f"need KL coefficient >= 0, and a reference above 0, got {kl_coefficient}")
    masked_N = masked_N or [False] * len(advantages_N)
    tables = (log_policy_N_T, log_old_N_T, log_sampler_N_T or log_old_N_T, log_reference_N_T or log_policy_N_T)
    terms_N_T: list[list[float]] = []
    for advantage, masked, *rows in zip(advantages_N, masked_N, *tables, strict=True):
        terms_N_T.append([])
        for policy, old, sampler, reference in zip(*rows, strict=True) if not masked else ():
            ratio, correction = exp(policy - old), truncated_importance(old, sampler, cap=cap)
            penalty = kl_coefficient * k3(policy, reference) * (ratio if kl_times_ratio else 1.0)
            terms_N_T[-1].append(penalty - correction * clipped_term(ratio, advantage, low=low, high=high))
    return response_average(terms_N_T) if averaging == "response" else token_average(terms_N_T)

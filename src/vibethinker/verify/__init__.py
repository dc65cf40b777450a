"""From a response to a verdict: the final answer is found, read exactly and compared; no text is ever evaluated."""

from vibethinker.verify.rewards import math_reward
from vibethinker.verify.verifier import (
    KINDS,
    MathVerifier,
    get_verifier,
    judge_responses,
    verify_answer,
    verify_answers,
)

__all__ = ["KINDS", "MathVerifier", "get_verifier", "judge_responses", "math_reward", "verify_answer", "verify_answers"]

"""From a response to a verdict: the final answer is found, read exactly and compared; no text is ever evaluated."""

from vibethinker.verify.verifier import get_verifier, verify_answer

__all__ = ["get_verifier", "verify_answer"]

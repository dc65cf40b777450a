"""The slow path of the answer verifier: math-verify in worker processes that are limited, and killed when late."""

from vibethinker.verify.slow_path.launcher import SlowPathError
from vibethinker.verify.slow_path.pool import SlowPath
from vibethinker.verify.slow_path.protocol import SlowJudgement, SlowStatus

__all__ = ["SlowJudgement", "SlowPath", "SlowPathError", "SlowStatus"]

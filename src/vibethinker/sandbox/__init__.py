"""Runs untrusted programs against tests: confined processes, verdicts made outside. Knows nothing of language models.

See docs/sandbox.md for what it protects from and what not.
"""

from vibethinker.sandbox.jobs import AssertTest, CallTest, Job, Limits, Outcome, Result, StdioTest
from vibethinker.sandbox.levels import Level, Probe, SandboxUnavailableError, probe
from vibethinker.sandbox.supervisor import Sandbox

__all__ = [
    "AssertTest",
    "CallTest",
    "Job",
    "Level",
    "Limits",
    "Outcome",
    "Probe",
    "Result",
    "Sandbox",
    "SandboxUnavailableError",
    "StdioTest",
    "probe",
]

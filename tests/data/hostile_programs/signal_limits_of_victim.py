# ruff: noqa
# mypy: ignore-errors
# class: signal
import resource

for target in (VICTIM, CALLER, os.getppid()):
    attempt(lambda: (resource.prlimit(target, resource.RLIMIT_CPU, (1, 1)), print("BREACH limited")))
    attempt(lambda: (os.setpriority(os.PRIO_PROCESS, target, 19), print("BREACH priority")))
    attempt(lambda: (os.sched_setaffinity(target, {0}), print("BREACH affinity")))


def solve(n):
    return n

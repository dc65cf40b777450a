# ruff: noqa
# mypy: ignore-errors
# class: time
# outcomes: cpu_limit timeout
import resource

for kind in (
    resource.RLIMIT_CPU,
    resource.RLIMIT_AS,
    resource.RLIMIT_NPROC,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NOFILE,
    resource.RLIMIT_CORE,
):
    attempt(
        lambda: (
            resource.setrlimit(kind, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)),
            print("BREACH raised", kind),
        )
    )


def solve(n):
    while True:
        pass

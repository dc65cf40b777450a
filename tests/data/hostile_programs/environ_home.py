# ruff: noqa
# mypy: ignore-errors
# class: secrets
for name in (
    "~/.netrc",
    "~/.ssh/id_rsa",
    "~/.aws/credentials",
    "~/.cache/huggingface/token",
    "~/.bashrc",
    "/root/.bashrc",
    "/root/.profile",
):
    attempt(lambda: print("BREACH", open(os.path.expanduser(name)).read()[:20]))


def solve(n):
    return n

# ruff: noqa
# mypy: ignore-errors
# class: file_read
# control: gets through without confinement
said = open(CANARY).read()
print(said)


def solve(n):
    return n

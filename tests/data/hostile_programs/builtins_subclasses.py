# ruff: noqa
# mypy: ignore-errors
# class: builtins
# control: gets through without confinement
for kind in ().__class__.__base__.__subclasses__():
    scope = getattr(getattr(kind, "__init__", None), "__globals__", None)
    if scope and "__builtins__" in scope:
        found = scope["__builtins__"]
        found = found if isinstance(found, dict) else vars(found)
        attempt(lambda: print(found["open"](CANARY).read()))
        break


def solve(n):
    return n

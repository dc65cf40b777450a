# ruff: noqa
# mypy: ignore-errors
# class: file_write
base = os.path.dirname(os.__file__)
for name in ("/json/__init__.py", "/os.py", "/heapq.py"):
    attempt(lambda: (open(base + name, "a").write("#left"), print("BREACH appended to", name)))
attempt(lambda: (open(base + "/vt_new.py", "w"), print("BREACH new module")))


def solve(n):
    return n

# ruff: noqa
# mypy: ignore-errors
# class: output
# mode: stdio
print("\r\n" * 3_000_000 + "7 " * 10**6)

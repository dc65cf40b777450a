# ruff: noqa
# mypy: ignore-errors
# class: output
# mode: stdio
# outcomes: output_limit
while True:
    print("A" * 65536)

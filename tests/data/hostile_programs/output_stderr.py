# ruff: noqa
# mypy: ignore-errors
# class: output
# mode: stdio
# outcomes: output_limit
import sys

while True:
    sys.stderr.write("A" * 65536)

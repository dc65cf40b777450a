# ruff: noqa
# mypy: ignore-errors
# class: time
# mode: stdio
# outcomes: timeout
import os

reader, writer = os.pipe()
os.read(reader, 1)

# ruff: noqa
# mypy: ignore-errors
# class: forge
# mode: stdio
import os

os._exit(0)

"""Keeps pytest from importing the programs: they are data, to be run in the sandbox only."""

collect_ignore_glob = ["*.py"]

"""Keeps pytest from importing the scripts that tests start in processes of their own."""

collect_ignore_glob = ["*_run.py", "*_runs.py"]

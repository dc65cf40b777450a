"""Starts ``vibethinker`` again and again without importing the libraries anew: ``python warm_runs.py``.

A line in, a command's arguments as JSON; a process of its own that runs it; its number out, then its exit status, which
is minus the signal where one ended it. For tests that kill a run many times: starting takes longer than what they kill.
"""

import json
import os
import sys

# What a run imports as it goes. Nothing may compute here: threads do not survive the fork.
import vibethinker.observe.sections
import vibethinker.stages.data
import vibethinker.stages.rl  # noqa: F401
from vibethinker import cli

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.close(sys.stdin.fileno())
        sys.stdout = sys.stderr
        sys.exit(cli.run_command(json.loads(line)))
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)

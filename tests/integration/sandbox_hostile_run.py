"""Runs the hostile programs at one level and prints, as JSON, every one that got through and why.

A script of its own so that the test can also start it as an ordinary user: ``python sandbox_hostile_run.py LEVEL
[control]``.
"""

# ruff: noqa: PTH120, PTH208, S108

import json
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from vibethinker.sandbox import AssertTest, CallTest, Job, Limits, Result, Sandbox, StdioTest

PROGRAMS = Path(__file__).resolve().parent.parent / "data" / "hostile_programs"
LIMITS = Limits(cpu_s=0.8, wall_s=1.5, memory_mb=400, output_mb=4, threads=16)
# For programs that only wait to be stopped.
SHORT_LIMITS = Limits(cpu_s=0.3, wall_s=0.5, memory_mb=400, output_mb=4, threads=16)
# On a busy machine any program may be stopped for its time before it comes to the point.
ALWAYS_ALLOWED = ("cpu_limit", "timeout")
LATE_S = 4.0
LEFT_IN = ("/tmp", "/dev/shm", "/var/tmp", "/run", "/", os.path.dirname(os.__file__))


class Scene:
    """What hostile programs aim at, and what shows that one hit."""

    def __init__(self) -> None:
        rng = random.SystemRandom()
        self.expected = 777 * 10**9 + rng.randrange(10**9)
        self.canary, self.secret, self.sibling = (f"{rng.getrandbits(64):016x}" for _ in range(3))
        os.environ["VT_SECRET"] = self.secret
        self.scratch = Path(tempfile.mkdtemp(prefix="vt-hostile-"))
        self.scratch.chmod(0o777)
        (self.scratch / "canary.txt").write_text(self.canary)
        self.victim = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
        self.signals: list[int] = []
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, lambda received, _frame: self.signals.append(received))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(("127.0.0.1", self.port))
        for server in (self.listener, self.datagrams):
            server.setblocking(False)
        self.before = self.leftovers()

    def leftovers(self) -> set[str]:
        found = {str(path) for path in self.scratch.iterdir()}
        for folder in LEFT_IN:
            found |= {str(path) for path in Path(folder).glob("vt_*")}
        return found

    def hits(self) -> list[str]:
        """Return what shows by now that a program reached beyond its process."""
        found = [f"left {path}" for path in self.leftovers() - self.before]
        for path in self.leftovers() - self.before:
            subprocess.run(["rm", "-rf", path], check=False)
        if self.signals or self.victim.poll() is not None:
            found.append("a signal arrived")
        if (self.scratch / "canary.txt").read_text() != self.canary:
            found.append("the canary changed")
        for server in (self.listener, self.datagrams):
            try:
                server.accept() if server is self.listener else server.recv(10)
                found.append("the network was reached")
            except BlockingIOError:
                pass
        return found

    def close(self) -> None:
        self.victim.kill()
        self.victim.wait()
        subprocess.run(["rm", "-rf", str(self.scratch)], check=False)

    def secrets_in(self, text: str) -> list[str]:
        known = {
            "the canary": self.canary,
            "a secret of the environment": self.secret,
            "a sibling's code": self.sibling,
        }
        known["the expected value"] = str(self.expected)
        return [f"printed {what}" for what, secret in known.items() if secret in text]


class Program:
    """A hostile program with what its first lines say about it."""

    def __init__(self, path: Path, prelude: str, scene: Scene) -> None:
        self.name, text = path.stem, path.read_text()
        self.header = dict(re.findall(r"^# (\w+): (.+)$", text, flags=re.MULTILINE))
        source = prelude + "\n\n" + text
        for word, value in (
            ("SCRATCH", scene.scratch),
            ("PORT", scene.port),
            ("VICTIM", scene.victim.pid),
            ("CALLER", os.getpid()),
        ):
            source = source.replace(f"@{word}@", str(value))
        mode = self.header.get("mode", "call")
        if mode == "stdio":
            tests: list[CallTest | StdioTest | AssertTest] = [StdioTest("7\n", str(scene.expected))] * 2
        elif mode == "assert":
            tests = [AssertTest("solve", f"assert candidate(7) == {scene.expected}")]
        else:
            tests = [CallTest("solve", (7,), scene.expected), CallTest("solve", (8,), scene.expected + 1)]
        waits = self.header["class"] == "time" or "short" in self.header
        self.job = Job(source, tests[:1] if waits else tests, SHORT_LIMITS if waits else LIMITS)

    def breaches(self, result: Result, seconds: float, scene: Scene) -> list[str]:
        found = [] if result.passed is False else [f"passed is {result.passed}: {result.reasons}"]
        text = result.stdout + result.stderr
        # A denied program may print its own source in a traceback.
        found += [line[:120] for line in result.stdout.split("\n") if line.startswith("BREACH")]
        found += scene.secrets_in(text)
        allowed = self.header.get("outcomes", "").split()
        if allowed and result.outcome not in (*allowed, *ALWAYS_ALLOWED):
            found.append(f"outcome {result.outcome}, allowed {allowed}: {result.reasons}")
        if "SURVIVED" in result.stdout:
            found.append("survived a call that kills")
        limit = LIMITS.wall_limit_s * len(self.job.tests) + LATE_S
        return [*found, *([f"took {seconds:.1f} s"] if seconds > limit else []), *scene.hits()]


def good_job(scene: Scene) -> Job:
    source = f"# {scene.sibling}\nimport json, math\n\ndef solve(n):\n    return [n, math.gcd(n, 6), json.dumps(n)]\n"
    return Job(source, [CallTest("solve", (12,), [12, 6, "12"])])


def descendants() -> int:
    """Return how many processes descend from this one, the victim left out."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parents[int(name)] = int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, todo = set(), [os.getpid()]
    while todo:
        children = [pid for pid, parent in parents.items() if parent in todo and pid not in found]
        found.update(children)
        todo = children
    return len(found) - 1


def main() -> None:
    level, control = int(sys.argv[1]), sys.argv[2:] == ["control"]
    scene = Scene()
    prelude = (PROGRAMS / "_prelude.py").read_text()
    programs = [Program(path, prelude, scene) for path in sorted(PROGRAMS.glob("[a-z]*_*.py"))]
    programs = [p for p in programs if p.header.get("machine", os.uname().machine) == os.uname().machine]
    if control:
        programs = [program for program in programs if "control" in program.header]
    through: dict[str, list[str]] = {}
    slowest: list[tuple[float, str]] = []
    memory_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with (
        Sandbox(workers=1, minimum_level=level, maximum_level=level) as sandbox,
        Sandbox(workers=1, minimum_level=level, maximum_level=level) as neighbour,
    ):
        stop = threading.Event()

        def keep_running() -> None:
            while not stop.is_set():
                neighbour.run([good_job(scene)])
                time.sleep(0.05)

        sibling = threading.Thread(target=keep_running)
        sibling.start()
        try:
            sandbox.run([good_job(scene)])
            for program in programs:
                start = time.monotonic()
                (result,) = sandbox.run([program.job])
                seconds = time.monotonic() - start
                slowest.append((round(seconds, 2), program.name))
                found = program.breaches(result, seconds, scene)
                (after,) = sandbox.run([good_job(scene)])
                if not after.passed:
                    found.append(f"a good program failed right after: {after.outcome} {after.reasons}")
                if found:
                    through[program.name] = found
        finally:
            stop.set()
            sibling.join()
        processes = descendants()
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory_before) / 1024
    left = descendants()
    scene.close()
    report = {
        "programs": [p.name for p in programs],
        "through": through,
        "grown_mb": grown_mb,
        "processes": processes,
        "left": left,
        "slowest": sorted(slowest, reverse=True)[:5],
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()

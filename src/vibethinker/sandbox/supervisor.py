"""The sandbox as its users see it: jobs in, results out, from any thread."""

import os
import queue
import threading
import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from vibethinker.sandbox import levels
from vibethinker.sandbox.jobs import Job, Limits, Result
from vibethinker.sandbox.levels import Level, SandboxUnavailableError
from vibethinker.sandbox.readable import USUAL_MODULES
from vibethinker.sandbox.worker import Worker
from vibethinker.sandbox.zygote_process import ZygoteError, ZygoteSettings

_all: "weakref.WeakSet[Sandbox]" = weakref.WeakSet()


class Sandbox:
    """Runs untrusted Python programs against tests, each in a confined process of its own.

    Starts with the first job; ``close`` (or leaving the ``with`` block) ends its processes, and so does the end of
    the caller, by whatever signal. A fork of the caller gets processes of its own.
    """

    def __init__(
        self,
        *,
        workers: int = 2,
        minimum_level: int = 2,
        packages: Sequence[str] = (),
        limits: Limits | None = None,
        preload: Sequence[str] = tuple(USUAL_MODULES),
        maximum_level: int = 3,
    ) -> None:
        """Keep what is asked for.

        Args:
            workers: Programs that run at once, >= 1.
            minimum_level: Weakest confinement to accept, 0 .. 3; below 1 is no sandbox against an adversary.
            packages: Installed packages that programs may import; imported once, beforehand.
            limits: For jobs without limits of their own.
            preload: Standard modules to import once, beforehand.
            maximum_level: Strongest confinement to try; lower it to see how a weaker machine would fare.

        Raises:
            ValueError: If a number is out of its range.
        """
        if workers < 1:
            raise ValueError(f"need workers >= 1, got workers={workers}")
        if not 0 <= minimum_level <= maximum_level <= 3:
            raise ValueError(
                f"need 0 <= minimum_level <= maximum_level <= 3, got minimum_level={minimum_level}, "
                f"maximum_level={maximum_level}"
            )
        if isinstance(packages, str):
            raise TypeError(f"packages must be a sequence of names, got the text {packages!r}")
        self._worker_count, self._minimum, self._maximum = workers, minimum_level, maximum_level
        self._packages, self._preload, self._limits = tuple(packages), tuple(preload), limits or Limits()
        self._lock = threading.Lock()
        self._closed = False
        self._reset()
        _all.add(self)

    def _reset(self) -> None:
        self._level: Level | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._workers: list[Worker] = []
        self._free: queue.SimpleQueue[Worker] = queue.SimpleQueue()

    @property
    def level(self) -> Level:
        """The confinement in use; starts the sandbox.

        Raises:
            SandboxUnavailableError: If this machine does not offer ``minimum_level``.
        """
        self._start()
        return self._level or levels.find_level(self._minimum, self._maximum)

    def _start(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._closed:
                raise RuntimeError("this sandbox is closed; make a new one")
            if self._executor is None:
                self._level = levels.find_level(self._minimum, self._maximum)
                settings = ZygoteSettings(self._level.number, self._packages, self._preload)
                self._workers = [Worker(settings, self._limits) for _ in range(self._worker_count)]
                try:
                    self._workers[0].zygote("program")
                except (ZygoteError, OSError) as error:
                    raise SandboxUnavailableError(
                        f"the sandbox does not start with packages {self._packages}: {error}"
                    ) from None
                for worker in self._workers:
                    self._free.put(worker)
                # Whoever forgets to close it: the zygotes end with the object, or with the caller.
                self._finalizer = weakref.finalize(self, _close_workers, self._workers)
                self._executor = ThreadPoolExecutor(self._worker_count, thread_name_prefix="sandbox")
            return self._executor

    def _run_one(self, job: Job) -> Result:
        worker = self._free.get()
        try:
            return worker.run(job)
        finally:
            self._free.put(worker)

    def submit(self, job: Job) -> "Future[Result]":
        """Queue a job.

        Raises:
            SandboxUnavailableError: If this machine does not offer ``minimum_level``, or a package cannot be imported.
            TypeError: If it is not a Job.
        """
        if not isinstance(job, Job):
            raise TypeError(f"need a Job, got {type(job).__name__}")
        return self._start().submit(self._run_one, job)

    def run(self, jobs: Iterable[Job]) -> list[Result]:
        """Run jobs and return their results in the same order; see ``submit`` for what it raises."""
        futures = [self.submit(job) for job in jobs]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise

    async def run_async(self, jobs: Iterable[Job]) -> list[Result]:
        """Run jobs without blocking the event loop; results in the same order."""
        import asyncio  # a third of this module's import time, for those who have it loaded already

        loop = asyncio.get_running_loop()
        jobs = list(jobs)
        await loop.run_in_executor(None, self._start)
        return list(await asyncio.gather(*(asyncio.wrap_future(self.submit(job)) for job in jobs)))

    def close(self) -> None:
        """End all processes; running jobs are finished first, queued ones are dropped."""
        with self._lock:
            self._closed = True
            executor, workers = self._executor, self._workers
            self._reset()
        if executor is not None:
            executor.shutdown(wait=True, cancel_futures=True)
        _close_workers(workers)

    def _after_fork(self) -> None:
        """Start afresh in the child of a fork: threads and locks did not come along, the zygotes are the parent's."""
        self._lock = threading.Lock()
        for worker in self._workers:
            worker.forget()
        self._reset()

    def __enter__(self) -> Self:
        """Start the sandbox, so that a machine without one is told at once."""
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def _close_workers(workers: list[Worker]) -> None:
    for worker in workers:
        worker.close()


def _after_fork_in_child() -> None:
    levels.reset_after_fork()
    for sandbox in list(_all):
        sandbox._after_fork()


os.register_at_fork(after_in_child=_after_fork_in_child)

__all__ = ["Sandbox", "SandboxUnavailableError"]

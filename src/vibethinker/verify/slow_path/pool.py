"""A bounded pool of killable workers: whatever an answer does to sympy, the caller goes on after the deadline.

All work of the caller's side is done by the calling thread: it takes a worker (or waits for one: that is the limit on
what is under way), writes the pair to its socket, and polls. No signals, no alarms, no threads, save those of
``judge_async``. A worker that misses the deadline, or that is still busy when the caller is interrupted, is killed.

As in multiprocessing's fork server and loky, processes come from a clean one that holds none of the caller's memory;
as in pebble, the deadline is the caller's and its means is SIGKILL.
"""

import contextlib
import math
import os
import select
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from vibethinker.verify.slow_path.launcher import SlowPathError, Worker, Zygote, ZygoteGoneError
from vibethinker.verify.slow_path.protocol import (
    MAX_CHARACTERS,
    SLOW_STATUSES,
    BrokenMessageError,
    SlowJudgement,
    receive,
    send,
)

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

DEADLINE_S = 1.7
"""Seconds of wall time for one pair, once a worker has it."""

MEMORY_MB = 1024
"""Address space of a worker in MiB. A fresh one has some 100, comparisons that end in time rarely take 300."""

MAX_ATTEMPTS = 2
"""Workers that may die on one pair."""


@dataclass
class _Task:
    index: int
    gold: str
    answer: str
    attempts: int = 0
    begun: float = 0.0
    due: float = 0.0


class SlowPath:
    """math-verify in worker processes. For any number of threads; a forked child gets processes of its own.

    The processes start with the first pair, and end with ``close``, with this object, or with this process, even if
    it is killed.
    """

    def __init__(self, workers: int = 1, *, deadline_s: float = DEADLINE_S, memory_mb: int = MEMORY_MB) -> None:
        """Start nothing yet.

        Args:
            workers: Pairs compared at the same time, at least 1; further callers wait.
            deadline_s: Wall time for one pair, in seconds; over 0.
            memory_mb: Address space of one worker in MiB, at least 256. Not limited on macOS.

        Raises:
            ValueError: If one of them is out of its range.
        """
        for name, value, least in (("workers", workers, 1), ("memory_mb", memory_mb, 256)):
            if value < least:
                raise ValueError(f"need {name} >= {least}, got {value}")
        if not 0 < deadline_s < math.inf:
            raise ValueError(f"need 0 < deadline_s < inf, got {deadline_s}")
        self.workers, self.deadline_s, self.memory_mb = workers, deadline_s, memory_mb
        self._closed = False
        self._reset()
        _POOLS.add(self)

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._free_slots = self.workers
        self._queue: deque[object] = deque()
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._zygote: Zygote | None = None
        self._threads: ThreadPoolExecutor | None = None

    # Judging.

    def judge(self, gold: str, answer: str) -> SlowJudgement:
        """Compare a final answer with the reference answer, both as LaTeX without a box.

        Takes the deadline at most, or two of them where a worker dies; plus the time until a worker is free.

        Raises:
            SlowPathError: If the processes cannot be started, or this is closed. Never because of the texts.
        """
        return self.judge_many([(gold, answer)])[0]

    async def judge_async(self, gold: str, answer: str) -> SlowJudgement:
        """Do as ``judge`` does, in a thread of this pool's own: one per worker, so that the loop goes on."""
        # Most callers never come here, and these take time to import.
        import asyncio
        from concurrent.futures import ThreadPoolExecutor

        with self._lock:
            self._check_open()
            self._threads = self._threads or ThreadPoolExecutor(self.workers, thread_name_prefix="slow-path")
            threads = self._threads
        return await asyncio.get_running_loop().run_in_executor(threads, self.judge, gold, answer)

    def judge_many(self, pairs: Iterable[tuple[str, str]]) -> list[SlowJudgement]:
        """Compare many (gold, answer) pairs, as many at a time as there are free workers; results in their order.

        Raises:
            SlowPathError: As for ``judge``.
        """
        pairs = list(pairs)
        results = {index: refusal for index, pair in enumerate(pairs) if (refusal := _refusal(*pair))}
        waiting = deque(_Task(index, *pair) for index, pair in enumerate(pairs) if index not in results)
        running: dict[Worker, _Task] = {}
        try:
            while waiting or running:
                while waiting and self._take_slot(wait=not running):
                    self._begin(waiting.popleft(), running)
                for worker, readable in _ready(running):
                    task = running[worker]
                    judgement = self._end(worker, running) if readable else self._cut_off(worker, running)
                    if judgement is not None:
                        results[task.index] = replace(judgement, ms=(time.monotonic() - task.begun) * 1000)
                    elif task.attempts < MAX_ATTEMPTS:
                        waiting.appendleft(task)
                    else:
                        results[task.index] = SlowJudgement(False, "timeout", f"{task.attempts} workers died of it")
        finally:
            for worker in tuple(running):
                self._cut_off(worker, running)
        return [results[index] for index in range(len(pairs))]

    def _begin(self, task: _Task, running: dict[Worker, _Task]) -> None:
        """Hand a task to a worker. A slot has been taken for it."""
        try:
            worker = self._take_worker()
        except BaseException:
            self._give_slot()
            raise
        running[worker] = task
        task.attempts += 1
        task.begun = time.monotonic()
        task.due = task.begun + self.deadline_s
        worker.connection.settimeout(self.deadline_s)
        # A worker that is dead already shows by its connection, which reads as closed.
        with contextlib.suppress(OSError):
            send(worker.connection, {"gold": task.gold, "answer": task.answer})

    def _end(self, worker: Worker, running: dict[Worker, _Task]) -> SlowJudgement | None:
        """Return what the worker says; None where it died instead."""
        try:
            reply = receive(worker.connection) or {}
            judgement = SlowJudgement(reply["correct"], reply["status"], reply["reason"])
            keep = not reply["last"] and judgement.status in SLOW_STATUSES
        except (OSError, BrokenMessageError, KeyError):
            self._cut_off(worker, running)
            return None
        except BaseException:
            self._cut_off(worker, running)
            raise
        self._put_back(worker, keep=keep)
        del running[worker]
        return judgement

    def _cut_off(self, worker: Worker, running: dict[Worker, _Task]) -> SlowJudgement:
        with self._lock:
            worker.zygote.kill(worker)
        del running[worker]
        self._give_slot()
        return SlowJudgement(False, "timeout", f"no answer within {self.deadline_s:g} s")

    # Slots: the right to keep one worker busy, in order of asking.

    def _take_slot(self, *, wait: bool) -> bool:
        with self._changed:
            if not wait and (self._queue or not self._free_slots):
                return False
            ticket = object()
            self._queue.append(ticket)
            try:
                self._changed.wait_for(lambda: self._closed or (self._free_slots and self._queue[0] is ticket))
                self._check_open()
                self._free_slots -= 1
            finally:
                self._queue.remove(ticket)
                self._changed.notify_all()
            return True

    def _give_slot(self) -> None:
        with self._changed:
            self._free_slots += 1
            self._changed.notify_all()

    # Workers.

    def _take_worker(self) -> Worker:
        """Return an idle worker or a fresh one.

        Raises:
            SlowPathError: If there can be none.
        """
        with self._lock:
            self._check_open()
            while self._idle:
                worker = self._idle.pop()
                if not _is_readable(worker):
                    return worker
                worker.zygote.kill(worker)  # it has nothing to say now, so it is dead
            for _ in range(MAX_ATTEMPTS):
                self._zygote = self._zygote or Zygote(memory_mb=self.memory_mb, deadline_s=self.deadline_s)
                try:
                    return self._zygote.fork()
                except ZygoteGoneError:
                    self._zygote.close()
                    self._zygote = None
        raise SlowPathError("the process that forks workers died twice in a row: is the machine out of memory?")

    def _put_back(self, worker: Worker, *, keep: bool) -> None:
        with self._lock:
            if keep and not self._closed:
                self._idle.append(worker)
            else:
                worker.zygote.release(worker)
        self._give_slot()

    # Life.

    @property
    def zygote_pid(self) -> int | None:
        """The process whose children the workers are; None where none is running."""
        zygote = self._zygote
        return None if zygote is None else zygote.pid

    def close(self) -> None:
        """End all processes, those at work too; their callers get a SlowPathError. Closing again does nothing."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        with self._lock:
            for worker in self._idle:
                worker.zygote.release(worker)
            self._idle.clear()
            if self._zygote is not None:
                self._zygote.close()
                self._zygote = None
            if self._threads is not None:
                self._threads.shutdown(wait=False)
                self._threads = None

    def _check_open(self) -> None:
        if self._closed:
            raise SlowPathError("the slow path is closed: make another one")

    def __enter__(self) -> Self:
        """Return this pool."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _forget_parent(self) -> None:
        """In a forked child: the processes and the locks, which another thread may have held, are the parent's."""
        if self._zygote is not None:
            self._zygote.abandon()
        self._reset()


def _refusal(gold: str, answer: str) -> SlowJudgement | None:
    """Return the judgement on what is too long to be sent; None for all else."""
    reason = f"over {MAX_CHARACTERS} characters"
    if len(gold) > MAX_CHARACTERS:
        return SlowJudgement(None, "gold_unparseable", reason)
    if len(answer) > MAX_CHARACTERS:
        return SlowJudgement(False, "answer_unparseable", reason)
    return None


def _ready(running: dict[Worker, _Task]) -> list[tuple[Worker, bool]]:
    """Wait until a worker has answered or died, or is late; return these, with whether there is something to read."""
    poller = select.poll()  # unlike select, it knows descriptors over 1023; unlike epoll, it needs none itself
    for worker in running:
        poller.register(worker.connection, select.POLLIN)
    left_s = min(task.due for task in running.values()) - time.monotonic()
    readable = {descriptor for descriptor, _ in poller.poll(max(0, math.ceil(left_s * 1000)))}
    now = time.monotonic()
    found = [(worker, worker.connection.fileno() in readable) for worker in running]
    return [(worker, has_said) for worker, has_said in found if has_said or running[worker].due <= now]


def _is_readable(worker: Worker) -> bool:
    poller = select.poll()
    poller.register(worker.connection, select.POLLIN)
    return bool(poller.poll(0))


_POOLS: "weakref.WeakSet[SlowPath]" = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for pool in list(_POOLS):
        pool._forget_parent()


os.register_at_fork(after_in_child=_after_fork_in_child)

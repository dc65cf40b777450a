"""Ctrl-C and SIGTERM as a request to stop that a stage answers when what it has is saved."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class InterruptRequests:
    """A context manager that notes the first signal; a SIGINT after it stops at once with KeyboardInterrupt.

    Outside the main thread, where signals cannot be caught, nothing is ever requested; a signal that the process was
    started to ignore, as in the background of a script, stays ignored.
    """

    def __init__(self) -> None:
        """Begin with nothing requested."""
        self._requested = False
        self._before: dict[signal.Signals, Any] = {}

    def requested(self) -> bool:
        """Say whether the user has asked to stop."""
        return self._requested

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            heard = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
            self._before = {number: signal.signal(number, self._note) for number in heard}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            # None: the handler was not set from Python and cannot be set again from it.
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a handler
        if self._requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._requested = True

"""SIGTERM as an exception, so that what a command began is taken down as after Ctrl-C; and SIGINT
heard where the shell had it ignored."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Terminated(BaseException):
    """SIGTERM came."""


def interruptible() -> None:
    """Have SIGINT end this process as Ctrl-C does, also in the background of a script.

    A shell without job control starts what stands before `&` with SIGINT ignored, and Python leaves
    it so: `kill -INT` would do nothing. Any other handler stays. To be called in the main thread.

    Source: POSIX, Shell Command Language, 2.11 Signals and Error Handling.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def terminable() -> Iterator[None]:
    """Have SIGTERM end what runs here as Ctrl-C does, where this thread may hear of it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

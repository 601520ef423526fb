"""Processes that make portions, fed in order and answered in order.

Each has a connection of its own and shares no lock with anybody, so one may be killed at any moment
without another waiting for it. Blocks are dealt to them in turn, and only so many are under way at
once: memory is bounded by them. The processes end with this one, however it ends.

Errors: `WorkerDied` when one of them ended by itself.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any, Final

from streams.portions import Portion, Portioner, Work, decode, encode
from streams.recording_blocks import Block

AHEAD: Final = 3
"""Blocks under way for each process: one that it works on, and what keeps it from waiting."""

_Asked = tuple[Block, int]


class WorkerDied(Exception):
    """A process ended by itself: killed from outside, or out of memory."""


class Workers:
    """So many processes. Use as a context."""

    def __init__(self, work: Work, count: int) -> None:
        """Args: work: what they make; count: how many of them, at least 1."""
        self._most = AHEAD * count
        self._under_way: deque[tuple[Block, Connection]] = deque()
        self._connections: deque[Connection] = deque()
        self._processes: list[multiprocessing.process.BaseProcess] = []
        # Not forked: a fork in a process with threads may stand still.
        context = multiprocessing.get_context("spawn")
        # Started first: where it starts, it lets through again the signals that are held back here.
        resource_tracker.ensure_running()
        with contextlib.ExitStack() as stack:
            stack.callback(self._end)
            with _without_signals():
                for _ in range(count):
                    ours, theirs = context.Pipe()
                    self._connections.append(ours)
                    process = context.Process(target=_make, args=(theirs, work), daemon=True)
                    self._processes.append(process)
                    process.start()
                    theirs.close()
            # A signal that was held back is heard by here, and ends those that have begun.
            stack.pop_all()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        """End them; what is under way is dropped."""
        self._end()

    def _end(self) -> None:
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            if process.pid is not None:
                process.kill()
                process.join()

    @property
    def full(self) -> bool:
        """Whether as many blocks are under way as may be."""
        return len(self._under_way) >= self._most

    def put(self, block: Block, floor_ms: int) -> None:
        """Have the block made into a portion.

        Raises:
            WorkerDied: a process ended.
        """
        assert not self.full
        connection = self._connections[0]
        self._connections.rotate(-1)
        try:
            connection.send((block, floor_ms))
        except OSError:
            raise WorkerDied from None
        self._under_way.append((block, connection))

    def take(self) -> Iterator[tuple[Block, Portion]]:
        """Yield what is under way, in the order in which it was put, while more may be put.

        Raises:
            WorkerDied: a process ended.
        """
        while self._under_way:
            block, connection = self._under_way.popleft()
            try:
                raw = connection.recv_bytes()
            except (EOFError, OSError):
                raise WorkerDied from None
            yield block, decode(raw)


@contextlib.contextmanager
def _without_signals() -> Iterator[None]:
    """Have processes that start here never hear what ends a whole group, such as Ctrl-C: who
    started them ends them. What comes meanwhile is heard when all have begun.

    The mask goes over to the processes. It keeps a signal from this thread, but another thread may
    take it, and Python would still interrupt this one in the middle of a start: so it is noted.
    """
    held = {signal.SIGINT, signal.SIGTERM}
    noted: list[int] = []
    handlers: dict[int, Any] = {}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        if threading.current_thread() is threading.main_thread():
            for one in held:
                if signal.getsignal(one) is not None:
                    handlers[one] = signal.signal(one, lambda number, _: noted.append(number))
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in noted:
            os.kill(os.getpid(), number)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _make(connection: Connection, work: Work) -> None:
    """Answer every block with its portion, in a process of its own."""
    portioner = Portioner(work)
    asked: queue.Queue[_Asked] = queue.Queue(AHEAD)
    threading.Thread(target=_listen, args=(connection, asked), daemon=True).start()
    while True:
        block, floor_ms = asked.get()
        with contextlib.suppress(BrokenPipeError):
            connection.send_bytes(encode(portioner.portion(block, floor_ms)))


def _listen(connection: Connection, asked: queue.Queue[_Asked]) -> None:
    """Take what is asked while something is made, so that who asks need not wait; and end with
    them."""
    while True:
        try:
            asked.put(connection.recv())
        except (EOFError, OSError):
            os._exit(0)

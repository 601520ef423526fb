"""Processes that make portions, fed in order and answered in order.

Only so many blocks are under way at once, so memory is bounded by them. The processes end with
this one, however it ends.

Errors: `WorkerDied` when one of them ended by itself.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import Final

from streams.portions import Portion, Portioner, Work, decode, encode
from streams.recording_blocks import Block

AHEAD: Final = 3
"""Blocks under way for each process: one that it works on, and what keeps it from waiting."""


class WorkerDied(Exception):
    """A process ended by itself: killed from outside, or out of memory."""


class Workers:
    """So many processes. Use as a context."""

    def __init__(self, work: Work, count: int) -> None:
        """Args: work: what they make; count: how many of them, at least 1."""
        self._most = AHEAD * count
        self._under_way: deque[tuple[Block, Future[bytes]]] = deque()
        # Not forked: a fork in a process with threads may stand still.
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(work,))
        before = set(multiprocessing.active_children())
        with _without_signals():
            # The first work starts them all.
            self._pool.submit(os.getpid)
        self._processes = set(multiprocessing.active_children()) - before

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End them; what is under way is dropped."""
        if kind is not None:
            for process in self._processes:
                process.kill()
        self._pool.shutdown(cancel_futures=True)

    @property
    def full(self) -> bool:
        """Whether as many blocks are under way as may be."""
        return len(self._under_way) >= self._most

    def put(self, block: Block, floor_ms: int) -> None:
        """Have the block made into a portion."""
        assert not self.full
        try:
            self._under_way.append((block, self._pool.submit(_portion, block, floor_ms)))
        except BrokenProcessPool:
            raise WorkerDied from None

    def take(self) -> Iterator[tuple[Block, Portion]]:
        """Yield what is under way, in the order in which it was put, while more may be put.

        Raises:
            WorkerDied: a process ended.
        """
        while self._under_way:
            block, future = self._under_way.popleft()
            try:
                raw = future.result()
            except BrokenProcessPool:
                raise WorkerDied from None
            yield block, decode(raw)


@contextlib.contextmanager
def _without_signals() -> Iterator[None]:
    """Have processes that start here never hear what ends a whole group, such as Ctrl-C: who
    started them ends them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_portioner: Portioner | None = None


def _begin(work: Work) -> None:
    """Get ready, in a process of its own."""
    global _portioner
    _portioner = Portioner(work)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(0)


def _portion(block: Block, floor_ms: int) -> bytes:
    assert _portioner is not None
    return encode(_portioner.portion(block, floor_ms))

"""An event loop with virtual time, whose callbacks belong to simulated processes.

Time stands still while anything can run and then jumps to the next timer. Of all processes that can
run, the seed draws which goes next; inside one process callbacks keep asyncio's order. A killed
process never runs again, wherever it stood; a suspended one is kept aside until it is resumed, and
then finds everything that came due meanwhile. What a process is, travels in the context of its
callbacks, so real asyncio code needs no change.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from enum import Enum
from random import Random
from typing import Any, Final, TypeVar

T = TypeVar("T")

_ROUNDS: Final = 20
"""How often unfinished tasks are cancelled at the end, until none is left."""
_MOST_AT_ONCE: Final = 50_000
"""More callbacks without any time passing are a loop that never ends."""


class Running(Enum):
    """Whether a process runs."""

    YES = 1
    SUSPENDED = 2
    DEAD = 3


class Process:
    """What the loop knows of one simulated process."""

    def __init__(self, loop: SimLoop, name: str, number: int) -> None:
        self.loop = loop
        self.name = name
        self.number = number
        self.running = Running.YES
        self.ready: deque[asyncio.Handle] = deque()
        self.late: list[asyncio.Handle] = []
        """What came due while it was suspended, or dead: until the end, when all is undone."""
        self.steps = 0
        self.kill_at = -1
        """Step before which it is killed; -1 for none."""
        self.on_killed: Callable[[], None] = lambda: None
        self.slow_s = 0.0
        """At most how long one callback in `slow_share` keeps it busy."""
        self.slow_share = 0.0
        self.busy = False

    @property
    def dead(self) -> bool:
        return self.running is Running.DEAD


_PROCESS: Final[contextvars.ContextVar[Process]] = contextvars.ContextVar("process")


class Ended(BaseException):
    """Unwinds the callback in which its own process ended; nothing of the process runs after it."""


class SimLoop(asyncio.AbstractEventLoop):
    """The loop of one run."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._now = 0.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle, Process]] = []
        self._number = 0
        self._tasks: list[tuple[asyncio.Task[Any], Process]] = []
        self.ended = False
        self.steps = 0
        self.trace_hash = 0
        self.failures: list[str] = []
        """What callbacks raised that nobody caught."""
        self.outside = contextvars.Context()
        """The context of what belongs to no process: the cluster, the scenario."""
        self._processes = 0
        self.world = self.process("world")
        self._runnable: list[Process] = []

    def process(self, name: str) -> Process:
        """Return a new process; `enter` gives the context for its first callback."""
        made = Process(self, name, self._processes)
        self._processes += 1
        return made

    def enter(self, process: Process) -> contextvars.Context:
        context = contextvars.Context()
        context.run(_PROCESS.set, process)
        return context

    def current(self) -> Process:
        """Return the process whose callback runs now."""
        return _PROCESS.get(self.world)

    # Deaths and suspensions

    def kill(self, process: Process) -> None:
        """Have nothing of the process run again."""
        if process.dead or self.ended:
            return
        self._take_off(process)
        process.running = Running.DEAD
        process.late[:0] = process.ready
        process.ready.clear()
        process.on_killed()

    def suspend(self, process: Process) -> None:
        if process.running is Running.YES:
            self._take_off(process)
            process.running = Running.SUSPENDED

    def resume(self, process: Process) -> None:
        """Let it go on; what came due meanwhile comes in any order, after what was due before."""
        if process.running is Running.SUSPENDED:
            process.running = Running.YES
            self._random.shuffle(process.late)
            process.ready.extend(process.late)
            process.late.clear()
            self._put_on(process)

    def _take_off(self, process: Process) -> None:
        if process in self._runnable:
            self._runnable.remove(process)

    def _put_on(self, process: Process) -> None:
        able = process.running is Running.YES and process.ready and not process.busy
        if able and process not in self._runnable:
            self._runnable.append(process)

    # What asyncio asks of a loop

    def time(self) -> float:
        return self._now

    def time_ms(self) -> int:
        return int(self._now * 1000)

    def call_soon(  # type: ignore[override]
        self,
        callback: Callable[..., Any],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        world = self.world
        owner = _PROCESS.get(world) if context is None else context.get(_PROCESS, world)
        self._due(owner, handle, soon=True)
        return handle

    call_soon_threadsafe = call_soon  # type: ignore[assignment]

    def _due(self, owner: Process, handle: asyncio.Handle, *, soon: bool) -> None:
        if owner.running is Running.DEAD or (owner.running is Running.SUSPENDED and not soon):
            owner.late.append(handle)
            return
        if not owner.ready and owner.running is Running.YES and not owner.busy:
            self._runnable.append(owner)
        owner.ready.append(handle)

    def call_later(  # type: ignore[override]
        self,
        delay: float,
        callback: Callable[..., Any],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., Any],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        world = self.world
        owner = _PROCESS.get(world) if context is None else context.get(_PROCESS, world)
        self._number += 1
        heapq.heappush(self._timers, (when, self._number, timer, owner))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Coroutine[Any, Any, T] | Generator[Any, None, T],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
    ) -> asyncio.Task[T]:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        # Kept until the end: the coroutines of a dead process must not even be closed.
        owner = self.current() if context is None else context.get(_PROCESS, self.world)
        self._tasks.append((task, owner))
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.ended:
            error = context.get("exception")
            if not isinstance(error, Ended):
                self.failures.append(f"{context.get('message')}: {error!r}")

    # Running

    def run_until(self, done: Callable[[], bool], *, within_s: float) -> bool:
        """Run until `done` says so when time is about to move, or for so long; returns whether it
        did."""
        deadline = self._now + within_s
        asyncio._set_running_loop(self)
        try:
            while True:
                self._run_ready(_MOST_AT_ONCE)
                if self._runnable:
                    self.failures.append(f"spins at {self._now}")
                    return False
                if done():
                    return True
                if not self._wait(deadline):
                    return False
        finally:
            asyncio._set_running_loop(None)

    def _run_ready(self, most: int) -> None:
        """Run what can run now, and what that makes ready; at most so many callbacks."""
        runnable = self._runnable
        draw = self._random.random
        while runnable and most:
            most -= 1
            many = len(runnable)
            owner = runnable[0] if many == 1 else runnable[int(draw() * many)]
            if 0 <= owner.kill_at <= owner.steps:
                self.kill(owner)
                continue
            ready = owner.ready
            handle = ready.popleft()
            if not ready:
                runnable.remove(owner)
            if handle._cancelled:
                continue
            owner.steps += 1
            self.steps += 1
            self.trace_hash = (self.trace_hash ^ owner.number) * 1_000_003 & 0xFFFFFFFF
            handle._run()
            if owner.slow_share and draw() < owner.slow_share and not owner.dead:
                self._keep_busy(owner)

    def _wait(self, deadline: float) -> bool:
        """Go to the next timer. Returns False when there is none before the deadline."""
        timers = self._timers
        while timers and timers[0][2]._cancelled:
            heapq.heappop(timers)
        if not timers or timers[0][0] > deadline:
            self._now = deadline
            return False
        self._now = max(self._now, timers[0][0])
        self.trace_hash ^= int(self._now * 1e6)
        while timers and timers[0][0] <= self._now:
            _, _, timer, owner = heapq.heappop(timers)
            if not timer._cancelled:
                self._due(owner, timer, soon=False)
        return True

    def _keep_busy(self, owner: Process) -> None:
        owner.busy = True
        self._take_off(owner)

        def done() -> None:
            owner.busy = False
            self._put_on(owner)

        self.call_later(self._random.random() * owner.slow_s, done, context=self.outside)

    def close(self) -> None:
        """Let every task end by cancellation, wherever it stands, so that nothing is left over."""
        self.ended = True
        asyncio._set_running_loop(self)
        try:
            for _ in range(_ROUNDS):
                left = [(task, owner) for task, owner in self._tasks if not task.done()]
                if not left:
                    break
                self._cancel(left)
        finally:
            asyncio._set_running_loop(None)
        for task, _ in self._tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            if task.done() and not task.cancelled():
                task.exception()
        self._tasks.clear()
        self._timers.clear()

    def _cancel(self, left: list[tuple[asyncio.Task[Any], Process]]) -> None:
        for owner in {owner.number: owner for _, owner in left}.values():
            owner.running, owner.busy, owner.kill_at, owner.slow_share = Running.YES, False, -1, 0.0
            owner.ready.extend(owner.late)
            owner.late.clear()
            self._put_on(owner)
        self._run_ready(_MOST_AT_ONCE)  # what never began, cannot be cancelled cleanly
        for task, _ in left:
            task.cancel()
        self._now += 1.0
        self._run_ready(_MOST_AT_ONCE)
        self._wait(self._now)
        self._run_ready(_MOST_AT_ONCE)

"""A simulated stage process and its parent: started, killed, suspended, stopped, started again.

The stage itself is the real one: `Source`, its handler, the steps. Its host is `SimHost`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

from mode.services import ServiceTask

from streams.child import WATCHDOG_S
from streams.deaths import BACKOFF_S, HEALTHY_S
from streams.metrics import Metrics
from streams.parking import Parking
from streams.processes import EXIT_REFUSED, STOP_S, Place
from streams.stage import Handler, Host, Stage
from streams.stage.source import QUEUED_BATCHES, Source
from tests.simulation.cluster import Cluster
from tests.simulation.consumer import SimConsumer
from tests.simulation.loop import Ended, Process, Running, SimLoop
from tests.simulation.producer import SimProducer

KILLED: Final = -9
FAULTY: Final = 1
"""How a process ends whose service crashed."""

_T = TypeVar("_T")

MakeStage = Callable[["SimHost"], tuple[Stage, Handler]]


class SimAdmin:
    """The part of an admin client that is used."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def start(self) -> None:
        await self._cluster.call(lambda: None)

    async def close(self) -> None:
        """Nothing to let go of."""

    async def list_consumer_group_offsets(self, group: str, partitions: Any) -> dict[Any, Any]:
        offsets = self._cluster.offsets

        def found() -> dict[Any, Any]:
            return {tp: offsets.get((group, tp), (-1, "")) for tp in partitions}

        stored = await self._cluster.call(found)
        return {tp: _Committed(*value) for tp, value in stored.items()}


class _Committed:
    def __init__(self, offset: int, metadata: str) -> None:
        self.offset = offset
        self.metadata = metadata


class SimHost(Host):
    """What a simulated process reaches outside itself."""

    def __init__(self, cluster: Cluster, child: Child, process: Process) -> None:
        self._cluster = cluster
        self._child = child
        self._process = process
        self.name = process.name
        self.place: Place | None = None
        self.since_s = 0.0

    def consumer(self, **settings: Any) -> SimConsumer:
        return SimConsumer(self._cluster, self._process, settings)

    def reader(self, **settings: Any) -> SimConsumer:
        return self.consumer(**settings)

    def producer(self, **settings: Any) -> SimProducer:
        return SimProducer(self._cluster, self._process, settings)

    def admin(self, **settings: Any) -> SimAdmin:
        return SimAdmin(self._cluster)

    def parked(self) -> set[tuple[str, int]]:
        """What the parent would tell it not to read."""
        return set(self._child.parking.parked)

    def now_ms(self) -> int:
        return self._cluster.now_ms() + self._child.skew_ms

    def monotonic_ms(self) -> int:
        return int(self._cluster.loop.time() * 1000)

    async def compute(self, what: Callable[[], _T]) -> _T:
        return what()

    def working(self, place: Place | None) -> None:
        if not self._process.dead:
            self.place = place
            self.since_s = self._cluster.loop.time()

    def end(self, status: int) -> None:
        self._child.ended(self._process, status)
        raise Ended


class _InOrder(set[Any]):
    """A set that is walked in the order of adding, not of addresses in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._order: dict[Any, None] = {}

    def add(self, element: Any) -> None:
        super().add(element)
        self._order[element] = None

    def __iter__(self) -> Iterator[Any]:
        return iter([one for one in self._order if one in self])


class SimSource(Source):
    """The real one; only its tasks start, and are cancelled, in the same order in every run."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._futures = _InOrder()

    logger = logging.getLogger("simulation.source")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False

    def _get_tasks(self) -> Iterable[ServiceTask]:
        return sorted(super()._get_tasks(), key=lambda task: task.fun.__name__)


class Child:
    """One stage on one machine: its process of now, and the parent that starts it again."""

    def __init__(
        self,
        cluster: Cluster,
        name: str,
        make: MakeStage,
        say: Callable[[str], None],
        metrics: Metrics,
        source: type[SimSource] = SimSource,
    ) -> None:
        self.name = name
        self._source_type = source
        self.stage = ""
        self.parking = Parking()
        self.skew_ms = 0
        self.process: Process | None = None
        self.source: SimSource | None = None
        self.handler: Handler | None = None
        self.deaths: list[int] = []
        self.heard: Callable[[Any], None] = lambda told: None
        self.metrics = metrics
        self._cluster = cluster
        self._loop = cluster.loop
        self._make = make
        self._say = say
        self._wanted = False
        self._failures = 0
        self._hung = False
        self._began_s = 0.0
        self._host: SimHost | None = None
        self._stop: asyncio.Event | None = None
        self._incarnation = 0

    @property
    def loop(self) -> SimLoop:
        return self._loop

    @property
    def alive(self) -> bool:
        return self.process is not None and not self.process.dead

    # The parent

    def start(self) -> None:
        """Start the process, and from now on again whenever it dies."""
        self._wanted = True
        if not self.alive:
            self._spawn()

    def _spawn(self) -> None:
        if not self._wanted or self.alive:
            return
        loop = self._loop
        self._incarnation += 1
        self._stop = None
        self.process = process = loop.process(f"{self.name}.{self._incarnation}")
        process.on_killed = lambda: self._died(process, KILLED)
        self._began_s = loop.time()
        self._host = SimHost(self._cluster, self, process)
        context = loop.enter(process)
        context.run(lambda: loop.create_task(self._main(process), context=context))
        self._say(f"{process.name} starts")
        self._watch(process, self._host)

    def _watch(self, process: Process, host: SimHost) -> None:
        """Kill the process when one piece of work takes too long."""

        def look() -> None:
            if process.dead:
                return
            if host.place is not None and self._loop.time() - host.since_s >= WATCHDOG_S:
                self._say(f"{process.name} hangs at {host.place}")
                self._hung = True
                self.kill()
                return
            self._loop.call_later(5.0, look, context=self._loop.outside)

        self._loop.call_later(5.0, look, context=self._loop.outside)

    def kill(self) -> None:
        """As kill -9, wherever it stands."""
        if self.process is not None:
            self._loop.kill(self.process)

    def lose(self) -> None:
        """As a machine that goes away for good."""
        self._wanted = False
        self.kill()

    def ended(self, process: Process, status: int) -> None:
        """Have the process end itself with this status."""
        if process.dead:
            return
        process.on_killed = lambda: self._died(process, status)
        self._loop.kill(process)

    def _died(self, process: Process, status: int) -> None:
        self.deaths.append(status)
        self._say(f"{process.name} ended with {status}")
        assert self._host is not None
        if not self._wanted or status == 0:
            return
        if status == EXIT_REFUSED:
            self._wanted = False
            return
        hung, self._hung = self._hung, False
        self.parking.died(self._host.place, status, hung=hung)
        healthy = self._loop.time() - self._began_s > HEALTHY_S
        self._failures = 0 if healthy else self._failures + 1
        pause_s = BACKOFF_S[min(self._failures, len(BACKOFF_S)) - 1] if self._failures else 0
        self._loop.call_later(pause_s + 0.1, self._spawn, context=self._loop.outside)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL when it takes too long."""
        self._wanted = False
        process = self.process
        if process is None or process.dead or self._stop is None:
            self.kill()
            return
        self._say(f"{process.name} is told to stop")
        context = self._loop.enter(process)
        self._loop.call_soon(self._stop.set, context=context)
        self._loop.call_later(STOP_S, lambda: self._loop.kill(process), context=self._loop.outside)

    def start_again(self) -> None:
        """Start once the former process has ended."""
        if self.alive:
            self._loop.call_later(0.2, self.start_again, context=self._loop.outside)
        else:
            self.start()

    def suspend(self, for_s: float) -> None:
        process = self.process
        if process is None or process.running is not Running.YES:
            return
        self._say(f"{process.name} is suspended for {for_s:.1f} s")
        self._loop.suspend(process)
        self._loop.call_later(for_s, self._resume, process, context=self._loop.outside)

    def _resume(self, process: Process) -> None:
        if process.running is Running.SUSPENDED:
            self._say(f"{process.name} goes on")
            self._loop.resume(process)

    # The process

    async def _main(self, process: Process) -> None:
        host = self._host
        assert host is not None
        self._stop = stop = asyncio.Event()
        stage, handler = self._make(host)
        self.handler = handler
        self.source = source = self._source_type(stage, handler, self.metrics)
        lane: asyncio.Queue[Any] = asyncio.Queue(QUEUED_BATCHES)
        source.channel = lane
        status = FAULTY
        try:
            await source.maybe_start()
            agent = asyncio.create_task(_agent(source, lane))
            waits = [
                asyncio.create_task(stop.wait()),
                asyncio.create_task(source._crashed.wait()),
                agent,
            ]
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            await source.stop()
            status = 0 if waits[0] in done else FAULTY
        except Exception as error:
            self._say(f"{process.name}: {error!r}")
        self.ended(process, status)


async def _agent(source: Source, lane: asyncio.Queue[Any]) -> None:
    """Work on what the source puts into the channel, one piece at a time, as the agent does."""
    source.listening.set()
    while True:
        await source.work(await lane.get())

"""The real stages of a simulated worker, and the topic on which CORRELATE tells its progress."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from streams import codec
from streams.accounts import partition_of_account
from streams.agents.correlate import CorrelateHandler
from streams.agents.fingerprint import FingerprintHandler
from streams.metrics import Metrics
from streams.settings import Clock
from streams.stage import Handler, Stage
from streams.topics import names
from tests.simulation.child import Child, SimHost, SimSource
from tests.simulation.cluster import Cluster
from tests.simulation.loop import Running
from tests.simulation.scenario import CONFIG, FINGERPRINTING, Scenario

NAMESPACE: Final = "stormfold"
TOPICS: Final = names(NAMESPACE)
STAGES: Final = ("fingerprint", "correlate")
"""Of every worker, in this order."""

REQUEST_BYTES: Final = 1_048_576
METRICS: Final = Metrics()


class Parts:
    """Which parts a run uses; a test that breaks the protocol puts in its own."""

    fingerprint: type[FingerprintHandler] = FingerprintHandler
    correlate: type[CorrelateHandler] = CorrelateHandler
    source: type[SimSource] = SimSource


class Told:
    """The progress topic: what CORRELATE tells reaches every process, in order."""

    def __init__(self, cluster: Cluster, children: Sequence[Child]) -> None:
        self._cluster = cluster
        self._children = children
        self._arrives: dict[str, float] = {}

    async def send(self, *, value: bytes) -> None:
        cluster = self._cluster
        loop = cluster.loop
        if cluster.down or loop.ended:
            return
        for child in self._children:
            process, handler = child.process, child.handler
            if process is None or process.dead:
                continue
            at = loop.time() + cluster.latency_s()
            at = self._arrives[process.name] = max(at, self._arrives.get(process.name, 0.0))
            if handler is not None and child.source is not None:
                heard = codec.told(value)
                loop.call_at(at, handler.progress, heard, context=loop.enter(process))


class Stages:
    """Makes the stages of a scenario, wired as `streams.app` wires them."""

    def __init__(self, scenario: Scenario, parts: type[Parts], told: Told) -> None:
        self._scenario = scenario
        self._parts = parts
        self._told = told
        self._reloads = 0

    def _stage(self, host: SimHost, name: str, topic: str) -> Stage:
        return Stage(
            name=name,
            namespace=NAMESPACE,
            bootstrap="simulated",
            topics=(topic,),
            progress_topic=TOPICS.progress,
            poll_ms=self._scenario.poll_ms,
            timer_ms=self._scenario.timer_ms,
            host=host,
            parked=frozenset(host.parked()),
        )

    def reload(self, child: Child) -> None:
        """Have a process take another configuration that decides the same, as on SIGHUP."""
        process, source, handler = child.process, child.source, child.handler
        if process is None or process.running is not Running.YES or source is None:
            return
        self._reloads += 1
        change: Callable[[], Awaitable[None]]
        if isinstance(handler, CorrelateHandler):
            config = msgspec.structs.replace(CONFIG, name=f"c{self._reloads}")
            change = partial(handler.reconfigure, config)
        else:
            assert isinstance(handler, FingerprintHandler)
            size = FINGERPRINTING.cache_size + self._reloads
            fingerprinting = msgspec.structs.replace(FINGERPRINTING, cache_size=size)
            change = partial(handler.reconfigure, fingerprinting)
        loop = child.loop
        context = loop.enter(process)
        taking = source.reconfigure(f"c{self._reloads}", change)
        context.run(lambda: loop.create_task(taking, context=context))

    def fingerprint(self, host: SimHost) -> tuple[Stage, Handler]:
        handler = self._parts.fingerprint(
            FINGERPRINTING,
            bootstrap="simulated",
            clock=self._scenario.clock,
            deltas_topic=TOPICS.deltas,
            quarantine_topic=TOPICS.quarantine,
            max_request_bytes=REQUEST_BYTES,
            metrics=METRICS,
        )
        return self._stage(host, "fingerprint", TOPICS.events), handler

    def correlate(self, host: SimHost) -> tuple[Stage, Handler]:
        handler = self._parts.correlate(
            CONFIG,
            installation=f"{NAMESPACE}:{self._scenario.clock.value}",
            source_topic=TOPICS.events,
            deltas_topic=TOPICS.deltas,
            state_topic=TOPICS.incidents,
            deliveries_topic=TOPICS.deliveries,
            quarantine_topic=TOPICS.quarantine,
            decisions_topic=TOPICS.decisions,
            declares_stalls=self._scenario.clock is Clock.WALL,
            partition_of=partition_of_account,
            max_request_bytes=REQUEST_BYTES,
            metrics=METRICS,
        )
        handler.progress_topic = self._told  # type: ignore[assignment]
        return self._stage(host, "correlate", TOPICS.deltas), handler

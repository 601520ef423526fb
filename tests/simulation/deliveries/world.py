"""One run of DELIVER: cluster, workers, services, what goes wrong, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from functools import partial
from itertools import groupby
from random import Random
from typing import Any, Final
from unittest.mock import patch

import structlog

from sinks import page_watch
from streams.accounts import partition_of_account
from streams.agents import deliver
from streams.agents.deliver import DeliverHandler
from streams.reports import DeliverReport
from streams.stage import Handler, Stage
from tests.simulation.child import Child, SimHost, SimSource
from tests.simulation.cluster import EPOCH_MS, Cluster
from tests.simulation.deliveries.faults import Faults
from tests.simulation.deliveries.letters import LETTERS, PEOPLE, sink_of
from tests.simulation.deliveries.line import Line
from tests.simulation.deliveries.lived import Lived
from tests.simulation.deliveries.scenario import PAGERS, Scenario
from tests.simulation.deliveries.services import Message, Pager, SimSink, Workspace
from tests.simulation.deliveries.writer import Operator, Writer
from tests.simulation.loop import SimLoop
from tests.simulation.stages import METRICS, NAMESPACE, REQUEST_BYTES, TOPICS

CALM_S: Final = 900.0
"""All must be told so long after the last fault and the last record."""

LAST_CALLS_S: Final = 12.0
"""Then nobody tells anything any more: what is late has come, what was heard is written."""

ENDINGS: Final = 20

REMIND_EVERY_MS: Final = 7_000
REMINDERS: Final = 4
"""Of a page at a chat that nobody acknowledges."""


class Parts:
    """Which parts a run uses; a test that breaks the protocol puts in its own."""

    handler: type[DeliverHandler] = DeliverHandler
    source: type[SimSource] = SimSource


class World:
    """One run of a scenario."""

    def __init__(
        self,
        scenario: Scenario,
        parts: type[Parts] = Parts,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.scenario = scenario
        self._parts = parts
        self._say = say
        self.random = Random(f"deliveries world {scenario.seed}")
        self.loop = SimLoop(self.random)  # type: ignore[abstract]
        self.cluster = Cluster(self.loop, self.random, slow_network=scenario.slow_network)
        self.line = Line(self.loop, self.random, scenario.strikes)
        self.workspace = Workspace(self.line, self.random, scenario.chat)
        self.post = Workspace(
            self.line, Random(f"post {scenario.seed}"), scenario.chat, stamp="letter"
        )
        """Where nobody can ask: all that is told by mail, cards and webhooks."""
        self.pager = Pager(self.line, scenario.pager)
        self.children: list[Child] = []
        self.hosts: dict[str, SimHost] = {}
        self.problems: list[str] = []
        self.lived: set[str] = set()
        """Processes that live at the end or ended in peace: what they heard, they have written."""
        self.channels = scenario.channels
        """Of the configuration of now."""
        self.operator = Operator(self.cluster, scenario.partitions)
        self._writer: Writer | Lived = (
            Lived(self, scenario.story)
            if scenario.story
            else Writer(self.cluster, scenario.records, scenario.partitions)
        )
        for topic in (TOPICS.deliveries, TOPICS.outbox):
            self.cluster.create(topic, scenario.partitions)
        for topic in (TOPICS.dead, TOPICS.quarantine, TOPICS.decisions):
            self.cluster.create(topic, 1)
        for _ in range(scenario.workers):
            self.add_worker()
        self._faults = Faults(self)

    def say(self, line: str) -> None:
        if self._say is not None:
            self._say(f"{self.loop.time():9.4f} {line}")

    # Workers

    def add_worker(self) -> Child:
        """Return one more, not started."""
        name = f"deliver{len(self.children)}"
        child = Child(self.cluster, name, self._make, self.say, METRICS, self._parts.source)
        child.stage = "deliver"
        child.skew_ms = self.random.randint(-1, 1) * self.scenario.skew_ms
        self.children.append(child)
        return child

    def _make(self, host: SimHost) -> tuple[Stage, Handler]:
        """Return a stage, wired as `streams.app` wires it."""
        stage = Stage(
            name="deliver",
            namespace=NAMESPACE,
            bootstrap="simulated",
            topics=(TOPICS.deliveries,),
            progress_topic=TOPICS.progress,
            isolation="read_committed",
            poll_ms=self.scenario.poll_ms,
            timer_ms=self.scenario.timer_ms,
            host=host,
            parked=frozenset(host.parked()),
        )
        self.hosts[host.name] = host
        handler = self._parts.handler(
            self.sinks(host),
            installation=f"{NAMESPACE}:wall",
            state_topic=TOPICS.outbox,
            dead_topic=TOPICS.dead,
            quarantine_topic=TOPICS.quarantine,
            decisions_topic=TOPICS.decisions,
            deliveries_topic=TOPICS.deliveries,
            partition_of=partition_of_account,
            max_request_bytes=REQUEST_BYTES,
            metrics=METRICS,
            remind_every_ms=REMIND_EVERY_MS,
        )
        return stage, handler

    def reconfiguring(self, process: str, handler: DeliverHandler) -> Callable[[], Any]:
        """Return what has this process's handler go by the configuration of now."""
        return partial(handler.reconfigure, self.sinks(self.hosts[process]), REMIND_EVERY_MS)

    def sinks(self, host: SimHost) -> list[SimSink]:
        """Return the sinks of a process, as the configuration of now has them."""
        return [
            SimSink(self.workspace, self.channels, host.now_ms),
            SimSink(self.pager, PAGERS, host.now_ms),
            *(
                SimSink(self.post, tuple(places), host.now_ms)
                for _, places in groupby((*LETTERS, *PEOPLE), key=sink_of)
            ),
        ]

    @property
    def messages(self) -> list[Message]:
        """Return all messages, those of one destination in the order in which they were posted."""
        return [*self.workspace.messages, *self.post.messages]

    def later(self, delay_s: float, call: Callable[..., Any], *args: Any) -> None:
        """Call it then, whoever has died."""
        self.loop.call_later(delay_s, call, *args, context=self.loop.outside)

    # The run

    def run(self) -> None:
        """Run the scenario to its end; what is wrong then stands in `problems`."""
        logging = structlog.get_config()
        structlog.configure(processors=[self._log], cache_logger_on_first_use=False)
        for child in self.children:
            self.later(self.random.random() * 0.5, child.start)
        self._writer.start()
        self._faults.start()
        try:
            most = self.scenario.calls_at_once
            with (
                patch.object(deliver, "CALLS_AT_ONCE", most),
                patch.object(page_watch, "REMINDERS_MOST", REMINDERS),
            ):
                self._run()
        finally:
            self.loop.close()
            structlog.configure(**logging)

    def _run(self) -> None:
        if not self.loop.run_until(self._calm, within_s=300.0):
            self.problems.append("not everything was written")
            return
        for _ in range(ENDINGS):
            deaths, calls = self.deaths, len(self.line.calls)
            if not self.loop.run_until(self._every(0.5, self._told), within_s=CALM_S):
                self.problems.append(f"stands still: {self._standing()}")
                break
            self.loop.run_until(lambda: False, within_s=LAST_CALLS_S)
            if (self.deaths, len(self.line.calls)) == (deaths, calls):
                break
        else:
            self.problems.append("does not come to rest")
        self.problems += [f"raised: {failure}" for failure in self.loop.failures]
        self.lived = {
            child.process.name
            for child in self.children
            if child.process is not None and (child.alive or child.deaths[-1] == 0)
        }

    @property
    def deaths(self) -> int:
        """How often a process has died."""
        return sum(len(child.deaths) for child in self.children)

    def _calm(self) -> bool:
        return self._writer.done and not self._faults.left

    def _every(self, pause_s: float, condition: Callable[[], bool]) -> Callable[[], bool]:
        """Return a condition that looks only so often: looking costs time."""
        looked_s = [-pause_s]

        def look() -> bool:
            now = self.loop.time()
            if now - looked_s[0] < pause_s:
                return False
            looked_s[0] = now
            return condition()

        return look

    def _told(self) -> bool:
        """Return whether every record was taken in and nothing waits."""
        for log in self.cluster.of_topic(TOPICS.deliveries):
            end = max((entry.offset + 1 for entry in log.committed()), default=0)
            key = (f"{NAMESPACE}.deliver", log.tp)
            if self.cluster.offsets.get(key, (0, ""))[0] < end:
                return False
        return self._waiting() == dict.fromkeys(range(self.scenario.partitions), 0)

    def _waiting(self) -> dict[int, int]:
        """Return what waits or runs in every partition that has an owner."""
        found: dict[int, int] = {}
        for child in self.children:
            if child.alive and child.source is not None and child.handler is not None:
                for tp in child.source.ready():
                    report = child.handler.report(tp)
                    if isinstance(report, DeliverReport):
                        found[tp.partition] = report.waiting + report.calls
        return found

    def _standing(self) -> str:
        alive = sorted(child.name for child in self.children if child.alive)
        return f"waiting {self._waiting()}, alive {alive}"

    def _log(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        if self._say is not None:
            rest = {key: value for key, value in event.items() if key != "event"}
            self.say(f"  {self.loop.current().name}: {event.get('event')} {rest}")
        raise structlog.DropEvent

    def wall_ms(self, at_s: float) -> int:
        """Return the true wall clock at a moment of the loop."""
        return EPOCH_MS + int(at_s * 1000)

"""One run: the cluster, the workers, what is written, what goes wrong, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from random import Random
from typing import Any, Final
from unittest.mock import patch

import structlog
from aiokafka import TopicPartition

from correlators.ticks import Source, Ticks
from correlators.types import tick_of
from streams.agents import batches, correlate, gathered
from streams.agents.correlate import CorrelateHandler
from streams.local import final_mark_ms
from streams.settings import Clock
from tests.simulation.child import Child
from tests.simulation.cluster import Cluster
from tests.simulation.intake import Intake
from tests.simulation.loop import SimLoop
from tests.simulation.people import People
from tests.simulation.reference import stream_times
from tests.simulation.scenario import CONFIG, Fault, Scenario
from tests.simulation.stages import METRICS, NAMESPACE, STAGES, TOPICS, Parts, Stages, Told

CALM_S: Final = 90.0
"""All must be applied so long after the last fault and the last record."""

LAST_WRITES_S: Final = 1.0

ENDINGS: Final = 20
"""How often a death may undo that all is applied."""


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
        self.random = Random(f"world {scenario.seed}")
        self.loop = SimLoop(self.random)  # type: ignore[abstract]
        self.cluster = Cluster(self.loop, self.random, slow_network=scenario.slow_network)
        self.children: list[Child] = []
        self.stalls = 0
        self.stalled_s: list[float] = []
        """When each stall was declared."""
        self.grown = False
        """A source partition came later: what it holds from before its first watermark is late."""
        self.problems: list[str] = []
        self._faults_left = len(scenario.faults)
        self._stages = Stages(scenario, parts, Told(self.cluster, self.children))
        append = scenario.clock is Clock.WALL
        self.cluster.create(TOPICS.events, scenario.sources, append_time=append)
        self.cluster.create(TOPICS.deltas, scenario.targets)
        self.cluster.create(TOPICS.incidents, scenario.targets)
        for topic in (TOPICS.deliveries, TOPICS.quarantine, TOPICS.decisions):
            self.cluster.create(topic, 1)
        for _ in range(scenario.workers):
            self.add_worker()
        self.intakes = [
            Intake(self.cluster, scenario, TOPICS.events, records, self.random)
            for records in scenario.intakes
        ]
        seen, told = TOPICS.incidents, TOPICS.deltas
        self.people = People(self.cluster, scenario.people, scenario.seed, seen, told)

    def say(self, line: str) -> None:
        if self._say is not None:
            self._say(f"{self.loop.time():9.4f} {line}")

    # Workers

    def add_worker(self) -> list[Child]:
        number = len(self.children) // len(STAGES)
        made = []
        makers = (self._stages.fingerprint, self._stages.correlate)
        for stage, make in zip(STAGES, makers, strict=True):
            child = Child(
                self.cluster, f"{stage}{number}", make, self.say, METRICS, self._parts.source
            )
            child.stage = stage
            child.skew_ms = self.random.randint(-1, 1) * self.scenario.skew_ms
            made.append(child)
        self.children += made
        return made

    # Faults

    def _begin(self, fault: Fault) -> None:
        self.say(f"fault: {fault.kind} worker {fault.worker} stage {fault.stage}")
        children = self.children[2 * fault.worker : 2 * fault.worker + 2]
        hit = children if fault.stage >= 2 else [children[fault.stage]]
        over_s = 0.0
        match fault.kind:
            case "kill":
                for child in hit:
                    if child.process is not None:
                        child.process.kill_at = child.process.steps + int(fault.number)
            case "suspend":
                for child in hit:
                    child.suspend(fault.number)
                over_s = fault.number
            case "stop":
                for child in hit:
                    child.stop()
                    self._later(fault.number + 0.5, child.start_again)
                over_s = fault.number + 1.0
            case "join":
                for child in self.add_worker():
                    child.start()
            case "slow":
                over_s = fault.number
                for child in hit:
                    if child.process is not None:
                        child.process.slow_share, child.process.slow_s = 0.1, 0.4
                        self._later(over_s, setattr, child.process, "slow_share", 0.0)
            case "reload":
                for child in hit:
                    self._stages.reload(child)
            case "outage":
                self.cluster.go_down()
                over_s = fault.number
                self._later(over_s, self._up)
            case "clock":
                self.cluster.skew_ms[self.random.randrange(3)] += int(fault.number * 1000)
            case "park":
                over_s = fault.number
                for child in self.children[:: len(STAGES)]:
                    child.parking.parked[TOPICS.events, 0] = 0
                    child.kill()
                    self._later(over_s, self._unpark, child)
            case "withhold":
                over_s = fault.number
                tp = TopicPartition(TOPICS.events, fault.stage)
                self.cluster.withhold(tp)
                self._later(over_s, self.cluster.give_again, tp)
            case "lose":
                for child in hit:
                    child.lose()
            case "grow":
                self.grown = True
                self.cluster.create(
                    TOPICS.events,
                    self.scenario.sources + 1,
                    append_time=self.scenario.clock is Clock.WALL,
                )
        self._later(over_s, self._end_fault)

    def _unpark(self, child: Child) -> None:
        child.parking.parked.clear()
        child.kill()

    def _up(self) -> None:
        self.say("the cluster is there again")
        self.cluster.come_up()

    def _end_fault(self) -> None:
        self._faults_left -= 1

    def _later(self, delay_s: float, call: Callable[..., Any], *args: Any) -> None:
        self.loop.call_later(delay_s, call, *args, context=self.loop.outside)

    # The run

    def run(self) -> None:
        """Run the scenario to its end; what is wrong then stands in `problems`."""
        logging = structlog.get_config()
        structlog.configure(processors=[self._log], cache_logger_on_first_use=False)
        for child in self.children:
            self._later(self.scenario.start_s + self.random.random() * 0.5, child.start)
        for start in (*(intake.start for intake in self.intakes), self.people.start):
            self._later(0.1, start)
        for fault in self.scenario.faults:
            self._later(fault.at_s, self._begin, fault)
        try:
            with self._limits():
                self._run()
        finally:
            self.loop.close()
            structlog.configure(**logging)

    @contextmanager
    def _limits(self) -> Iterator[None]:
        """Small limits have a short run see what happens at them."""
        scenario = self.scenario
        exclude = Ticks.exclude

        def noted(ticks: Ticks, stalled: Iterable[Source]) -> None:
            self.stalls += 1
            self.stalled_s.append(self.loop.time())
            exclude(ticks, stalled)

        with (
            patch.object(Ticks, "exclude", noted),
            patch.object(correlate, "MAX_HELD", scenario.most_held),
            patch.object(correlate, "TICKS_PER_TRANSACTION", scenario.most_ticks),
            patch.object(gathered, "FLUSH_EVENTS", scenario.flush_events),
            patch.object(batches, "BATCH_BYTES", scenario.batch_bytes),
        ):
            yield

    def _run(self) -> None:
        if not self.loop.run_until(self._calm, within_s=300.0):
            self.problems.append("the intakes did not end")
            return
        # A step is applied before its transaction is, and a kill counts steps: one that began
        # before may still come in the middle of that transaction, which is then done again.
        for _ in range(ENDINGS):
            deaths = self.deaths
            if not self.loop.run_until(self._every(0.5, self._applied), within_s=CALM_S):
                self.problems.append(f"stands still: {self._standing()}")
                break
            self.loop.run_until(lambda: False, within_s=LAST_WRITES_S)
            self.loop.run_until(self.cluster.settled, within_s=CALM_S)  # else half is seen
            if self.deaths == deaths:
                break
        else:
            self.problems.append("dies again and again at the end")
        self.problems += [f"raised: {failure}" for failure in self.loop.failures]

    @property
    def deaths(self) -> int:
        """How often a process has died."""
        return sum(len(child.deaths) for child in self.children)

    def _calm(self) -> bool:
        written = self.people.done and all(intake.done for intake in self.intakes)
        return written and not self._faults_left

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

    def final_tick(self) -> int:
        """Return the tick at which nothing is open any more."""
        logs = self.cluster.of_topic(TOPICS.events)
        times = [
            read.at_ms
            for log in logs
            for read in stream_times(log, self.scenario.clock)
            if not read.mark
        ] or [0]
        lasted_ms = max(times) - min(times)
        return tick_of(final_mark_ms(max(times), CONFIG, lasted_ms=lasted_ms)) - 1

    def _applied(self) -> bool:
        if not hasattr(self, "_final"):
            self._final = self.final_tick()
            self._ends = {log.tp: log.end for log in self.cluster.of_topic(TOPICS.events)}
        read = self.cluster.offsets
        for tp, end in self._ends.items():
            if read.get((f"{NAMESPACE}.fingerprint", tp), (0, ""))[0] < end:
                return False
        applied = self._owned()
        return len(applied) == self.scenario.targets and all(
            tick >= self._final for tick in applied.values()
        )

    def _owned(self) -> dict[int, int]:
        """Return the applied tick of every partition that has an owner."""
        found: dict[int, int] = {}
        for child in self.children:
            if child.alive and isinstance(child.handler, CorrelateHandler):
                for tp, held in child.handler._held.items():
                    ticks = held.partition.ticks
                    if child.source is not None and tp in child.source.ready():
                        # What a source that was left out brings late waits for its marks.
                        waits = held.partition.ready() or ticks.held
                        found[tp.partition] = -1 if waits else ticks.applied
        return found

    def _standing(self) -> str:
        alive = sorted(child.name for child in self.children if child.alive)
        return f"applied {self._owned()} of {self.final_tick()}, alive {alive}"

    def _log(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        if self._say is not None:
            rest = {key: value for key, value in event.items() if key != "event"}
            self.say(f"  {self.loop.current().name}: {event.get('event')} {rest}")
        raise structlog.DropEvent

    def log(self, topic: str, partition: int) -> Any:
        return self.cluster.logs[TopicPartition(topic, partition)]

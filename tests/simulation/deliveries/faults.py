"""What goes wrong with processes and with the cluster in one run, and what operators do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

from aiokafka import TopicPartition

from correlators.entries import PROGRESS_KEY
from sinks.entries import Status, decode
from streams.agents.deliver import DeliverHandler
from tests.simulation.child import Child
from tests.simulation.deliveries.scenario import GONE
from tests.simulation.logs import Message
from tests.simulation.loop import Process, Running
from tests.simulation.scenario import Fault
from tests.simulation.stages import TOPICS

if TYPE_CHECKING:
    from tests.simulation.deliveries.world import World

PROGRESS: Final = PROGRESS_KEY.encode()


class Faults:
    """The faults of a run, each at its moment."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.left = len(world.scenario.faults)
        """How many are not over."""
        self._reloads = 0
        self._nap_s = 0.0
        """How long the next owner sleeps that writes; 0 for none."""
        world.line.suspend = self._suspend
        produce = world.cluster.produce
        world.cluster.produce = partial(self._produced, produce)  # type: ignore[method-assign]

    def start(self) -> None:
        """Have each begin at its moment."""
        for fault in self._world.scenario.faults:
            self._world.later(fault.at_s, self._begin, fault)

    def _begin(self, fault: Fault) -> None:
        world = self._world
        world.say(f"fault: {fault.kind} worker {fault.worker}")
        child = world.children[fault.worker] if fault.worker < len(world.children) else None
        over_s = 0.0
        match fault.kind:
            case "kill":
                if child is not None and child.process is not None:
                    child.process.kill_at = child.process.steps + int(fault.number)
            case "suspend":
                over_s = fault.number
                if child is not None and child.process is not None:
                    self._suspend(child.process, over_s)
            case "stop":
                assert child is not None
                child.stop()
                world.later(fault.number + 0.5, child.start_again)
                over_s = fault.number + 1.0
            case "join":
                world.add_worker().start()
            case "slow":
                over_s = fault.number
                if child is not None and child.process is not None:
                    child.process.slow_share, child.process.slow_s = 0.1, 0.4
                    world.later(over_s, setattr, child.process, "slow_share", 0.0)
            case "nap":
                self._nap_s = over_s = fault.number
            case "outage":
                world.cluster.go_down()
                over_s = fault.number
                world.later(over_s, world.cluster.come_up)
            case "abort":
                self._abort(fault.worker)
            case "lose":
                assert child is not None
                child.lose()
            case "delete":
                world.workspace.delete(fault.worker, world.loop.time())
            case "redrive":
                over_s = 2.0
                world.operator.send_again(fault.worker)
            case "reload":
                over_s = 2.0
                kept = (one for one in world.channels if one != GONE)
                world.channels = (*kept, *world.scenario.added)
                for one in world.children:
                    world.later(2.0 * world.random.random(), self._reload, one)
        world.later(over_s, self._end_fault)

    def _suspend(self, process: Process, for_s: float) -> None:
        """Have a process sleep; what came due meanwhile comes when it wakes."""
        for child in self._world.children:
            if child.process is process:
                child.suspend(for_s)

    def _produced(
        self,
        produce: Callable[..., None],
        batches: Iterable[tuple[TopicPartition, list[Message]]],
        producer: tuple[int, int],
        transactional_id: str | None,
    ) -> None:
        """Have an owner fall asleep while it writes down what it is about to do."""
        world, given = self._world, list(batches)
        produce(given, producer, transactional_id)
        for tp, messages in given if self._nap_s else ():
            if tp.topic == TOPICS.outbox and any(map(_begins, messages)):
                for child in world.children:
                    owned = child.source.ready() if child.alive and child.source else []
                    if child.process is not None and tp.partition in {o.partition for o in owned}:
                        self._suspend(child.process, self._nap_s)
                self._nap_s = 0.0

    def _abort(self, number: int) -> None:
        """Have the coordinator end an owner's transaction, and its right to begin another."""
        world = self._world
        known = world.cluster.transactional
        names = sorted(one for one in known if ".deliver." in one)
        if names:
            one = known[names[number % len(names)]]
            if not one.ending:
                world.cluster.expire(one)

    def _reload(self, child: Child) -> None:
        """Have a process take the configuration of now, as on SIGHUP."""
        world = self._world
        process, source, handler = child.process, child.source, child.handler
        if process is None or process.running is not Running.YES or source is None:
            return
        assert isinstance(handler, DeliverHandler)
        self._reloads += 1
        change = world.reconfiguring(process.name, handler)
        context = world.loop.enter(process)
        taking = source.reconfigure(f"c{self._reloads}", change)
        context.run(lambda: world.loop.create_task(taking, context=context))

    def _end_fault(self) -> None:
        self.left -= 1


def _begins(message: Message) -> bool:
    """Return whether this entry says that a call is about to be made."""
    if message.key == PROGRESS or not message.value:
        return False
    return decode(message.value).status is Status.ATTEMPTING

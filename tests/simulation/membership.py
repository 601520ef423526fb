"""A simulated consumer's side of its group: joining, heartbeats, rebalances, commits."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaConnectionError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from tests.simulation.cluster import Cluster

if TYPE_CHECKING:
    from tests.simulation.consumer import SimConsumer

BACKOFF_S = 0.1
REFUSED = (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError)


class Membership:
    """Keeps a consumer in its group."""

    def __init__(
        self, consumer: SimConsumer, cluster: Cluster, topics: list[str], listener: Any
    ) -> None:
        assert consumer.group_id is not None
        settings = consumer.settings
        self._consumer = consumer
        self._cluster = cluster
        self._loop = cluster.loop
        self._topics = topics
        self._listener = listener
        self._group = cluster.group(consumer.group_id)
        self._group_id = consumer.group_id
        self._session_s = settings["session_timeout_ms"] / 1000
        self._rebalance_s = settings["rebalance_timeout_ms"] / 1000
        self._heartbeat_s = settings["heartbeat_interval_ms"] / 1000
        self._metadata_s = settings["metadata_max_age_ms"] / 1000
        self._member = ""
        self._generation = -1
        self._known: list[TopicPartition] = []
        """All partitions of the topics, as of the last look at the metadata."""
        self._changed = asyncio.Event()
        self._rejoin = True
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._heartbeats: asyncio.Task[None] | None = None
        self._metadata: asyncio.Task[None] | None = None
        self._commits = asyncio.Lock()

    def start(self) -> None:
        self._known = self._partitions()
        self._task = self._loop.create_task(self._coordinate())
        self._metadata = self._loop.create_task(self._look_at_metadata())

    def check_errors(self) -> None:
        if self._task is not None and self._task.done():
            self._task.result()

    async def close(self) -> None:
        self._closing = True
        self._changed.set()
        if self._metadata is not None:
            self._metadata.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._stop_heartbeats()
        if self._generation > 0:
            member, group = self._member, self._group
            with contextlib.suppress(KafkaError):
                await self._cluster.call(lambda: group.leave(member))

    def _partitions(self) -> list[TopicPartition]:
        counts = self._cluster.counts
        return [TopicPartition(t, p) for t in self._topics for p in range(counts[t])]

    def _request_rejoin(self) -> None:
        self._rejoin = True
        self._changed.set()

    def _forget_generation(self) -> None:
        self._member, self._generation = "", -1
        self._request_rejoin()

    async def _look_at_metadata(self) -> None:
        while True:
            await asyncio.sleep(self._metadata_s)
            found = await self._cluster.insist(self._partitions)
            if found != self._known:
                self._known = found
                self._request_rejoin()

    async def _coordinate(self) -> None:
        prepared = False
        while not self._closing:
            if self._rejoin:
                if not prepared:
                    await self._prepare()
                    prepared = True
                await self._stop_heartbeats()
                if await self._join():
                    prepared = False
                    self._heartbeats = self._loop.create_task(self._beat())
                else:
                    await asyncio.sleep(BACKOFF_S)
                continue
            self._changed.clear()
            await self._changed.wait()

    async def _prepare(self) -> None:
        from tests.simulation.consumer import Ordered

        self._consumer.reassigning = True
        with contextlib.suppress(Exception):
            await self._listener.on_partitions_revoked(Ordered(self._consumer.assignment()))

    async def _join(self) -> bool:
        group, cluster, member = self._group, self._cluster, self._member
        try:
            joined = await cluster.call(
                lambda: group.join(member, session_s=self._session_s, rebalance_s=self._rebalance_s)
            )
            self._member, self._generation = joined.member, joined.generation
            self._rejoin = False
            known = self._known if joined.leader else None
            mine = await cluster.call(lambda: group.sync(joined.member, joined.generation, known))
        except (UnknownMemberIdError, IllegalGenerationError):
            self._forget_generation()
            return False
        except RebalanceInProgressError:
            self._rejoin = True
            return False
        except KafkaConnectionError:
            self._rejoin = True
            await cluster.up_again()
            return False
        consumer = self._consumer
        consumer.set_assignment(mine)
        # The callback comes a little later: what is fetched meanwhile may be handed out.
        for _ in range(cluster.random.randrange(3)):
            await asyncio.sleep(0)
        with contextlib.suppress(Exception):
            await self._listener.on_partitions_assigned(consumer.assignment())
        return True

    async def _stop_heartbeats(self) -> None:
        if self._heartbeats is not None:
            self._heartbeats.cancel()
            await asyncio.wait([self._heartbeats])
            self._heartbeats = None

    async def _beat(self) -> None:
        pause_s = self._heartbeat_s
        while self._member:
            await asyncio.sleep(pause_s)
            pause_s = self._heartbeat_s
            group, member, generation = self._group, self._member, self._generation
            try:
                await self._cluster.call(lambda: group.heartbeat(member, generation))  # noqa: B023
            except RebalanceInProgressError:
                self._request_rejoin()
            except (UnknownMemberIdError, IllegalGenerationError):
                self._forget_generation()
            except KafkaConnectionError:
                await self._cluster.up_again()
                pause_s = BACKOFF_S

    async def commit(self, offsets: dict[TopicPartition, tuple[int, str]]) -> None:
        """Commit as this member of this generation. Raises: CommitFailedError."""
        group, cluster, name = self._group, self._cluster, self._group_id

        while True:
            async with self._commits:
                member, generation = self._member, self._generation

                def apply(member: str = member, generation: int = generation) -> None:
                    group.check_commit(member, generation)
                    for tp, offset in offsets.items():
                        cluster.offsets[name, tp] = offset

                try:
                    await cluster.call(apply)
                except REFUSED as error:
                    if isinstance(error, RebalanceInProgressError):
                        self._request_rejoin()
                    else:
                        self._forget_generation()
                    raise CommitFailedError("the group has rebalanced") from error
                except KafkaConnectionError:
                    pass
                else:
                    return
            await cluster.up_again()

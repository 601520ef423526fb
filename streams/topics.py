"""The topics of one installation: their names, their shape, and whether Kafka has them like that.

`ensure` makes what is missing and says what differs; it never changes a topic that exists. What the
records in them look like is the codec's business.

    TopicsError     Kafka cannot be asked, or refuses to make a topic
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Any, Final

import msgspec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from streams.processes import StageName
from streams.settings import Clock, Settings
from streams.topic_names import Names as Names
from streams.topic_names import names as names

ROOM_BYTES: Final = 65_536
"""What a record may hold beside the body: headers, batch."""
KAFKA_DEFAULT_BYTES: Final = 1_048_588
DAY_MS: Final = 86_400_000
LEADERS_WITHIN_S: Final = 10.0
"""How long a new topic may take until every broker knows it, in seconds."""
POLL_S: Final = 0.05

_COMPACT: Final = {
    "cleanup.policy": "compact",
    "segment.bytes": "8388608",
    "segment.ms": "10000",
    "max.compaction.lag.ms": "10000",
    "min.cleanable.dirty.ratio": "0.1",
}


class TopicsError(Exception):
    """Kafka cannot be asked about its topics, or refuses to make one."""


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """One topic as it should be."""

    name: str
    partitions: int
    replication: int
    configs: dict[str, str]
    may_grow: bool = False
    """More partitions than wanted are fine: nothing is keyed by their number."""


class State(StrEnum):
    """What was found of a topic."""

    AS_WANTED = "as_wanted"
    CREATED = "created"
    MISSING = "missing"
    DIFFERS = "differs"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One topic is as it should be, was made, or is missing; or one thing about it differs."""

    topic: str
    state: State
    aspect: str = ""
    """What differs: `partitions`, `replication`, or a name of Kafka's topic configuration."""
    found: str = ""
    wanted: str = ""
    foreign: bool = False
    """It is a self-hosted Sentry's: never made here, and compared with nothing."""

    @property
    def wrong(self) -> bool:
        """Whether somebody has to do something about it."""
        return self.state in (State.MISSING, State.DIFFERS)

    def __str__(self) -> str:
        if self.state is State.DIFFERS:
            return f"{self.topic}: {self.aspect} is {self.found}, wanted {self.wanted}"
        if self.foreign and self.state is State.MISSING:
            return (
                f"{self.topic}: missing; kafka.sentry_topics names it as a self-hosted Sentry's, "
                "so it is not made here: correct the name, or kafka.bootstrap"
            )
        return f"{self.topic}: {self.state.value.replace('_', ' ')}"


def inputs(settings: Settings) -> dict[StageName, tuple[str, ...]]:
    """Return the topics that each stage reads, the installation's own first."""
    name = names(settings.namespace)
    return {
        StageName.FINGERPRINT: (name.events, *settings.kafka.sentry_topics),
        StageName.CORRELATE: (name.deltas,),
        StageName.DELIVER: (name.deliveries,),
    }


def max_record_bytes(settings: Settings) -> int:
    """Return the largest record on topics that carry bodies; also the limit of their producers."""
    return settings.intake.max_body_bytes + ROOM_BYTES


def topics(settings: Settings) -> tuple[Topic, ...]:
    """Return every topic of this installation as it should be, in the order of the data's way."""
    name, keyed = names(settings.namespace), settings.kafka.partitions
    body_bytes = str(max_record_bytes(settings))
    wall = settings.clock is Clock.WALL
    # Recorded times are old: kept by age, they would be deleted as soon as they are written.
    events = _kept(7 * DAY_MS if wall else -1) | {
        "max.message.bytes": body_bytes,
        "message.timestamp.type": "LogAppendTime" if wall else "CreateTime",
    }
    quarantine = _kept(30 * DAY_MS) | {"max.message.bytes": body_bytes}
    week = _kept(7 * DAY_MS)

    def topic(at: str, partitions: int, configs: dict[str, str], may_grow: bool = False) -> Topic:
        common = {
            "message.timestamp.type": "CreateTime",
            "max.message.bytes": str(KAFKA_DEFAULT_BYTES),
        }
        return Topic(
            name=at,
            partitions=partitions,
            replication=settings.kafka.replication,
            configs=common | configs,
            may_grow=may_grow,
        )

    return (
        topic(name.events, keyed, events, may_grow=True),
        topic(name.quarantine, 1, quarantine, may_grow=True),
        topic(name.deltas, keyed, week),
        topic(name.incidents, keyed, _COMPACT),
        topic(name.deliveries, keyed, week),
        topic(name.dead, 1, _kept(30 * DAY_MS), may_grow=True),
        topic(name.outbox, keyed, _COMPACT),
        topic(name.decisions, keyed, _kept(30 * DAY_MS), may_grow=True),
        topic(name.progress, 1, _kept(DAY_MS)),
    )


def _kept(retention_ms: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(retention_ms)}


async def ensure(settings: Settings, *, create: bool = True) -> list[Finding]:
    """Return what was found, at least one entry per topic; what is missing is made first.

    A topic that exists is left exactly as it is. Called twice, the second call makes nothing. Of a
    self-hosted Sentry's topics it is only said whether they are there.

    Args:
        settings: which cluster, namespace and shape.
        create: False only looks.

    Raises:
        TopicsError: Kafka cannot be asked, or refuses to make a topic.
    """
    wanted = topics(settings)
    async with _admin(settings.kafka.bootstrap) as admin:
        there = set(await admin.list_topics())
        missing = [topic for topic in wanted if topic.name not in there]
        made = await _create(admin, missing) if create else set()
        existing = [topic for topic in wanted if topic.name in there | made]
        if made:
            await _await_leaders(admin, made)
        differences = await _differences(admin, existing)
    findings: list[Finding] = []
    for topic in wanted:
        differs = [finding for finding in differences if finding.topic == topic.name]
        if topic.name in made and topic.name not in there:
            findings.append(Finding(topic=topic.name, state=State.CREATED))
        elif topic not in existing:
            findings.append(Finding(topic=topic.name, state=State.MISSING))
        elif not differs:
            findings.append(Finding(topic=topic.name, state=State.AS_WANTED))
        findings.extend(differs)
    for name in settings.kafka.sentry_topics:
        state = State.AS_WANTED if name in there else State.MISSING
        findings.append(Finding(topic=name, state=state, foreign=True))
    return findings


def said_by(error: Exception) -> str:
    """Return an error of the way to Kafka as its name and its words; Kafka's own bring theirs.

    That nobody answered at the first address is said in plain words: aiokafka's own name a tuple.
    """
    if isinstance(error, KafkaConnectionError) and "bootstrap" in str(error):
        return "no broker answers there"
    text = str(error) if isinstance(error, KafkaError) else f"{type(error).__name__}: {error}"
    return text.rstrip(": ")


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        await admin.start()
        yield admin
    except (KafkaError, OSError, TimeoutError) as error:
        raise TopicsError(f"Kafka at {bootstrap} cannot be asked: {said_by(error)}") from None
    finally:
        await admin.close()


async def partitions_of(settings: Settings, wanted: Collection[str]) -> dict[str, list[int]]:
    """Return the partitions of these topics as they are, in order; none for a missing topic.

    Args:
        settings: which cluster.
        wanted: names of topics.

    Raises:
        TopicsError: Kafka cannot be asked.
    """
    async with _admin(settings.kafka.bootstrap) as admin:
        # Asked for by name, a missing topic might be made by the broker.
        there = set(await admin.list_topics()) & set(wanted)
        described = await admin.describe_topics(sorted(there)) if there else []
    found = {one["topic"]: sorted(p["partition"] for p in one["partitions"]) for one in described}
    return {name: found.get(name, []) for name in wanted}


async def _create(admin: AIOKafkaAdminClient, missing: list[Topic]) -> set[str]:
    """Return the names of the topics that now exist; somebody else may have been faster."""
    if not missing:
        return set()
    answer = await admin.create_topics(
        [NewTopic(t.name, t.partitions, t.replication, topic_configs=t.configs) for t in missing]
    )
    for name, code, message in answer.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            why = message or for_code(code).__name__
            raise TopicsError(f"Kafka refuses to make the topic {name}: {why}")
    return {topic.name for topic in missing}


async def _await_leaders(admin: AIOKafkaAdminClient, made: set[str]) -> None:
    deadline_s = asyncio.get_running_loop().time() + LEADERS_WITHIN_S
    while True:
        described = await admin.describe_topics(sorted(made))
        waiting = [t["topic"] for t in described if t["error_code"] or not t["partitions"]]
        waiting += [t["topic"] for t in described for p in t["partitions"] if p["leader"] < 0]
        if not waiting:
            return
        if asyncio.get_running_loop().time() > deadline_s:
            raise TopicsError(f"Kafka made the topic {waiting[0]}, but nobody leads it")
        await asyncio.sleep(POLL_S)


async def _differences(admin: AIOKafkaAdminClient, existing: list[Topic]) -> list[Finding]:
    if not existing:
        return []
    described = {
        one["topic"]: one["partitions"]
        for one in await admin.describe_topics([topic.name for topic in existing])
    }
    configs = await _configs(admin, existing)
    return [
        Finding(topic=topic.name, state=State.DIFFERS, aspect=aspect, found=found, wanted=wanted)
        for topic in existing
        for aspect, found, wanted in _compare(topic, described[topic.name], configs[topic.name])
    ]


async def _configs(admin: AIOKafkaAdminClient, existing: list[Topic]) -> dict[str, dict[str, str]]:
    asked = [
        ConfigResource(ConfigResourceType.TOPIC, topic.name, dict.fromkeys(topic.configs))
        for topic in existing
    ]
    deadline_s = asyncio.get_running_loop().time() + LEADERS_WITHIN_S
    while True:
        resources = [
            resource
            for answer in await admin.describe_configs(asked)
            for resource in answer.to_object()["resources"]
        ]
        refused = [one for one in resources if one["error_code"]]
        if not refused:
            return {
                one["resource_name"]: {
                    entry["config_names"]: str(entry["config_value"])
                    for entry in one["config_entries"]
                }
                for one in resources
            }
        # A topic that was made a moment ago is not known to every broker yet.
        error = for_code(refused[0]["error_code"])
        late = asyncio.get_running_loop().time() > deadline_s
        if late or error is not UnknownTopicOrPartitionError:
            name = refused[0]["resource_name"]
            raise TopicsError(f"Kafka does not describe the topic {name}: {error.__name__}")
        await asyncio.sleep(POLL_S)


def _compare(
    topic: Topic, partitions: list[dict[str, Any]], configs: dict[str, str]
) -> Iterable[tuple[str, str, str]]:
    """Yield what differs, as (aspect, found, wanted)."""
    count = len(partitions)
    if count != topic.partitions and not (topic.may_grow and count > topic.partitions):
        yield "partitions", str(count), str(topic.partitions)
    replication = min((len(one["replicas"]) for one in partitions), default=0)
    if replication != topic.replication:
        yield "replication", str(replication), str(topic.replication)
    for aspect, wanted in topic.configs.items():
        found = configs.get(aspect, "unknown")
        if found != wanted:
            yield aspect, found, wanted

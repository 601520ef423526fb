"""Topics on a real Kafka: made once, checked in every respect, never changed."""

from __future__ import annotations

import asyncio
import socket

import msgspec
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.broker import Broker
from streams.settings import Clock, Settings, load
from streams.topics import Finding, State, Topic, TopicsError, ensure, names, topics


def settings_for(bootstrap: str, namespace: str, **changes: object) -> Settings:
    settings = load(None, {"KAFKA_BOOTSTRAP": bootstrap})
    return msgspec.structs.replace(settings, namespace=namespace, **changes)


def wanted(settings: Settings) -> dict[str, Topic]:
    name = names(settings.namespace)
    by_name = {topic.name: topic for topic in topics(settings)}
    return {field: by_name[getattr(name, field)] for field in name.__struct_fields__}


def states(findings: list[Finding]) -> set[State]:
    return {finding.state for finding in findings}


async def create(bootstrap: str, *made: NewTopic) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics(list(made))
        assert [code for _, code, _ in answer.topic_errors] == [0] * len(made)
    finally:
        await admin.close()


async def described(bootstrap: str, topic: str) -> dict[str, str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        asked = ConfigResource(ConfigResourceType.TOPIC, topic)
        async with asyncio.timeout(120):
            while True:
                (answer,) = await admin.describe_configs([asked])
                (resource,) = answer.to_object()["resources"]
                if not resource["error_code"]:
                    entries = resource["config_entries"]
                    return {e["config_names"]: e["config_value"] for e in entries}
                await asyncio.sleep(0.05)
    finally:
        await admin.close()


def test_the_default_namespace_leaves_names_as_they_are() -> None:
    assert list(msgspec.structs.asdict(names("stormfold")).values()) == [
        "sentry.events",
        "sentry.events.quarantine",
        "incident.deltas",
        "incidents",
        "deliveries",
        "deliveries.dead",
        "outbox",
        "decisions",
        "stormfold.progress",
    ]


def test_every_other_namespace_stands_before_all_names() -> None:
    assert all(t.name.startswith("demo.") for t in topics(settings_for("k:1", "demo")))
    assert names("demo").progress == "demo.progress"


def test_state_topics_have_the_partitions_of_their_input() -> None:
    topic = wanted(settings_for("k:1", "demo"))
    assert topic["incidents"].partitions == topic["deltas"].partitions
    assert topic["outbox"].partitions == topic["deliveries"].partitions
    for field in ("incidents", "outbox"):
        assert topic[field].configs["cleanup.policy"] == "compact"


def test_the_clock_decides_the_time_and_the_age_of_events() -> None:
    events = wanted(settings_for("k:1", "demo"))["events"].configs
    assert events["message.timestamp.type"] == "LogAppendTime"
    assert events["retention.ms"] == str(7 * 24 * 3600 * 1000)
    events = wanted(settings_for("k:1", "demo", clock=Clock.DATA))["events"].configs
    assert events["message.timestamp.type"] == "CreateTime"
    assert events["retention.ms"] == "-1"


def test_the_largest_body_fits_on_every_topic_that_carries_bodies() -> None:
    settings = settings_for("k:1", "demo")
    for field in ("events", "quarantine"):
        limit = int(wanted(settings)[field].configs["max.message.bytes"])
        assert limit == settings.intake.max_body_bytes + 65_536


async def test_missing_topics_are_made_as_wanted_and_only_once(
    kafka: Broker, namespace: str
) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    looked = await ensure(settings, create=False)
    assert states(looked) == {State.MISSING}
    assert all(finding.wrong for finding in looked)
    first = await ensure(settings)
    assert [finding.topic for finding in first] == [topic.name for topic in topics(settings)]
    assert states(first) == {State.CREATED}
    second = await ensure(settings)
    assert states(second) == {State.AS_WANTED}
    assert not any(finding.wrong for finding in first + second)


async def test_two_who_make_them_at_once_both_succeed(kafka: Broker, namespace: str) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    for findings in await asyncio.gather(ensure(settings), ensure(settings)):
        assert states(findings) <= {State.CREATED, State.AS_WANTED}


async def test_whatever_differs_is_told_and_left_alone(kafka: Broker, namespace: str) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    name = names(namespace)
    odd = {"cleanup.policy": "delete", "retention.ms": "1000", "max.message.bytes": "2000"}
    await create(
        kafka.bootstrap,
        NewTopic(name.events, 9, 1, topic_configs=odd),
        NewTopic(name.incidents, 3, 1, topic_configs={"cleanup.policy": "delete"}),
    )
    before = await described(kafka.bootstrap, name.events)
    findings = await ensure(settings)
    differs = {(f.topic, f.aspect): (f.found, f.wanted) for f in findings if f.wrong}
    assert differs[name.events, "retention.ms"] == ("1000", "604800000")
    assert differs[name.events, "max.message.bytes"] == ("2000", "5308416")
    assert differs[name.events, "message.timestamp.type"] == ("CreateTime", "LogAppendTime")
    assert (name.events, "partitions") not in differs
    assert differs[name.incidents, "partitions"] == ("3", "4")
    assert differs[name.incidents, "cleanup.policy"] == ("delete", "compact")
    assert states([f for f in findings if not f.wrong]) == {State.CREATED}
    assert await described(kafka.bootstrap, name.events) == before
    assert f"{name.incidents}: partitions is 3, wanted 4" in map(str, findings)


async def test_another_replication_differs(kafka: Broker, namespace: str) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    await ensure(settings)
    more = msgspec.structs.replace(settings.kafka, replication=3)
    findings = await ensure(msgspec.structs.replace(settings, kafka=more))
    assert {f.aspect for f in findings} == {"replication"}


async def test_what_kafka_refuses_to_make_is_an_error_with_its_words(
    kafka: Broker, namespace: str
) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    more = msgspec.structs.replace(settings.kafka, replication=7)
    with pytest.raises(TopicsError, match=r"refuses to make the topic .* replication"):
        await ensure(msgspec.structs.replace(settings, kafka=more))


async def test_a_kafka_that_is_not_there_is_an_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(TopicsError, match=f"Kafka at {address} cannot be asked"):
            await ensure(settings_for(address, "demo"))


async def test_a_self_hosted_sentrys_topic_is_looked_for_and_nothing_else(
    kafka: Broker, namespace: str
) -> None:
    there, gone = f"{namespace}-events", f"{namespace}-gone"
    await create(kafka.bootstrap, NewTopic(there, 7, 1, topic_configs={"retention.ms": "1000"}))
    settings = settings_for(kafka.bootstrap, namespace)
    others = msgspec.structs.replace(settings.kafka, sentry_topics=(there, gone))
    settings = msgspec.structs.replace(settings, kafka=others)
    await ensure(settings)
    *own, found, missing = await ensure(settings)
    assert (found.topic, found.state, found.foreign) == (there, State.AS_WANTED, True)
    assert (missing.topic, missing.state, missing.wrong) == (gone, State.MISSING, True)
    assert not any(finding.foreign for finding in own)
    assert str(missing).startswith(f"{gone}: missing; kafka.sentry_topics names it")

"""From signed webhooks to one message and one page, through a real Kafka and real processes."""

from __future__ import annotations

import contextlib
import re
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from streams.broker import Broker
from streams.topics import names
from tests.kafka.asked import explains_itself
from tests.kafka.chain import (
    CHANNEL,
    PATIENCE_S,
    Chain,
    chain,
    error_webhook,
    outage,
    ready,
    until,
)

SLOW_POSTS = """
incidents: {settle: 4s, update_every: 5s}
"""
"""So that the first error of every service is there before the first digest of any, also where a
post takes a second."""


def posts_of_storms(made: Chain) -> list[str]:
    """Return the storms' first messages in the channel."""
    return [one.text for one in made.slack.posts(CHANNEL) if "Storm storm-" in one.text]


async def test_an_outage_of_webhooks_is_one_message_and_one_page(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall", extra=SLOW_POSTS) as made:
        made.start("intake")
        made.start("run")
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            await ready(made, client)
            lone = error_webhook("f" * 32, service="mail", kind="Odd", user="u", at_s=time.time())
            bodies = [lone, *outage(90, at_s=time.time())]
            answers = [await made.post(client, "error", body) for body in bodies]
            assert set(answers) == {200}
            # The same again, as Sentry repeats: it counts once.
            assert await made.post(client, "error", bodies[5]) == 200
        await until(
            lambda: any("90 events" in one for one in posts_of_storms(made)),
            what=made.logs,
        )
        # The lone error has its own turn in the channel, the page its own account.
        await until(
            lambda: len(made.slack.posts(CHANNEL)) >= 2 and len(made.pagerduty.alerts) >= 1,
            what=made.logs,
        )
        (storm,) = posts_of_storms(made)
        assert "3 services" in storm
        assert "40 users" in storm
        assert len(made.slack.posts(CHANNEL)) == 2
        assert len(made.pagerduty.alerts) == 1
        (storm_id,) = set(re.findall(r"storm-[0-9a-f]{16}", storm))
        await explains_itself(made, storm_id)


async def test_an_unreadable_record_keeps_its_bytes_origin_and_reason(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    topics = names(namespace)
    async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall") as made:
        made.start("run", "--stages", "fingerprint")
        producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
        consumer = AIOKafkaConsumer(
            topics.quarantine, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest"
        )
        async with producer, consumer:
            await producer.send_and_wait(
                topics.events, b"\x00 not json", partition=2, headers=[("resource", b"error")]
            )
            record = await consumer.getone()
        headers = dict(record.headers)
        assert record.value == b"\x00 not json"
        assert headers["reason"] == b"not_json"
        assert headers["topic"] == topics.events.encode()
        assert (headers["partition"], headers["offset"]) == (b"2", b"0")


async def test_a_state_of_another_clock_is_refused_with_what_to_do(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall") as made:
        first = made.start("run", "--stages", "correlate")
        await until(lambda: "partition restored" in made.logs(), what=made.logs)
        first.send_signal(signal.SIGTERM)
        assert first.wait(PATIENCE_S) == 0
        made.clock = "data"
        made.write_config()
        refused = made.start("run", "--stages", "correlate")
        await until(lambda: refused.poll() is not None, what=made.logs)
        assert refused.returncode == 2
        assert "give this run a namespace of its own" in made.logs()


async def test_sigterm_ends_a_run_in_time_and_leaves_no_process(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall") as made:
        run = made.start("run")
        await until(lambda: made.logs().count("stage started") == 3, what=made.logs)
        children = made.children(run)
        assert sorted(children) == ["correlate", "deliver", "fingerprint"]
        run.send_signal(signal.SIGTERM)
        assert run.wait(PATIENCE_S) == 0
        # Else its parent would have killed it, after `STOP_S`; how long it takes, a soak measures.
        assert "stage killed" not in made.logs()
        assert not alive(children.values())


async def test_a_run_that_is_stopped_while_it_starts_ends_too(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall") as made:
        run = made.start("run")
        await until(lambda: len(made.children(run)) > 0, what=made.logs)
        children = made.children(run)
        run.send_signal(signal.SIGTERM)
        assert run.wait(PATIENCE_S) == 0
        assert not alive(children.values())


async def test_stages_end_when_their_parent_is_killed(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall") as made:
        run = made.start("run")
        await until(lambda: made.logs().count("stage started") == 3, what=made.logs)
        children = made.children(run)
        run.kill()
        run.wait(PATIENCE_S)
        await until(
            lambda: not alive(children.values()),
            what=made.logs,
        )


def alive(pids: Iterable[int]) -> list[int]:
    """Return which of these processes still run; one that nobody has waited for does not."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                found.append(pid)
    return found

"""`stormfold silences` on a real Kafka and a real `run`: from the command to its effect, and
back."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from correlators.acts import ExpireSilence
from streams import acts_topic, live
from streams.acts_topic import NotApplied
from streams.agents.batches import target_of
from streams.broker import Broker
from streams.cli_acts import now_ms
from streams.settings import load
from streams.topics import names
from tests.kafka.chain import CHANNEL, PATIENCE_S, Chain, chain, error_webhook, until

FAST = "incidents: {settle: 1s, update_every: 1s}"
PARTITIONS = 4


def command(made: Chain, *arguments: str, status: int = 0) -> Any:
    """Return what a command prints as JSON."""
    done = made.run(*arguments, "--json")
    assert (done.returncode, done.stderr) == (status, ""), (done, made.logs())
    return json.loads(done.stdout)


async def test_a_silence_is_added_holds_and_is_ended_from_the_command_line(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with (
        chain(tmp_path, kafka.bootstrap, namespace, clock="wall", extra=FAST) as made,
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer,
    ):

        async def send(number: int, kind: str) -> None:
            body = error_webhook(
                f"{number:032x}", service="mail", kind=kind, user="u", at_s=time.time()
            )
            topic = names(namespace).events
            await producer.send_and_wait(topic, body, headers=[("resource", b"error")])

        made.start("run")
        settings = load(made.config, {})
        owner = target_of("production", PARTITIONS)
        unknown = msgspec.msgpack.encode({"type": "dance", "actor": "a", "source": "b"})
        await producer.send_and_wait(names(namespace).deltas, unknown, partition=owner)
        await send(1, "First")
        await until(lambda: bool(made.slack.posts(CHANNEL)), what=made.logs)
        conditions = ("-e", "production", "--service", "ma*", "--for", "1h", "--by", "ada")
        added = command(made, "silences", "add", *conditions, "--reason", "known", "--yes")
        assert (added["outcome"], added["author"], added["comment"]) == ("done", "ada", "known")
        assert [one["title"] for one in added["mutes"]["incidents"]] == ["First: no answer"]
        await send(2, "Second")
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert time.monotonic() < deadline, made.logs()
            look = await live.read(settings, now_ms())
            held = {one.told.held: one for _, one in look.open()}
            if f"silenced:{added['id']}" in held:
                break
        assert len(made.slack.posts(CHANNEL)) == 1
        ended = command(made, "silences", "expire", added["id"], "--by", "ben")
        assert (ended["outcome"], ended["actor"]) == ("done", "ben")
        await until(lambda: len(made.slack.posts(CHANNEL)) == 2, what=made.logs)
        assert command(made, "silences", "list") == []
        assert "message set aside" in made.logs()

        made.stop()
        late = ExpireSilence(actor="ada", source="cli", at_ms=now_ms(), subject=added["id"])
        with pytest.raises(NotApplied, match="did not take effect within 1 s"):
            await acts_topic.tell(settings, owner, late, within_s=1)

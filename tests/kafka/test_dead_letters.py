"""`stormfold dead-letters` on a real Kafka and a real DELIVER: given up, sent again once, told."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from correlators.types import Digest, PageAction
from sinks.entries import DeadReason, letter
from sinks.marks import RedriveOutcome, SentAgain
from streams import codec, letters_topic, status_kafka
from streams.accounts import partition_of_account
from streams.broker import Broker
from streams.cli_acts import now_ms
from streams.letter_records import headers_of, redrive_of, send_mark
from streams.letters import Case, LetterState
from streams.letters_topic import Again, LettersError, NotThere
from streams.processes import StageName
from streams.settings import Settings, load
from streams.stage import Host
from streams.stage.state import FencedWriter, committed
from streams.status_letters import DeadLetters
from streams.topics import names
from tests.kafka.chain import CHANNEL, PATIENCE_S, PAY, Chain, chain, until
from tests.sinks.make import digest

PARTITIONS = 4
EXTRA = """
routes: {tell: [slack:incidents]}
"""


def command(made: Chain, *arguments: str, status: int = 0) -> Any:
    """Return what a command prints as JSON."""
    done = made.run("dead-letters", *arguments, "--json")
    assert (done.returncode, done.stderr) == (status, ""), (done, made.logs())
    return json.loads(done.stdout)


async def deliver(producer: AIOKafkaProducer, namespace: str, *digests: Digest) -> None:
    for one in digests:
        where = partition_of_account(one.destination, PARTITIONS)
        topic = names(namespace).deliveries
        await producer.send_and_wait(topic, codec.encode(one), partition=where)


async def give_up(producer: AIOKafkaProducer, namespace: str, one: Digest, at_ms: int) -> None:
    """Write a dead letter, as DELIVER does."""
    dead = letter(one, DeadReason.NOT_AUTHORISED, at_ms, detail="token_revoked")
    topic = names(namespace).dead
    await producer.send_and_wait(topic, dead.digest, headers=headers_of(dead))


async def sent_again(settings: Settings) -> list[tuple[str, str]]:
    """Return the letters that stand on `deliveries`, and where each goes."""
    topic = names(settings.namespace).deliveries
    found = []
    for partition in range(PARTITIONS):
        async for records in committed(settings.kafka.bootstrap, topic, partition):
            for record in records:
                redrive = redrive_of(record.headers)
                if redrive is not None:
                    found.append((redrive.letter, codec.digest(record.value or b"").destination))
    return found


async def die_in_between(settings: Settings, case: Case) -> None:
    """Be a command that has written that a letter is sent again, and dies before it commits."""
    writer = FencedWriter(
        Host(),
        bootstrap=settings.kafka.bootstrap,
        transactional_id=f"{settings.namespace}.dead-letters",
        max_request_bytes=1_048_576,
    )
    await writer.start()
    mark = SentAgain(letter=case.letter.id, destination="slack:incidents", by="zoe", at_ms=1)
    transaction = writer.transaction()
    await transaction.__aenter__()
    await send_mark(transaction, names(settings.namespace).dead, mark)
    await writer.stop()  # what was sent stands there, in a transaction that nobody ends


async def letters_when(settings: Settings, count: int) -> list[Case]:
    """Return the letters as soon as there are so many."""
    deadline = time.monotonic() + PATIENCE_S
    while len(found := (await letters_topic.read(settings)).cases) < count:
        assert time.monotonic() < deadline, found
    return found


async def test_what_was_given_up_is_sent_again_once_and_told(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with (
        chain(tmp_path, kafka.bootstrap, namespace, clock="wall", extra=EXTRA) as made,
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer,
    ):
        made.config.write_text(
            made.config.read_text().replace("{incidents: C", f"{{gone: {PAY}, incidents: C")
        )
        made.slack.archive(PAY)
        made.start("run", "--stages", "deliver")
        settings = load(made.config, {})
        await deliver(producer, namespace, digest("slack:gone", id="inc-a"))
        (case,) = await letters_when(settings, 1)
        first = case.letter.id
        assert case.letter.reason == "not_allowed"
        assert case.letter.detail.startswith("is_archived: ")
        trigger = digest("pagerduty:default", id="inc-b", page=PageAction.TRIGGER)
        await give_up(producer, namespace, trigger, now_ms())

        shown = await asyncio.to_thread(made.run, "dead-letters", "show", first)
        assert "what to do: " in shown.stdout
        assert "payment-db refused the connection" in shown.stdout

        # The channel is still archived: it is given up again, under an id of its own.
        again = Again((first,), "", frozenset(), "ada", now_ms())
        (sent,) = await letters_topic.redrive(settings, again, within_s=PATIENCE_S)
        assert sent.taken is not None
        assert sent.taken.outcome is RedriveOutcome.TAKEN
        cases = {one.letter.id: one for one in await letters_when(settings, 3)}
        second = cases[first].again
        assert cases[second].letter.destination == "slack:gone"
        (told,) = await asyncio.to_thread(
            command, made, "redrive", second, "--to", "slack:incidents"
        )
        assert (told["outcome"], told["sent_to"]) == ("taken", "slack:incidents")
        await until(lambda: bool(made.slack.posts(CHANNEL)), what=made.logs)

        # Nothing is open in the state, so nobody is paged; what was sent again is left as it is.
        rest = await asyncio.to_thread(command, made, "redrive", "--all", "--yes")
        assert [(one["subject"], one["outcome"]) for one in rest] == [("inc-b", "over")]
        again = Again((second,), "", frozenset(), "ada", now_ms())
        (same,) = await letters_topic.redrive(settings, again, within_s=PATIENCE_S)
        assert same.taken is not None
        assert (same.taken.outcome, same.letter.id) == (told["outcome"], second)
        assert len(made.slack.posts(CHANNEL)) == 1
        assert made.pagerduty.calls == []
        assert not [one for one in (await letters_topic.read(settings)).cases if one.open]
        status = await status_kafka.read(settings, [StageName.DELIVER])
        assert status.dead_letters == DeadLetters(waiting=0, last_ms=None, complete=True)
        assert sorted(await sent_again(settings)) == sorted(
            [(first, "slack:gone"), (second, "slack:incidents")]
        )


async def test_of_two_who_send_the_same_again_one_does_and_without_deliver_it_stands_there(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with (
        chain(tmp_path, kafka.bootstrap, namespace, clock="wall") as made,
        AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer,
    ):
        settings = load(made.config, {})
        for number in range(3):
            await give_up(
                producer, namespace, digest("slack:incidents", id=f"i{number}"), number + 1
            )
        await producer.send_and_wait(names(namespace).dead, b"\xff of another version")
        found = (await letters_topic.read(settings)).cases
        assert [one.letter.digest and one.letter.digest.id for one in found][1:] == [
            "i2",
            "i1",
            "i0",
        ]
        unreadable, *readable = found
        status = await status_kafka.read(settings, [])
        assert status.dead_letters is not None
        assert status.dead_letters.waiting == 4
        assert status.dead_letters.last_ms == unreadable.letter.at_ms
        ids = tuple(one.letter.id for one in readable)
        await die_in_between(settings, readable[0])
        mine, other = (Again(ids[:2], "", frozenset(), by, now_ms()) for by in ("ada", "ben"))
        both = await asyncio.gather(
            letters_topic.redrive(settings, mine, within_s=0.1),
            letters_topic.redrive(settings, other, within_s=0.1),
            return_exceptions=True,
        )
        failed = [one for one in both if isinstance(one, BaseException)]
        assert all(isinstance(one, LettersError) for one in failed), failed
        assert len(failed) < 2
        del both, failed
        gc.collect()  # what the client of the slower one leaves behind is logged here, not later
        assert sorted(await sent_again(settings)) == sorted(
            (one, "slack:incidents") for one in ids[:2]
        )
        waiting = await asyncio.to_thread(
            command, made, "redrive", ids[0], "--within", "1s", status=1
        )
        assert [one["state"] for one in waiting] == ["sent_again"]

        dropped = await asyncio.to_thread(
            command, made, "drop", ids[2], ids[0], unreadable.letter.id, "--reason", "known"
        )
        assert dropped == {"dropped": 2, "were_done_before": 1}
        states = {one.letter.id: one.state for one in (await letters_topic.read(settings)).cases}
        assert states == {
            ids[0]: LetterState.SENT_AGAIN,
            ids[1]: LetterState.SENT_AGAIN,
            ids[2]: LetterState.PUT_ASIDE,
            unreadable.letter.id: LetterState.PUT_ASIDE,
        }
        made.config.write_text(made.config.read_text().replace(namespace, f"{namespace}x"))
        with pytest.raises(NotThere, match="stormfold topics"):
            await letters_topic.read(load(made.config, {}))

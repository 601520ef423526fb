"""Acts on their way to CORRELATE: written to its input log, and followed until they took effect.

An act stands in the partition that owns the environment of what it is about, and takes effect in
the next tick. What became of it is an entry of the state, and that is what is waited for.

    ActError        it could not be written, or what became of it is not known
    └── NotApplied  it stands on the log, and CORRELATE has not come to it in time
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from correlators.acts import Act, ActDone, act_id
from streams import codec
from streams.codec import CodecError
from streams.settings import Settings
from streams.topics import names, said_by


class ActError(Exception):
    """One line says what became of the act, as far as it is known."""


class NotApplied(ActError):
    """It is written and not applied yet."""


async def tell(settings: Settings, partition: int, act: Act, *, within_s: float) -> ActDone:
    """Write an act and return what became of it.

    Args:
        settings: which installation.
        partition: of `incident.deltas`, and so of the state.
        act: what somebody decided.
        within_s: how long CORRELATE may take.

    Raises:
        ActError: Kafka does not answer; it is said whether the act may stand there.
        NotApplied: it was written and did not take effect in time; it will when CORRELATE goes on.
    """
    (done,) = await tell_each(settings, [partition], act, within_s=within_s)
    return done


async def tell_each(
    settings: Settings, partitions: Sequence[int], act: Act, *, within_s: float
) -> list[ActDone]:
    """Write an act to each of these partitions and return what became of it in each.

    Args and errors are those of `tell`; with an error some of them may have it and others not.
    """
    bootstrap = settings.kafka.bootstrap
    topics = names(settings.namespace)
    states = [TopicPartition(topics.incidents, one) for one in partitions]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    written = False
    try:
        async with asyncio.timeout(within_s):
            await consumer.start()
            # Before the act is written: what becomes of it stands behind these places.
            ends = await consumer.end_offsets(states)
            await producer.start()
            written = True
            for one in partitions:
                await producer.send_and_wait(topics.deltas, codec.encode(act), partition=one)
            consumer.assign(states)
            for state, end in ends.items():
                consumer.seek(state, end)
            return await _outcomes(consumer, act_id(act), len(states))
    except TimeoutError:
        if not written:
            raise ActError(f"Kafka at {bootstrap} gave no answer in {within_s:.0f} s") from None
        raise NotApplied(
            f"{act_id(act)} stands on {topics.deltas}, but did not take effect within "
            f"{within_s:.0f} s: it does when CORRELATE gets there; `stormfold status` shows where "
            "it is"
        ) from None
    except (KafkaError, OSError, CodecError) as error:
        may_be = "; it may have been written all the same" if written else ""
        raise ActError(f"Kafka at {bootstrap}: {said_by(error)}{may_be}") from None
    finally:
        await producer.stop()
        await consumer.stop()


async def _outcomes(consumer: AIOKafkaConsumer, wanted: str, many: int) -> list[ActDone]:
    """Return what became of the act in each of so many partitions, by partition."""
    key = f"act:{wanted}".encode()
    found: dict[int, ActDone] = {}
    while len(found) < many:
        fetched = await consumer.getmany(timeout_ms=100)
        for records in fetched.values():
            for record in records:
                if record.key == key and record.value is not None:
                    done = codec.entry(record.value)
                    assert isinstance(done, ActDone)
                    found[record.partition] = done
    return [done for _, done in sorted(found.items())]

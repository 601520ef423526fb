"""The topic of the dead letters: read whole, and written when letters are sent again or put aside.

A letter is sent again in one transaction with the mark that says so, by a producer that fences the
one of any other such command; it then reads what that one has written, before it writes itself. So
of two people who do the same at once, one does it, and a command that dies in between leaves all as
it was or has done it.

    LettersError    Kafka does not answer, or the topics cannot be read or written
    └── NotThere    topics are missing
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Final, NamedTuple, Self

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from sinks.marks import Mark, PutAside, RedriveOutcome, SentAgain, Taken
from streams import codec
from streams.accounts import partition_of_account
from streams.letter_records import Letter, mark_of, read_letter, redrive_headers, send_mark
from streams.letters import SENDABLE, Case, LetterState, cases, in_order
from streams.settings import Settings
from streams.stage.host import Host
from streams.stage.state import FencedWriter, Transaction
from streams.topics import TopicsError, max_record_bytes, names, partitions_of, said_by

READ_MOST: Final = 20_000
"""Records read back from the end of each partition; older ones are left out, and that is said."""

AT_ONCE: Final = 200
"""Letters of one transaction."""

WITHIN_S: Final = 30.0
"""For reading, and for writing."""

POLL_MS: Final = 200
"""How long more is waited for at a time."""


class LettersError(Exception):
    """One line says what went wrong, and what was done by then."""


class NotThere(LettersError):
    """Topics of this installation are missing; one line names them."""


class Look(NamedTuple):
    """What stands on the topic."""

    cases: list[Case]
    """The newest first."""
    left_out: int
    """Older records that were not read."""


class Again(NamedTuple):
    """Letters to be sent again."""

    letters: tuple[str, ...]
    """Their ids."""
    to: str
    """Where to; empty sends each where it was meant for."""
    over: frozenset[str]
    """Those of them that would page for what is over: noted, and not sent."""
    by: str
    at_ms: int


async def read(settings: Settings) -> Look:
    """Return the dead letters, with what was noted about each.

    Raises:
        LettersError: they cannot be read.
    """
    async with _named(settings, "read"), _Reader(settings) as reader:
        return await reader.look()


async def redrive(settings: Settings, again: Again, *, within_s: float) -> list[Case]:
    """Send letters again, and return all of them with what became of each as far as it is known.

    A letter that was sent again before is left as it is.

    Args:
        settings: which installation.
        again: which letters, and where to.
        within_s: how long DELIVER may take to say what becomes of them.

    Raises:
        LettersError: they cannot be written; the text says what was.
    """
    async with _named(settings, "read"), _Reader(settings) as reader:
        partitions = await _count(settings, names(settings.namespace).deliveries)

        async def send(transaction: Transaction, case: Case) -> None:
            await _send_again(settings, transaction, case.letter, again, partitions)

        written = await _write(settings, reader, again.letters, SENDABLE, send)
        waiting = written - again.over
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while waiting:
                    await reader.more()
                    look = await reader.look()
                    waiting &= {one.letter.id for one in look.cases if one.taken is None}
        return [one for one in (await reader.look()).cases if one.letter.id in again.letters]


async def put_aside(settings: Settings, ids: Collection[str], why: str, by: str, at_ms: int) -> int:
    """Note that letters are done with, and return how many were not before.

    Raises:
        LettersError: it cannot be written; the text says what was.
    """
    topic = names(settings.namespace).dead

    async def send(transaction: Transaction, case: Case) -> None:
        letter = case.letter
        mark = PutAside(letter=letter.id, partition=letter.partition, by=by, at_ms=at_ms, why=why)
        await send_mark(transaction, topic, mark)

    async with _named(settings, "read"), _Reader(settings) as reader:
        return len(await _write(settings, reader, ids, {LetterState.OPEN}, send))


async def _send_again(
    settings: Settings, transaction: Transaction, letter: Letter, again: Again, partitions: int
) -> None:
    """Add to a transaction the mark of a letter and its digest, on its way once more."""

    assert letter.digest is not None, "cannot be read"
    topics = names(settings.namespace)
    to = again.to or letter.destination
    sent = SentAgain(
        letter=letter.id,
        partition=letter.partition,
        destination=to,
        by=again.by,
        at_ms=again.at_ms,
    )
    await send_mark(transaction, topics.dead, sent)
    if letter.id in again.over:
        ended = Taken(
            letter=letter.id,
            partition=letter.partition,
            destination=to,
            outcome=RedriveOutcome.OVER,
            at_ms=again.at_ms,
        )
        await send_mark(transaction, topics.dead, ended)
        return
    await transaction.send(
        topics.deliveries,
        partition=partition_of_account(to, partitions),
        key=to.encode(),
        value=codec.encode(msgspec.structs.replace(letter.digest, destination=to)),
        headers=redrive_headers(letter, to),
    )


async def _write(
    settings: Settings,
    reader: _Reader,
    wanted: Collection[str],
    states: Collection[LetterState],
    send: Callable[[Transaction, Case], Awaitable[None]],
) -> set[str]:
    """Write about those letters that are still in these states, older ones first, and return
    their ids."""
    written: set[str] = set()
    writer = FencedWriter(
        Host(),
        bootstrap=settings.kafka.bootstrap,
        transactional_id=f"{settings.namespace}.dead-letters",
        max_request_bytes=max_record_bytes(settings),
    )
    try:
        async with _named(settings, "written", written):
            async with asyncio.timeout(WITHIN_S):
                await writer.start()
            # Fenced first, read then: what another command has written is seen here.
            look = await reader.look()
            asked = (one for one in look.cases if one.letter.id in wanted)
            chosen = in_order(one for one in asked if one.state in states)
            for first in range(0, len(chosen), AT_ONCE):
                portion = chosen[first : first + AT_ONCE]
                async with asyncio.timeout(WITHIN_S), writer.transaction() as transaction:
                    for one in portion:
                        await send(transaction, one)
                written |= {one.letter.id for one in portion}
    finally:
        with contextlib.suppress(KafkaError, OSError):
            await writer.stop()
    return written


class _Reader:
    """Reads the topic, and what is added to it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = names(settings.namespace).dead
        self._tps: list[TopicPartition] = []
        self._letters: list[Letter] = []
        self._marks: list[Mark] = []
        self._left_out = 0

    async def __aenter__(self) -> Self:
        partitions = range(await _count(self._settings, self._topic))
        self._tps = [TopicPartition(self._topic, one) for one in partitions]
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka.bootstrap,
            enable_auto_commit=False,
            isolation_level="read_committed",
            fetch_max_wait_ms=100,
        )
        try:
            await self._consumer.start()
            ends = await self._consumer.end_offsets(self._tps)
            begins = await self._consumer.beginning_offsets(self._tps)
            self._consumer.assign(self._tps)
            for tp in self._tps:
                start = max(begins[tp], ends[tp] - READ_MOST)
                self._left_out += start - begins[tp]
                self._consumer.seek(tp, start)
        except BaseException:
            await self._consumer.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def look(self) -> Look:
        """Return what stands there now."""
        ends = await self._consumer.end_offsets(self._tps)
        async with asyncio.timeout(WITHIN_S):
            while any([await self._consumer.position(tp) < ends[tp] for tp in self._tps]):
                await self.more()
        return Look(cases(self._letters, self._marks), self._left_out)

    async def more(self) -> None:
        """Take what comes next, waiting for it a moment."""
        for records in (await self._consumer.getmany(timeout_ms=POLL_MS)).values():
            for record in records:
                letter = read_letter(record)
                mark = mark_of(record) if letter is None else None
                if letter is not None:
                    self._letters.append(letter)
                elif mark is not None:
                    self._marks.append(mark)


async def _count(settings: Settings, topic: str) -> int:
    """Return how many partitions a topic has."""
    found = (await partitions_of(settings, [topic]))[topic]
    if not found:
        at = settings.kafka.bootstrap
        raise NotThere(f"{topic} is missing at {at}; `stormfold topics` makes it")
    return len(found)


@contextlib.asynccontextmanager
async def _named(
    settings: Settings, what: str, written: Collection[str] = ()
) -> AsyncIterator[None]:
    """Turn what goes wrong with Kafka inside into one line that says what was done by then."""
    at = settings.kafka.bootstrap
    done = ""
    try:
        yield
    except TopicsError as error:
        raise LettersError(str(error)) from None
    except ProducerFenced:
        done = f"; {len(written)} were done before" if written else "; nothing was done here"
        raise LettersError(f"another such command came between{done}: look again") from None
    except TimeoutError:
        raise LettersError(f"Kafka at {at} gave no answer in {WITHIN_S:.0f} s") from None
    except (KafkaError, OSError) as error:
        done = f"; {len(written)} were done before" if written else ""
        raise LettersError(f"Kafka at {at} cannot be {what}: {said_by(error)}{done}") from None

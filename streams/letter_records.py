"""The records of the topic `deliveries.dead`: letters, and marks behind them, there and back.

A letter's id is a hash of what it says and when, so it is the same for everybody who reads it and
never that of another one, also on a topic that was made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import xxhash
from aiokafka import ConsumerRecord

from correlators.types import Digest
from sinks.base import Step
from sinks.entries import DeadLetter
from sinks.marks import (
    MARK_HEADER,
    REDRIVE_HEADER,
    Mark,
    Redrive,
    encode,
    read_mark,
    read_redrive,
)
from streams import codec
from streams.codec import CodecError
from streams.stage.state import Headers, Transaction

LETTER_PREFIX: Final = "dl-"


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter as it stands on its topic."""

    id: str
    partition: int
    offset: int
    at_ms: int
    """When it was given up."""
    destination: str
    reason: str
    """A word of `DeadReason`, or of a later version."""
    detail: str
    step: str
    """The call that was given up; empty where none was made."""
    attempts: int
    possible_repeat: bool
    digest: Digest | None
    """None where this version cannot read it."""


def headers_of(letter: DeadLetter) -> Headers:
    """Return the headers of a letter's record; its value is the digest."""
    said = {
        "reason": letter.reason.value,
        "detail": letter.detail,
        "destination": letter.destination,
        "attempts": str(letter.attempts),
        "at_ms": str(letter.at_ms),
        "step": letter.step.value if letter.step is not None else "",
        **({"possible_repeat": "1"} if letter.possible_repeat else {}),
    }
    return [(name, value.encode()) for name, value in said.items()]


def read_letter(record: ConsumerRecord[Any, Any]) -> Letter | None:
    """Return the letter of a record; None where it is a mark."""
    headers = dict(record.headers)
    if MARK_HEADER in headers:
        return None
    said = {name: value.decode(errors="replace") for name, value in headers.items()}
    value = record.value or b""
    try:
        digest = codec.digest(value)
    except CodecError:
        digest = None
    at_ms = _number(said.get("at_ms", "")) or record.timestamp
    destination = said.get("destination", "")
    named = f"{record.partition}|{record.offset}|{at_ms}|{destination}|".encode() + value
    return Letter(
        id=f"{LETTER_PREFIX}{xxhash.xxh3_64_hexdigest(named)}",
        partition=record.partition,
        offset=record.offset,
        at_ms=at_ms,
        destination=destination,
        reason=said.get("reason", ""),
        detail=said.get("detail", ""),
        step=said.get("step", ""),
        attempts=_number(said.get("attempts", "")),
        possible_repeat="possible_repeat" in said,
        digest=digest,
    )


async def send_mark(transaction: Transaction, topic: str, mark: Mark) -> None:
    """Add a mark to a transaction, in the partition of the letter that it is about."""
    await transaction.send(
        topic,
        partition=mark.partition,
        key=mark.letter.encode(),
        value=encode(mark),
        headers=[(MARK_HEADER, b"1")],
    )


def mark_of(record: ConsumerRecord[Any, Any]) -> Mark | None:
    """Return the mark of a record; None for a letter, and for a mark of a later version."""
    if not any(name == MARK_HEADER for name, _ in record.headers):
        return None
    try:
        return read_mark(record.value or b"")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def redrive_headers(letter: Letter, destination: str) -> Headers:
    """Return the headers of a letter's digest on its way to a destination once more."""
    there = destination == letter.destination
    redrive = Redrive(
        letter=letter.id,
        partition=letter.partition,
        step=Step(letter.step) if there and letter.step in set(Step) else None,
        possible_repeat=there and letter.possible_repeat,
    )
    return [(REDRIVE_HEADER, encode(redrive))]


def redrive_of(headers: Sequence[tuple[str, bytes]]) -> Redrive | None:
    """Return which dead letter a record of `deliveries` is; None where it is none.

    Raises:
        CodecError: it is one of another version.
    """
    found = dict(headers).get(REDRIVE_HEADER)
    if found is None:
        return None
    try:
        return read_redrive(found)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CodecError(f"not a dead letter that is sent again: {error}") from None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0

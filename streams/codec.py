"""How values travel on Stormfold's own topics, and back.

Everything here is MessagePack by msgspec: one byte form per value, typed when read. A value that
does not read raises `CodecError`; the raw bodies of `sentry.events` are not this module's matter.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from correlators.acts import Act
from correlators.decisions import Decision
from correlators.entries import Entry
from correlators.types import DeltaBatch, Digest
from sinks.attempted import Attempted
from streams.reports import Report


class CodecError(Exception):
    """The bytes are not what this topic holds; the reason names the place and no content."""


class Told(msgspec.Struct, frozen=True, kw_only=True, tag="told"):
    """On `stormfold.progress`: how far CORRELATE has come on one partition, told when it moved."""

    partition: int
    applied_tick: int
    """Last tick applied; everything decided up to it is on `deliveries`."""
    open_incidents: int
    open_storms: int
    suppressed: int
    """Digests held back since the birth of the state."""
    late: int
    """Late deltas since the birth of the state."""


Heard = Told | Report
"""What stands on `stormfold.progress`."""

Said = Decision | Attempted
"""What stands on `decisions`."""

_T = TypeVar("_T")

_encoder: Final = msgspec.msgpack.Encoder()
_entry: Final[msgspec.msgpack.Decoder[Entry]] = msgspec.msgpack.Decoder(Entry)
_batch: Final = msgspec.msgpack.Decoder(DeltaBatch | tuple[DeltaBatch, ...])
_act: Final[msgspec.msgpack.Decoder[Act]] = msgspec.msgpack.Decoder(Act)
_digest: Final = msgspec.msgpack.Decoder(Digest)
_said: Final[msgspec.msgpack.Decoder[Said]] = msgspec.msgpack.Decoder(Said)
_told: Final[msgspec.msgpack.Decoder[Heard]] = msgspec.msgpack.Decoder(Heard)


def encode(value: msgspec.Struct) -> bytes:
    """Return the bytes of an entry, a batch, an act, a digest or a progress message."""
    return _encoder.encode(value)


def entry(raw: bytes) -> Entry:
    """Return the state entry. Raises: CodecError."""
    return _read(_entry, raw, "a state entry")


def encode_batches(some: tuple[DeltaBatch, ...]) -> bytes:
    """Return the bytes of one message that holds these delta batches.

    A single one stands there as it is.
    """
    return _encoder.encode(some[0] if len(some) == 1 else some)


def batches(raw: bytes) -> tuple[DeltaBatch, ...]:
    """Return the delta batches of one message, in their order. Raises: CodecError."""
    found = _read(_batch, raw, "a delta batch")
    return (found,) if isinstance(found, DeltaBatch) else found


def message(raw: bytes) -> tuple[DeltaBatch, ...] | Act:
    """Return what stands on `incident.deltas`: delta batches, or an act, which names its kind.

    Raises:
        CodecError: it is neither; also an act of a kind that this version does not know.
    """
    try:
        return batches(raw)
    except CodecError as no_batch:
        if b"\xa4type" not in raw[:8]:
            raise no_batch
    return _read(_act, raw, "an act")


def digest(raw: bytes) -> Digest:
    """Return the digest. Raises: CodecError."""
    return _read(_digest, raw, "a digest")


def said(raw: bytes) -> Said:
    """Return the decision, or what became of a call. Raises: CodecError."""
    return _read(_said, raw, "decision")


def told(raw: bytes) -> Heard:
    """Return the progress message. Raises: CodecError, also for one of another version."""
    return _read(_told, raw, "a progress message")


def _read(decoder: msgspec.msgpack.Decoder[_T], raw: bytes, what: str) -> _T:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CodecError(f"not {what}: {error}") from error

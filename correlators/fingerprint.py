"""What makes two events the same error: their signature, its hash, and the reasons for it.

Lives here: which parts of an event count, in what order, and how they become a fingerprint. Not
here: how a text loses its variable parts (`parameterise`), what a frame is called (`frames`), any
cache (its key is `cache_key`). Pure: the same event and version give the same signature in every
process.

Version 1, first rule that finds something:

1. Sentry's custom fingerprint, if the event carries one; with `{{ default }}` in it, together with
   the rest.
2. The stack: types of the chain from the oldest cause to what was raised, and of each exception its
   newest in-app frame; where that frame only checks or raises for others, its callers down to the
   first that does not (and where it raises whatever it is told, the plain words of the message).
   Without any in-app frame the newest `stacks.SYSTEM_FRAMES` of the raised exception. The stack of
   a message says only where it was written, so there the message counts with it.
3. The parameterised message with the types.
4. The types; else culprit, transaction or logger.

Line numbers, folders, addresses and releases never count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import xxhash

from correlators.custom import custom_values
from correlators.parameterise import message_line, parameterise
from correlators.stacks import Part, Why, newest_in_app, newest_of_any, recurring
from correlators.types import Event, ExceptionValue, Signature, SignatureKind

VERSIONS: Final = (1,)
"""Signature versions that this release can make."""

CHAIN_READ: Final = 5
"""Exceptions of a chain that count; of a longer one the oldest and the newest."""

TITLE_CHARS: Final = 200
TYPE_CHARS: Final = 200


class UnknownVersion(ValueError):
    """This release cannot make signatures of that version; the one error of this module."""


def signature(event: Event, *, version: int = 1) -> Signature:
    """Return the event's signature.

    Reads `platform`, `logger`, `level`, `transaction`, `culprit`, `message`, `exceptions`, `frames`
    and `sentry_fingerprint`, nothing else: events with equal `cache_key` have equal signatures.

    Args:
        event: any event; nothing in it raises.
        version: one of `VERSIONS`.

    Raises:
        UnknownVersion: this release does not know the version.

    Source: order of rules after Sentry's grouping, docs.sentry.io, "Event grouping".
    """
    kind, parts = _decided(event, version)
    texts = tuple(part.text for part in parts)
    return Signature(
        version=version,
        kind=kind,
        parts=texts,
        title=title(event),
        fingerprint=fingerprint(version, texts),
    )


def explain(event: Event, *, version: int = 1) -> list[str]:
    """Return what decided, then one line per part of the signature with its reason.

    Args:
        event: any event.
        version: one of `VERSIONS`.

    Raises:
        UnknownVersion: this release does not know the version.
    """
    kind, parts = _decided(event, version)
    return [
        f"signature version {version}, decided by {kind}",
        *(f"{part.text}: {part.why}" for part in parts),
    ]


def fingerprint(version: int, parts: Sequence[str]) -> str:
    """Return 32 hex digits that stand for these parts in this order under this version.

    Each part goes in behind its length, so no two different lists make the same bytes.
    """
    made = xxhash.xxh3_128(f"{version}:{len(parts)}:".encode())
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        made.update(b"%d:" % len(raw))
        made.update(raw)
    return made.hexdigest()


def cache_key(event: Event) -> bytes:
    """Return 16 bytes that are equal only where everything that `signature` reads is equal.

    The version is not in it: a cache serves one version.
    """
    read = (
        event.platform,
        event.logger,
        event.level,
        event.transaction,
        event.culprit,
        event.message,
        event.exceptions,
        event.frames,
        event.sentry_fingerprint,
    )
    try:
        return xxhash.xxh3_128_digest(_ENCODER.encode(read))
    except UnicodeEncodeError:
        return xxhash.xxh3_128_digest(repr(read).encode("utf-8", "backslashreplace"))


_ENCODER: Final = msgspec.msgpack.Encoder()


def title(event: Event) -> str:
    """Return one line for people: type and parameterised message, else what names the event."""
    for exception in reversed(event.exceptions):
        name = "" if exception.synthetic else _type(exception)
        text = message_line(exception.value, chars=TITLE_CHARS, names=True)
        if name or text:
            return f"{name}: {text}" if name and text else name or text
    for text in (event.message, event.culprit, event.transaction, event.logger):
        if line := message_line(text, chars=TITLE_CHARS, names=True):
            return line
    return "Event without a description"


def _decided(event: Event, version: int) -> tuple[SignatureKind, list[Part]]:
    """Return what decided, and the parts in order, never none."""
    if version not in VERSIONS:
        raise UnknownVersion(
            f"signature version {version}; this release knows {', '.join(map(str, VERSIONS))}"
        )
    custom, default = custom_values(event)
    own = [Part(f"custom {value}", Why.CUSTOM) for value in custom]
    if not default:
        return SignatureKind.CUSTOM, own
    kind, parts = _by_default(event)
    return (SignatureKind.CUSTOM if own else kind), [*own, *parts]


def _by_default(event: Event) -> tuple[SignatureKind, list[Part]]:
    """Return the parts where the SDK asks for nothing of its own."""
    chain = event.exceptions
    if len(chain) > CHAIN_READ:
        chain = (chain[0], *chain[1 - CHAIN_READ :])
    if parts := _stack(chain, event):
        return SignatureKind.STACK, parts
    types = [part for one in chain if (part := _type_part(one, raised=one is chain[-1]))]
    texts = (
        [event.message] if not chain else [*(one.value for one in reversed(chain)), event.message]
    )
    for text in texts:
        if line := message_line(text):
            return SignatureKind.MESSAGE, [*types, Part(f"message {line}", Why.MESSAGE)]
    if types:
        return SignatureKind.TYPE, types
    for text in (event.culprit, event.transaction, event.logger):
        if line := message_line(text):
            return SignatureKind.EMPTY, [Part(f"place {line}", Why.PLACE)]
    return SignatureKind.EMPTY, [Part("nothing", Why.NOTHING)]


def _stack(chain: Sequence[ExceptionValue], event: Event) -> list[Part]:
    """Return types and frames, or nothing where no frame says anything."""
    platform = event.platform
    if not chain:
        frames = newest_in_app(event.frames, platform, "") or newest_of_any(event.frames, platform)
        if frames and (line := message_line(event.message)):
            frames.append(Part(f"message {line}", Why.MESSAGE_WITH_STACK))
        return frames
    by_exception = [
        recurring(one, platform) or newest_in_app(one.frames, platform, one.value) for one in chain
    ]
    if not any(by_exception):
        newest = next((at for at in reversed(range(len(chain))) if chain[at].frames), 0)
        by_exception[newest] = newest_of_any(chain[newest].frames, platform)
        if not by_exception[newest]:
            return []
    parts: dict[tuple[Part, ...], None] = {}
    for one, frames in zip(chain, by_exception, strict=True):
        kind = _type_part(one, raised=one is chain[-1])
        # An exception group holds the same failure many times; how often is chance.
        parts[(kind, *frames) if kind else tuple(frames)] = None
    return [part for group in parts for part in group]


def _type_part(exception: ExceptionValue, *, raised: bool) -> Part | None:
    """Return the exception's type as a part; nothing for a type that the SDK made up."""
    name = "" if exception.synthetic else _type(exception)
    return Part(f"type {name}", Why.RAISED if raised else Why.CAUSE) if name else None


def _type(exception: ExceptionValue) -> str:
    """Return the exception's type; a sentence in its place loses its variable parts."""
    name = exception.type[:TYPE_CHARS].strip()
    return name if name.isidentifier() else " ".join(parameterise(name).split())

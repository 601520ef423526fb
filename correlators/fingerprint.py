"""What makes two events the same error: their signature, its hash, and the reasons for it.

Lives here: which parts of an event count, in what order, and how they become a fingerprint. Not
here: what the versions do differently (`versions`), which exceptions of a tree count (`chains`),
which frames of a stack (`stacks`) and their names (`frames`, `cleaning`), how a text loses its
variable parts (`parameterise`), titles (`titles`), any cache (its key is `cache_key`). Pure: the
same event and version give the same signature in every process.

The first rule that finds something:

1. Sentry's custom fingerprint, if the event carries one; with `{{ default }}` in it, together with
   the rest.
2. The stack: types of the chain from the oldest cause to what was raised, and of each exception its
   newest in-app frame; where that frame says too little, its callers too, or the plain words of the
   message. Without any in-app frame the newest `stacks.SYSTEM_FRAMES` of the raised exception. The
   stack of a message says only where it was written, so there the message counts with it.
3. The parameterised message with the types.
4. The types; else culprit, transaction or logger.

Line numbers, folders, addresses and releases never count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec
import xxhash

from correlators.chains import members, newest_and_oldest, without_carriers
from correlators.custom import custom_values, read_by_custom
from correlators.frames import cleanings, frame_name
from correlators.parameterise import message_line
from correlators.reasons import Dropped, Note, Part, Why
from correlators.stacks import Walk
from correlators.titles import title, type_name
from correlators.types import Event, ExceptionValue, Signature, SignatureKind
from correlators.versions import DEFAULT_VERSION, RULES, VERSIONS, Rules

__all__ = [
    "DEFAULT_VERSION",
    "VERSIONS",
    "UnknownVersion",
    "cache_key",
    "explain",
    "fingerprint",
    "signature",
    "title",
]

_SIGNAL: Final = re.compile(
    r"(?:SIG[A-Z]{2,6}|EXC_[A-Z_]+|EXCEPTION_[A-Z_]+|STATUS_[A-Z_]+|0x[0-9A-Fa-f]+)\b"
)
"""A native crash in the words of its operating system: every other crash bears the same."""


class UnknownVersion(ValueError):
    """This release cannot make signatures of that version; the one error of this module."""


def signature(event: Event, *, version: int = DEFAULT_VERSION) -> Signature:
    """Return the event's signature.

    Reads `platform`, `logger`, `level`, `transaction`, `culprit`, `message`, `exceptions`, `frames`
    and `sentry_fingerprint` with what its variables name, nothing else: events with equal
    `cache_key` have equal signatures.

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


def explain(event: Event, *, version: int = DEFAULT_VERSION) -> list[str]:
    """Return what decided, one line per part with its reason, then what was dropped or cleaned.

    Lines of the third sort begin with two spaces. The same event gives the same lines.

    Args:
        event: any event.
        version: one of `VERSIONS`.

    Raises:
        UnknownVersion: this release does not know the version.
    """
    notes: list[Note] = []
    kind, parts = _decided(event, version, notes)
    return [
        f"signature version {version}, decided by {kind}",
        *(f"{part.text}: {part.why}" for part in parts),
        *(f"  dropped {note.text}: {note.why}" for note in dict.fromkeys(notes)),
        *_cleaned(event, RULES[version], parts),
    ]


CLEANED_TOLD: Final = 12
"""Cleanings of names that an explanation tells."""


def _cleaned(event: Event, rules: Rules, parts: Sequence[Part]) -> list[str]:
    """Return what was taken out of the names of the frames that count."""
    told: dict[str, None] = {}
    shown = {part.text for part in parts}
    for frames in (*(one.frames for one in reversed(event.exceptions)), event.frames):
        for frame in reversed(frames[-200:]):
            name = frame_name(frame, rules.naming, platform=event.platform)
            if f"frame {name}" not in shown:
                continue
            found = cleanings(frame, rules.naming, platform=event.platform)
            told |= {f"  cleaned {old} to {new}: {why}": None for old, new, why in found}
            if len(told) >= CLEANED_TOLD:
                return list(told)[:CLEANED_TOLD]
    return list(told)


def fingerprint(version: int, parts: Sequence[str]) -> str:
    """Return 32 hex digits that stand for these parts in this order under this version.

    Each part goes in behind its length, so no two different lists make the same bytes.
    """
    pieces = [f"{version}:{len(parts)}:".encode()]
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        pieces += (b"%d:" % len(raw), raw)
    return xxhash.xxh3_128_hexdigest(b"".join(pieces))


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
        read_by_custom(event),
    )
    try:
        return xxhash.xxh3_128_digest(_ENCODER.encode(read))
    except UnicodeEncodeError:
        return xxhash.xxh3_128_digest(repr(read).encode("utf-8", "backslashreplace"))


_ENCODER: Final = msgspec.msgpack.Encoder()


def parts_by(event: Event, rules: Rules) -> list[str]:
    """Return the parts under these rules, which need not be of any version: to compare rules."""
    return [part.text for part in _by_rules(event, rules, None)[1]]


def _decided(
    event: Event, version: int, notes: list[Note] | None = None
) -> tuple[SignatureKind, list[Part]]:
    """Return what decided under a version, and the parts in order, never none."""
    if version not in RULES:
        raise UnknownVersion(
            f"signature version {version}; this release knows {', '.join(map(str, VERSIONS))}"
        )
    return _by_rules(event, RULES[version], notes)


def _by_rules(
    event: Event, rules: Rules, notes: list[Note] | None
) -> tuple[SignatureKind, list[Part]]:
    """Return what decides under these rules, and the parts in order, never none."""
    custom, default = custom_values(event)
    own = [Part(f"custom {value}", Why.CUSTOM) for value in custom]
    if not default:
        return SignatureKind.CUSTOM, own
    kind, parts = _by_default(event, Walk(rules, event.platform, notes))
    return (SignatureKind.CUSTOM if own else kind), [*own, *parts]


def _by_default(event: Event, walk: Walk) -> tuple[SignatureKind, list[Part]]:
    """Return the parts where the SDK asks for nothing of its own."""
    chain = _chain(event, walk)
    if parts := _stack(chain, event, walk):
        return SignatureKind.STACK, parts
    types = [part for one in chain if (part := _type_part(one, walk, raised=one is chain[-1]))]
    texts = (
        [event.message] if not chain else [*(one.value for one in reversed(chain)), event.message]
    )
    for text in texts:
        if line := walk.said(text):
            return SignatureKind.MESSAGE, [*types, Part(f"message {line}", Why.MESSAGE)]
    if types:
        return SignatureKind.TYPE, types
    for text in (event.culprit, event.transaction, event.logger):
        if line := message_line(text):
            return SignatureKind.EMPTY, [Part(f"place {line}", Why.PLACE)]
    return SignatureKind.EMPTY, [Part("nothing", Why.NOTHING)]


def _chain(event: Event, walk: Walk) -> tuple[ExceptionValue, ...]:
    """Return the exceptions that count, the oldest cause first."""
    chain = event.exceptions
    if walk.rules.trees:
        chain = members(chain, lambda one: tuple(_own(one, walk)), walk.notes) or chain
    if not walk.rules.carriers:
        chain = without_carriers(chain, walk.notes)
    return newest_and_oldest(chain, walk.notes)


def _own(exception: ExceptionValue, walk: Walk) -> list[Part]:
    """Return what tells this exception from others beside it."""
    frames = walk.recurring(exception) or walk.newest_in_app(exception)
    frames = frames or walk.newest_of_any(exception.frames)
    kind = _type_part(exception, walk, raised=False)
    text = "" if frames else message_line(exception.value)
    return [*([kind] if kind else ()), *frames, *([Part(text, Why.MESSAGE)] if text else ())]


def _stack(chain: Sequence[ExceptionValue], event: Event, walk: Walk) -> list[Part]:
    """Return types and frames, or nothing where no frame says anything."""
    if not chain:
        written = ExceptionValue(frames=event.frames)
        frames = walk.newest_in_app(written) or walk.newest_of_any(event.frames)
        if frames and (line := message_line(event.message)):
            frames.append(Part(f"message {line}", Why.MESSAGE_WITH_STACK))
        return frames
    by_exception = [walk.recurring(one) or walk.newest_in_app(one) for one in chain]
    if not any(by_exception):
        newest = next((at for at in reversed(range(len(chain))) if chain[at].frames), 0)
        by_exception[newest] = walk.newest_of_any(chain[newest].frames)
        if not by_exception[newest]:
            return []
    parts: dict[tuple[Part, ...], None] = {}
    for one, frames in zip(chain, by_exception, strict=True):
        kind = _type_part(one, walk, raised=one is chain[-1], stack=True)
        if walk.only_written(one) and (line := walk.said(one.value)):
            text = Part(f"message {line}", Why.MESSAGE_WITH_STACK)
            frames = [*(part for part in frames if part.text != text.text), text]
        # An exception group holds the same failure many times; how often is chance.
        parts[(kind, *frames) if kind else tuple(frames)] = None
    return [part for group in parts for part in group]


def _type_part(
    exception: ExceptionValue, walk: Walk, *, raised: bool, stack: bool = False
) -> Part | None:
    """Return the exception's type as a part; nothing for a type that no program made."""
    name = "" if exception.synthetic else type_name(exception)
    if stack and name and not walk.rules.signals and _SIGNAL.match(name):
        name = ""
    if exception.type and not name and walk.notes is not None:
        walk.notes.append(Note(f"type {type_name(exception)}", Dropped.SYNTHETIC))
    if name == "InternalError" and walk.ran_out(exception):
        name = "RangeError"  # Firefox' word for what other browsers call so.
    return Part(f"type {name}", Why.RAISED if raised else Why.CAUSE) if name else None

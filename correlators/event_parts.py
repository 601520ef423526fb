"""The parts of an event (stack, message, level, user, trace, time, name), each in one form.

Every function takes what the wire gave, which may be null, and returns a bounded value; none
raises. Which part of which body is asked for is decided in `events`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import unquote

import xxhash

from correlators.types import ExceptionValue, Frame, Level
from correlators.wire import (
    WireChain,
    WireContexts,
    WireEvent,
    WireException,
    WireFrame,
    WireMechanism,
    WireMessage,
    WireRequest,
    WireStack,
    WireThread,
    WireUser,
)

FRAMES_KEPT: Final = 250
"""Frames of one stack: the newest ones, next to the crash."""
EXCEPTIONS_KEPT: Final = 50
"""Exceptions of a chain: the last ones, up to the one that was raised."""
FRAME_CHARS: Final = 512
TEXT_CHARS: Final = 8_192
TAGS_KEPT: Final = 200
LINK_CHARS: Final = 2_048
REQUEST_CHARS: Final = 200
METHOD_CHARS: Final = 10
LAST_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999."""

_NO_MECHANISM: Final = WireMechanism()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BEFORE_PATH: Final = re.compile(r"\A(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*")
_HEX_32: Final = re.compile(r"[0-9a-f]{32}")
_USER_KINDS: Final = ("id", "email", "username", "name", "ip")
_LEVELS: Final = {level.value: level for level in Level}
_LEVEL_NUMBERS: Final = dict(zip((10, 20, 30, 40, 50), Level, strict=True))


def name(given: str | None, chars: int) -> str:
    """Return a name on one line without outer blanks, at most `chars` long; empty for none."""
    if not given:
        return ""
    if not given.isprintable():
        given = " ".join("".join(c if c.isprintable() else " " for c in given[: chars * 4]).split())
    return given.strip()[:chars]


def names(given: list[str | None] | str | None, kept: int) -> tuple[str, ...]:
    """Return the list without its empty entries, at most `kept` of them, in order."""
    entries = [given] if isinstance(given, str) else (given or [])
    return tuple(entry[:FRAME_CHARS] for entry in entries[:kept] if entry)


def link(given: str | None) -> str:
    """Return the address if it is one that a browser opens and not too long, else nothing."""
    if given and len(given) <= LINK_CHARS and given.startswith(("https://", "http://")):
        return given if given.isprintable() and " " not in given else ""
    return ""


def request_of(request: WireRequest | None) -> str:
    """Return method and path of a request on one line, such as `POST /charges/17`; empty for none.

    Host, query and fragment are left out: they hold tokens and people. Escapes are undone, so that
    what looks like an address of mail is seen to be one.
    """
    if request is None or not request.url:
        return ""
    path = _BEFORE_PATH.sub("", request.url[:LINK_CHARS]).partition("?")[0].partition("#")[0]
    if not (path.startswith("/") and path.isprintable()):
        return ""
    method = request.method or ""
    known = method.isascii() and method.isalpha() and len(method) <= METHOD_CHARS
    return name(f"{method.upper() if known else ''} {unquote(path)}", REQUEST_CHARS)


def tags_of(tags: list[tuple[str, str | None]] | dict[str, str | None] | None) -> dict[str, str]:
    """Return the tags that have a value; of a repeated name the first one wins."""
    if not tags:
        return {}
    pairs: Iterable[tuple[str, str | None]] = tags.items() if isinstance(tags, dict) else tags
    found: dict[str, str] = {}
    for key, value in pairs:
        if value and key not in found:
            found[key] = value
            if len(found) == TAGS_KEPT:
                break
    return found


def level_of(*given: int | str | None) -> Level:
    """Return the first level that is given; `error` for none and for one that Sentry lacks."""
    for level in given:
        if level is not None and level != "":
            if isinstance(level, int):
                return _LEVEL_NUMBERS.get(level, Level.ERROR)
            return _LEVELS.get(level.strip().lower(), Level.ERROR)
    return Level.ERROR


def message_of(event: WireEvent, *, with_title: bool) -> str:
    """Return the message template, else the formatted message, else (`with_title`) the title.

    Source: Sentry's message strategy prefers `logentry.message` over `logentry.formatted`.
    """
    for entry in _log_entries(event):
        if entry.message or entry.formatted:
            return (entry.message or entry.formatted or "")[:TEXT_CHARS]
    if isinstance(event.message, str) and event.message:
        return event.message[:TEXT_CHARS]
    return (event.title or "")[:TEXT_CHARS] if with_title else ""


def formatted_of(event: WireEvent) -> str:
    """Return the message with its parameters filled in, where there is a template beside it."""
    for entry in _log_entries(event):
        if entry.message and entry.formatted and entry.formatted != entry.message:
            return entry.formatted[:TEXT_CHARS]
    return ""


def _log_entries(event: WireEvent) -> list[WireMessage]:
    given = (event.logentry, event.old_message, event.message)
    return [entry for entry in given if isinstance(entry, WireMessage)]


def exceptions_of(
    chain: list[WireException | None] | WireChain | None,
    frames: Callable[[WireStack | None], tuple[Frame, ...]] | None = None,
) -> tuple[ExceptionValue, ...]:
    """Return the exceptions in Sentry's order: the last one is the one that was raised.

    Args:
        chain: as it came.
        frames: what makes frames of a stack; `frames_of` by default.
    """
    frames = frames or frames_of
    if isinstance(chain, WireChain):
        values: list[WireException | None] = [chain] if chain.values is None else chain.values
    else:
        values = chain or []
    return tuple(
        ExceptionValue(
            type=name(value.type, FRAME_CHARS),
            value=_text(value.value),
            module=name(value.module, FRAME_CHARS),
            frames=frames(value.stacktrace),
            synthetic=bool(how.synthetic),
            mechanism=name(how.type, FRAME_CHARS),
            handled=how.handled is not False,
            group=bool(how.is_exception_group),
            exception_id=_number(how.exception_id),
            parent_id=_number(how.parent_id),
        )
        for value in values[-EXCEPTIONS_KEPT:]
        if value is not None
        and (value.type or value.value is not None or value.stacktrace is not None)
        for how in (value.mechanism or _NO_MECHANISM,)
    )


def _number(given: int | None) -> int:
    """Return the number of an exception in its tree, -1 for none and for one that cannot be."""
    return given if given is not None and 0 <= given < 1 << 31 else -1


def thread_frames(event: WireEvent) -> tuple[Frame, ...]:
    """Return the stack of the one thread that stands for the event, else the event's own.

    Source: Sentry's threads strategy: exactly one crashed thread, else exactly one current, else
    exactly one at all.
    """
    threads: list[WireThread | None] = []
    if isinstance(event.threads, list):
        threads = event.threads
    elif event.threads is not None:
        alone: list[WireThread | None] = [event.threads]
        threads = alone if event.threads.values is None else event.threads.values
    present = [thread for thread in threads if thread is not None]
    for chosen in (
        [thread for thread in present if thread.crashed],
        [thread for thread in present if thread.current],
        present,
    ):
        if len(chosen) == 1 and (frames := frames_of(chosen[0].stacktrace)):
            return frames
    return frames_of(event.stacktrace or event.old_stacktrace)


def frames_of(stack: WireStack | None) -> tuple[Frame, ...]:
    """Return the frames, oldest first."""
    if stack is None or not stack.frames:
        return ()
    return tuple(frame_of(frame) for frame in stack.frames[-FRAMES_KEPT:] if frame is not None)


def frame_of(frame: WireFrame) -> Frame:
    """Return the frame, its texts cut."""
    return Frame(
        (frame.function or "")[:FRAME_CHARS],
        (frame.module or "")[:FRAME_CHARS],
        (frame.filename or "")[:FRAME_CHARS],
        (frame.abs_path or "")[:FRAME_CHARS],
        frame.lineno if frame.lineno is not None and 0 < frame.lineno < 1 << 31 else 0,
        frame.in_app is True,
        (frame.context_line or "")[:FRAME_CHARS],
        (frame.package or "")[:FRAME_CHARS],
        (frame.raw_function or "")[:FRAME_CHARS],
        (frame.platform or "")[:FRAME_CHARS],
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        try:
            value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        except (ValueError, RecursionError):
            return ""
    return value[:TEXT_CHARS].encode("utf-8", "replace").decode()


def user_hash(user: WireUser | None, tag: str | None) -> int:
    """Return a 64-bit hash of who met the error, never 0; 0 when nobody is named.

    The tag `user` ("id:7") and the object {"id": 7} give the same hash; an id and a mail that read
    the same do not.
    """
    if user is not None:
        given = (user.id, user.email, user.username, user.name, user.ip_address)
        for kind, value in zip(_USER_KINDS, given, strict=True):
            # "{{auto}}" asks Relay to fill in the address; left standing, it is nobody's.
            text = "" if value is None else str(value).strip()
            if text and text != "{{auto}}":
                return _hash(f"{kind}:{text}")
    if tag:
        kind, _, value = tag.strip().partition(":")
        known = value.strip() and kind in _USER_KINDS
        return _hash(f"{kind}:{value.strip()}" if known else f"tag:{tag.strip()}")
    return 0


def trace_hash(contexts: WireContexts | None, tag: str | None) -> int:
    """Return a 64-bit hash of the trace id, never 0; 0 when there is none that is valid.

    Source: W3C Trace Context: a trace id is 32 hex digits, all zero is invalid.
    """
    trace = contexts.trace if contexts is not None else None
    for given in (trace.trace_id if trace is not None else None, tag):
        digits = (given or "").strip().lower().replace("-", "")
        if _HEX_32.fullmatch(digits) and digits.strip("0"):
            return _hash(f"trace:{digits}")
    return 0


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "replace")) or 1


def occurred_ms(given: float | int | str | None) -> int:
    """Return the moment in whole milliseconds; 0 for none, nonsense, or one not in 1970 to 9999.

    Args:
        given: seconds since the epoch, as a number or its text, or an ISO 8601 text; without an
            offset it is UTC.
    """
    if given is None:
        return 0
    if isinstance(given, str):
        text = given.strip()
        try:
            given = float(text)
        except ValueError:
            return _iso_ms(text)
    if isinstance(given, float) and not math.isfinite(given):
        return 0
    moment_ms = (
        given * 1000 if isinstance(given, int) else round(given * 1000) if given < 1e12 else 0
    )
    return moment_ms if 0 < moment_ms <= LAST_MS else 0


def _iso_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        moment_ms = round((moment - _EPOCH) / timedelta(milliseconds=1))
    except (ValueError, OverflowError):
        return 0
    return moment_ms if 0 < moment_ms <= LAST_MS else 0

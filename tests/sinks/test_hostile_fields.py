"""Megabytes of hostile text in each field of a digest, at every sink: a message all the same.

Its service takes it, it is small, and making it takes little memory. That nothing
in it acts is tested beside each sink, of any digest.
"""

from __future__ import annotations

import json
import tracemalloc
import typing
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from correlators.pressed import Pressed
from correlators.types import Digest, DigestKind
from sinks.base import Delivered, Outcome, Receipt, Rejected
from tests.sinks.case import Case
from tests.sinks.cases import CASES
from tests.sinks.hostile import ACTS
from tests.sinks.make import attempt
from tests.sinks.played import Clock

SIZE: Final = 5_000_000
MORE: Final = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "x\r\nBcc: evil@x.test\r\n\r\nbody",
    "\r\n.\r\nMAIL FROM:<evil@x.test>\r\n",
    "=?utf-8?b?QmNjOiBldmls?=",
    "[click](javascript:alert(1))",
    "<at>everyone</at> @everyone @channel <!everyone>",
    "{{DATE(2026-01-01T00:00:00Z, SHORT)}}",
    "\u2066\u2067\u202d\u0000\udc00",
)
ALL: Final = "".join((*MORE, *ACTS))
TEXT: Final = (ALL * (SIZE // len(ALL) + 1))[:SIZE]
ADDRESS: Final = "https://s.test/" + "u" * SIZE
WORD: Final = "w" * SIZE

OUT_CHARS: Final = 250_000
"""Of all messages of one field: the largest one that any sink makes is a mail."""
MEMORY: Final = 240_000_000
"""A dozen copies of one text, of which each character takes four bytes; there are a hundred."""
TRIES: Final = 4
"""A call that came to nothing on a busy machine is made again."""
OURS: Final = {"destination", "page_fallback", "handed_by", "page_told", "page_after_to"}
"""Names of destinations: of the configuration, which bounds them."""
KINDS: Final = {
    "report": DigestKind.REPORT,
    "reported": DigestKind.REPORT,
    "rollup": DigestKind.ROLLUP,
    "by": DigestKind.DEPLOY,
    "release_before": DigestKind.DEPLOY,
    "notice": DigestKind.PAGE_TROUBLE,
    "act": DigestKind.NOTED,
    "act_by": DigestKind.NOTED,
    "act_text": DigestKind.NOTED,
    "acked_by": DigestKind.ACKNOWLEDGED,
    "storm_title": DigestKind.JOINED,
}
"""Where a field is told by one kind alone."""


def filled(hint: Any) -> Any:
    """Return a value of this type with something in each field."""
    if hint is str:
        return "x"
    if hint is Pressed:
        return Pressed("U0ADA", "C0INC")
    if typing.get_origin(hint) is tuple:
        return (filled(typing.get_args(hint)[0]),)
    if type(None) in typing.get_args(hint):
        return filled(typing.get_args(hint)[0])
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint(**{name: filled(its) for name, its in typing.get_type_hints(hint).items()})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    return hint(1)


def each(value: Any, hint: Any, path: str, text: str) -> Iterator[tuple[str, Any]]:
    """Yield (path, value with this text there) for each text in it, however deep."""
    if hint is str:
        yield path, text
    elif typing.get_origin(hint) is tuple:
        (inner, *_) = typing.get_args(hint)
        old = value[0] if value else filled(inner)
        for below, one in each(old, inner, path, text):
            yield below, (one,) * 3
    elif type(None) in typing.get_args(hint):
        inner = typing.get_args(hint)[0]
        yield from each(filled(inner) if value is None else value, inner, path, text)
    elif hint is not Pressed and isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        for name, its in typing.get_type_hints(hint).items():
            if name not in OURS:
                for below, one in each(getattr(value, name), its, f"{path}.{name}", text):
                    yield below, msgspec.structs.replace(value, **{name: one})


def told_as(path: str, digest: Digest) -> Digest:
    """Return the digest as the kind that tells of this field."""
    kind = KINDS.get(path.split(".")[1])
    return digest if kind is None or own(digest) else msgspec.structs.replace(digest, kind=kind)


def own(digest: Digest) -> bool:
    """Return True for what has one kind alone: of one person, of an issue, of a press."""
    alone = (digest.personal, digest.issue_change, digest.answer)
    return any(one is not None for one in alone)


def everywhere(of: Digest, text: str) -> Digest:
    """Return the digest with this text in each field that may hold any."""
    for path, one in each(of, Digest, "", text):
        name = path.split(".")[1]
        if name not in ("issue_change", "answer", "personal", "id"):
            of = msgspec.structs.replace(of, **{name: getattr(one, name)})
    return of


async def taken(
    case: Case, digest: Digest, number: int, now_ms: int, *, steps: int = 9
) -> list[str]:
    """Tell the digest by every step there is, or the first ones; return what was not taken."""
    root: Receipt | None = None
    bad: list[str] = []
    for step in list(case.sink.plan(digest.destination).steps)[:steps]:
        outcome: Outcome | None = None
        for _ in range(TRIES):
            one = attempt(step, digest, root=root, number=number, started_ms=now_ms)
            outcome = await case.sink.send(one)
            if isinstance(outcome, Delivered | Rejected):
                break
        if isinstance(outcome, Delivered):
            root = outcome.receipt
        else:
            bad.append(f"{step}: {outcome!r:.200}")
    return bad


def out(case: Case) -> int:
    """Return how many characters the service was given so far."""
    calls = [] if case.peer is None else case.peer.calls
    return sum(len(json.dumps(one.args)) for one in calls)


@pytest.mark.parametrize("name", sorted(CASES))
async def test_megabytes_in_any_field_are_a_message_that_is_taken(
    name: str, clock: Clock, tmp_path: Path
) -> None:
    bad: list[str] = []
    async with CASES[name](clock, tmp_path) as case:
        of = case.digest("inc-00000000000000aa")
        for number, (path, digest) in enumerate(each(of, Digest, "", TEXT), 1):
            clock.now_ms += 3_600_000
            before = out(case)
            refused = await taken(case, told_as(path, digest), number, clock.now_ms, steps=1)
            # Whatever an issue is called in Sentry is no text of a message.
            bad += [f"{path} {one}" for one in refused if not path.startswith(".issue_change.")]
            if out(case) - before > OUT_CHARS:
                bad.append(f"{path}: {out(case) - before} characters")
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize("text", [ALL, TEXT, ADDRESS, WORD], ids=["few", "text", "address", "word"])
async def test_hostile_text_in_all_fields_at_once_is_a_small_message_by_every_step(
    name: str, text: str, clock: Clock, tmp_path: Path
) -> None:
    bad: list[str] = []
    async with CASES[name](clock, tmp_path) as case:
        of = everywhere(case.digest("inc-00000000000000aa"), text)
        kinds = [of.kind] if own(of) else sorted({of.kind, *KINDS.values()})
        for number, kind in enumerate(kinds, 1):
            clock.now_ms += 3_600_000
            one = msgspec.structs.replace(of, kind=kind)
            before = out(case)
            bad += await taken(case, one, number, clock.now_ms)
            if out(case) - before > OUT_CHARS:
                bad.append(f"{kind}: {out(case) - before} characters")
        tracemalloc.start()
        await taken(case, of, 100, clock.now_ms, steps=1)  # slow, so whatever comes of it
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        if peak > MEMORY:
            bad.append(f"{peak} bytes")
    assert not bad, "\n".join(bad)

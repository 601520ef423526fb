"""A digest small and clean enough for any message: each text and each list has its most.

Pure. What is cut has a name, the field's, and the names are given back to be counted and said.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar

import msgspec

from correlators.types import Digest, DigestKind, Rollup
from sinks.mrkdwn import cut
from sinks.words import clean, many

TEXTS: Final = {
    "title": 300,
    "origin_reason": 140,
    "because": 140,
    "left": 200,
    "page_why": 250,
    "culprit": 200,
    "transaction": 200,
    "request": 200,
    "storm_title": 150,
    "report": 400,
    "runbook": 0,
    "dashboard": 0,
    "status_page": 0,
    "url": 0,
    "Reported.actions": 300,
    "ReportLine.title": 140,
    "ReportLine.url": 0,
    "ServiceLine.title": 140,
    "ServiceLine.runbook": 0,
    "ServiceLine.url": 0,
    "AlertLine.title": 120,
    "AlertLine.url": 0,
    "RollupLine.title": 140,
    "RollupLine.url": 0,
    "notice": 300,
    "act_text": 1_200,
    "notes": 1_400,
}
"""The most characters of a field, escaped; 0 is an address, which is whole or not used at all."""
TEXT_CHARS: Final = 80
"""Of every other field."""

LISTS: Final = {
    "services": 10,
    "evidence": 12,
    "report": 20,
    "releases": 4,
    "left": 4,
    "notes": 6,
    "owners": 4,
    "alerts": 4,
    "because": 4,
    "joined_services": 6,
    "would_tell": 4,
    "would_page": 4,
    "would_resolve": 4,
    "Rollup.lines": 20,
    "Reported.top": 10,
}
LIST: Final = 6
"""The most entries of every other list."""

RAW: Final = 8
"""So many times its limit of a text is looked at: the rest may be megabytes."""


_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class Bounded(msgspec.Struct, frozen=True):
    """A digest that fits, and what was cut for that."""

    digest: Digest
    cuts: tuple[str, ...]
    more: dict[str, int]
    """How many entries a list had beyond those kept, by its name."""


def bounded(digest: Digest) -> Bounded:
    """Return the digest with every text clean, and every text and list at most so long."""
    cuts: dict[str, None] = {}
    more: dict[str, int] = {}
    kept = _struct(digest, "", cuts, more)
    if kept.kind is DigestKind.ROLLUP:
        rollup = kept.rollup or Rollup()
        left_out = more.get("Rollup.lines", 0)
        rollup = msgspec.structs.replace(rollup, more=rollup.more + left_out)
        kept = msgspec.structs.replace(kept, rollup=rollup)
    left_out = more.get("Reported.top", 0)
    if left_out and (reported := kept.reported) is not None:
        reported = msgspec.structs.replace(reported, more=reported.more + left_out)
        kept = msgspec.structs.replace(kept, reported=reported)
    left_out = more.get("services", 0)
    if left_out:
        kept = msgspec.structs.replace(kept, more_services=kept.more_services + left_out)
    return Bounded(kept, tuple(cuts), more)


def shortened(cuts: Iterable[str]) -> bool:
    """Return True where a message has to say that something is missing: what counts what it leaves
    out, as the evidence of a storm does, says so itself."""
    return any(one != "because" for one in cuts)


def _struct(value: _Struct, prefix: str, cuts: dict[str, None], more: dict[str, int]) -> _Struct:
    changed: dict[str, Any] = {}
    for name in value.__struct_fields__:
        field = getattr(value, name)
        key = prefix + name
        if type(field) is str:
            kept: Any = _text(field, key, cuts)
        elif type(field) is tuple:
            kept = _list(field, key, cuts, more)
        elif isinstance(field, msgspec.Struct):
            kept = _struct(field, f"{type(field).__name__}.", cuts, more)
        else:
            continue
        if kept != field:
            changed[name] = kept
    return msgspec.structs.replace(value, **changed) if changed else value


def _list(
    values: tuple[Any, ...], key: str, cuts: dict[str, None], more: dict[str, int]
) -> tuple[Any, ...]:
    most = LISTS.get(key, LIST)
    kept = values[:most]
    left_out = len(values) - len(kept)
    if left_out:
        cuts[named(key)] = None
        more[key] = left_out
    found = [
        _struct(one, f"{type(one).__name__}.", cuts, more)
        if isinstance(one, msgspec.Struct)
        else _text(one, key, cuts)
        if type(one) is str
        else one
        for one in kept
    ]
    if left_out and found and type(found[0]) is str:
        # The last one kept gives its place to the number of those that are not.
        found[-1] = f"and {many(left_out + 1, 'other')}"
    return tuple(found)


def _text(value: str, key: str, cuts: dict[str, None]) -> str:
    most = TEXTS.get(key, TEXT_CHARS)
    if not most:
        return value
    raw = value[: most * RAW]
    text = clean(raw)
    kept = cut(text, most)
    if len(raw) < len(value) and not kept.endswith("…"):
        kept = cut(text + "…" * most, most)
    if kept != text or len(raw) < len(value):
        cuts[named(key)] = None
    return kept


def named(key: str) -> str:
    """Return the name of a cut, as the metric has it: `serviceline_title`."""
    return key.replace(".", "_").lower()

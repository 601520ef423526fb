"""Digests whose every text, list and number is somebody's attack, or far too large."""

from __future__ import annotations

import typing
from functools import cache
from typing import Any

import msgspec
from hypothesis import strategies as st

from correlators.pressed import Pressed
from correlators.types import Digest

ACTS = (
    "<!channel>",
    "<!here|x>",
    "<@U1>",
    "<!subteam^S1>",
    "<https://evil.test|click>",
    "https://evil.test/",
    "@channel #general",
    "*bold* _it_ ~gone~ `code` ```pre```",
    ":white_check_mark: Resolved",
    "> quoted",
    "&lt;!channel&gt;",
    "a\nb\r\nc\u2028d",
    "\u202etxet\u202c\u200b\u2060\ufeff",
    "\ud83d",
    "\U0001f1e9\U0001f1ea",
    "{{ 7 * 7 }}{% raw %}",
    "%s %(x)s {0}",
    "\u0000\u0007\u001b[31m",
    "`",
    "*",
    "|",
    "~",
    "",
)
TEXT = st.one_of(
    st.text(st.sampled_from("<>&|`*_~\n\t@#!:^ aß\u202e\u0000\U0001f525"), max_size=40),
    st.lists(st.sampled_from(ACTS), min_size=1, max_size=6).map(" ".join),
    st.tuples(st.sampled_from(ACTS), st.sampled_from([50, 400, 5_000])).map(
        lambda drawn: (drawn[0] or "x") * drawn[1]
    ),
    st.text(st.characters(exclude_categories=()), max_size=30),
)
URL = st.one_of(
    TEXT,
    st.sampled_from(
        ["https://sentry.test/i/1/", "https://s.test/" + "x" * 900, "https://s.test/?a=1&b=<x>"]
    ),
)
ADDRESSES = {"url", "runbook", "dashboard", "status_page"}
_HINTS: dict[type, dict[str, Any]] = {}


@st.composite
def struct(draw: st.DrawFn, kind: type[msgspec.Struct], most: int) -> msgspec.Struct:
    """A struct of this type, each field anything that its type allows."""
    hints = _HINTS.setdefault(kind, typing.get_type_hints(kind))
    return kind(**{name: draw(_value(name, hint, most)) for name, hint in hints.items()})


@cache  # to make a strategy takes longer than to draw from it
def _value(name: str, hint: Any, most: int) -> st.SearchStrategy[Any]:
    if hint is str:
        return URL if name in ADDRESSES else TEXT
    if name.endswith("_ms"):
        return st.integers(0, 4_000_000_000_000)
    if hint is int:
        return st.integers(0, 10**15)
    if typing.get_origin(hint) is tuple:
        return st.lists(_value(name, typing.get_args(hint)[0], most), max_size=most).map(tuple)
    if type(None) in typing.get_args(hint):
        return st.none() | _value(name, typing.get_args(hint)[0], most)
    if hint is Pressed:
        return st.just(Pressed("U0ADA", "C0INC"))  # it takes nothing but ids
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return struct(hint, most)
    return st.from_type(hint)


ANY = struct(Digest, 4)


@st.composite
def any_digest(draw: st.DrawFn) -> Digest:
    """Any digest, some of its lists hundreds of entries long."""
    made = draw(ANY)
    assert isinstance(made, Digest)
    for name in draw(st.sets(st.sampled_from(Digest.__struct_fields__), max_size=6)):
        value = getattr(made, name)
        if type(value) is tuple and value:
            made = msgspec.structs.replace(made, **{name: value * draw(st.integers(1, 200))})
    return made

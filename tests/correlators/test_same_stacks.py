"""A stack that comes again is taken out before a body is read; nothing comes of it but speed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.same_stacks import ALIKE_MOST, BEGIN_BYTES, KEPT_BYTES, MARK, SameStacks
from correlators.wire_glance import glance
from tests.correlators.odd_bodies import AT_MS, Written
from tests.correlators.test_hot_path import USUAL, WAYS, taken


def chain(*, text: str = "no answer", depth: int = 6) -> dict[str, Any]:
    frames = [
        {"function": f"step_{at}", "module": "shop.pay", "in_app": True} for at in range(depth)
    ]
    return {"values": [{"type": "Timeout", "value": text, "stacktrace": {"frames": frames}}]}


def text_of(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


STACK = text_of(chain())
OTHER = text_of(chain(text="another"))
USUALLY = {name: value for name, value in USUAL.items() if name != "exception"}


def body(*parts: str, number: int = 1, around: str = '{"data":{"error":%s}}') -> bytes:
    """Return a webhook whose event ends with these parts, as they are written."""
    event = text_of(USUALLY | {"event_id": f"{number:031x}a"})[1:-1]
    return (around % ("{" + ",".join((event, *parts)) + "}")).encode()


STAND = f'"exception":{STACK}'
MARKED = MARK.decode()
BODIES = {
    "as it was": [STAND],
    "another stack": [f'"exception":{OTHER}'],
    "two of them": [STAND, f'"exception":{OTHER}'],
    "two of them, turned": [f'"exception":{OTHER}', STAND],
    "two equal ones": [STAND, STAND],
    "inside another part": [f'"extra":{{{STAND}}}'],
    "inside another part and in its place": [f'"extra":{{{STAND}}}', f'"exception":{OTHER}'],
    "inside another part, and a mark in its place": [
        f'"extra":{{{STAND}}}',
        f'"exception":{MARKED}',
    ],
    "a mark, and inside another part": [f'"exception":{MARKED}', f'"extra":{{{STAND}}}'],
    "inside another part, its own name escaped": [
        f'"extra":{{{STAND}}}',
        f'"e\\u0078ception":{OTHER}',
    ],
    "only the name escaped": [f'"e\\u0078ception":{STACK}'],
    "in a text": [f'"extra":{text_of(STAND)}', f'"exception":{OTHER}'],
    "a name that ends so": [f'"x\\"exception":{STACK}', f'"exception":{OTHER}'],
    "a name that ends so, alone": [f'"x\\"exception":{STACK}'],
    "a backslash before": [f'"x":"\\\\","exception":{STACK}'],
    "a backslash that breaks it": [f'\\"exception":{STACK}'],
    "more behind": [STAND + "5"],
    "more behind in it": [STAND[:-1] + ',"n":5}'],
    "cut off": [STAND[:-1]],
    "blanks": [f'"exception" : {STACK}'],
    "broken behind": [STAND, '"extra":{'],
    "the byte of the mark elsewhere": [STAND, '"extra":"\x7f"'],
    "in its old name": [f'"sentry.interfaces.Exception":{STACK}'],
}


@pytest.mark.parametrize("what", BODIES)
@pytest.mark.parametrize("around", ['{"data":{"error":%s}}', '{"data":{"event":%s},"exception":5}'])
def test_where_a_stack_stands_decides_as_it_does_the_long_way(what: str, around: str) -> None:
    known = [Written("error", body(STAND, number=number)) for number in range(1, 5)]
    odd = [
        Written("error", body(*BODIES[what], number=number, around=around))
        for number in range(5, 9)
    ]
    found = [*known, *odd, *known[:1], *odd[:1]]
    assert taken(WAYS["plain"], found, 9, hot=True) == taken(WAYS["plain"], found, 9, hot=False)


@given(parts=st.lists(st.sampled_from(sorted(BODIES)), min_size=2, max_size=6))
def test_bodies_of_all_kinds_one_after_another_give_what_the_long_way_gives(
    parts: list[str],
) -> None:
    known = [Written("error", body(STAND, number=number)) for number in range(1, 4)]
    found = [*known, *(Written("error", body(*BODIES[one], number=9)) for one in parts)]
    assert taken(WAYS["plain"], found, 9, hot=True) == taken(WAYS["plain"], found, 9, hot=False)


def test_a_body_is_cut_once_its_stack_came_again() -> None:
    reader = Fingerprinter(Fingerprinting())
    assert reader._hot is not None
    for number in range(1, 3):
        assert reader._hot._same.cut(body(STAND)) is None
        reader.take("error", body(STAND, number=number), AT_MS)
    cut = reader._hot._same.cut(body(STAND))
    assert cut is not None
    without, _ = cut
    assert len(without) == len(body(STAND)) - len(STACK) + len(MARK)
    data = glance(without).data
    assert data is not None
    assert data.error is not None
    assert bytes(data.error.exception) == MARK


def test_stacks_that_are_kept_are_bounded_in_bytes_and_alike() -> None:
    same = SameStacks()
    for number in range(3_000):
        stack = text_of(chain(text=f"{number:04} no answer", depth=20)).encode()
        same.note(b"{" + STAND.encode() + b"}", stack, b"digest")
        kept = [one for alike in same._alike.values() for one, _ in alike]
        assert sum(map(len, kept)) == same._bytes <= KEPT_BYTES
    for number in range(50):
        stack = (STACK[:-1] + f',"n":{number}}}').encode()
        same.note(b"{" + STAND.encode() + b"}", stack, b"digest")
        same.note(b"{" + STAND.encode() + b"}", stack, b"digest")
    assert len(same._alike[STACK[:BEGIN_BYTES].encode()]) == ALIKE_MOST


def test_a_stack_that_is_kept_makes_no_room_for_itself() -> None:
    same = SameStacks()
    stacks = [b'{"%06d":"' % number + b"x" * (KEPT_BYTES // 5) + b'"}' for number in range(4)]
    for stack in (*stacks, stacks[0]):
        same.note(b'{"exception":' + stack + b',"never":"\x7f"}', stack, b"digest")
    assert all(same.cut(b'{"exception":' + stack + b"}") is not None for stack in stacks)


@pytest.mark.parametrize("stack", [b'"' + b"x" * 400 + b'"', b"5" * 400, b"{}", b"", b"null"])
def test_what_has_no_end_of_its_own_or_is_short_is_not_kept(stack: bytes) -> None:
    same = SameStacks()
    same.note(b"{}", stack, b"digest")
    assert same.cut(b'{"exception":' + stack + b"}") is None
    assert same._bytes == 0

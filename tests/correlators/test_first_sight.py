"""An event at first sight: its frames are made late, and are those that are made at once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xxhash import xxh3_128_digest

from correlators import looks, stacks
from correlators.event_parts import FRAMES_KEPT, frames_of
from correlators.events import decode
from correlators.fingerprint import VERSIONS, signature
from correlators.fingerprinter import Fingerprinter, Fingerprinting
from correlators.first_sight import late_frames
from correlators.hot_path import CURRENT_MOST
from correlators.known_events import Kept, Looks
from correlators.looks import KEY_CHARS_MOST
from correlators.types import Event
from correlators.wire import WireFrame, WireStack
from tests.correlators.odd_bodies import AT_MS
from tests.correlators.test_hot_path import USUAL, every_other_stack, webhook

FRAMES = st.builds(
    WireFrame,
    function=st.none() | st.sampled_from(["pay", "", "x" * 600]),
    module=st.none() | st.text(max_size=5),
    lineno=st.none() | st.integers(-1, 1 << 32),
    in_app=st.none() | st.booleans(),
)


@given(
    frames=st.none() | st.lists(st.none() | FRAMES, max_size=8),
    begin=st.integers(-9, 9),
    end=st.none() | st.integers(-9, 9),
)
def test_frames_made_late_are_those_made_at_once(
    frames: list[WireFrame | None] | None, begin: int, end: int | None
) -> None:
    stack = WireStack(frames)
    at_once, late = frames_of(stack), late_frames(stack)
    assert bool(late) is bool(at_once)
    assert len(late) == len(at_once)
    assert list(reversed(late)) == list(reversed(at_once))
    assert list(late) == list(at_once)
    assert list(late[begin:end]) == list(at_once[begin:end])
    assert list(reversed(late[begin:])) == list(reversed(at_once[begin:]))
    assert not at_once or late[-1] == at_once[-1]


def test_no_stack_and_a_long_one_are_cut_as_at_once() -> None:
    frames: list[WireFrame | None] = [WireFrame(lineno=n) for n in range(1, FRAMES_KEPT + 9)]
    assert late_frames(None) == frames_of(None) == ()
    assert list(late_frames(WireStack(frames))) == list(frames_of(WireStack(frames)))


def event(stack: dict[str, Any]) -> Event:
    found = decode("error", webhook(USUAL | {"exception": stack}), default_environment="x")
    assert isinstance(found, Event)
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_no_signature_depends_on_the_frames_that_were_seen_before(version: int) -> None:
    found = [event(stack) for stack in every_other_stack()]
    alone = []
    for one in found:
        stacks.forget_frames()
        alone.append(signature(one, version=version))
    stacks.forget_frames()
    assert [signature(one, version=version) for one in found] == alone
    assert [signature(one, version=version) for one in reversed(found)] == alone[::-1]


def test_remembered_frames_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "LIBRARY_FRAMES_REMEMBERED", 5)
    stacks.forget_frames()
    for number in range(40):
        frames = [{"function": f"f{number}"}, {"function": "own", "in_app": True}]
        frames.reverse()
        signature(event({"values": [{"type": "A", "stacktrace": {"frames": frames}}]}))
        assert all(len(seen) <= 5 for _, seen in stacks._SEEN.values())
    assert any(seen for _, seen in stacks._SEEN.values())


def test_looks_and_what_is_kept_are_bounded_whatever_comes() -> None:
    reader = Fingerprinter(Fingerprinting(cache_size=8))
    assert reader._hot is not None
    memory = reader._hot._memory
    for number in range(200):
        frame = {"function": f"f{number}", "in_app": True, "vars": number}
        raised = {"type": "A", "value": f"no answer {number}", "stacktrace": {"frames": [frame]}}
        body = USUAL | {"exception": {"values": [raised]}, "culprit": f"place {number % 30}"}
        reader.take("error", webhook(body), AT_MS)
        assert len(memory.kept) <= 8
        assert len(memory._besides) <= 4
        assert len(memory._bare) <= 4
    assert reader.cache_results["miss"] == 200


def test_what_is_kept_is_bounded_in_bytes_too() -> None:
    reader = Fingerprinter(Fingerprinting())
    assert reader._hot is not None
    memory = reader._hot._memory
    for number in range(40):
        frame = {"function": "own", "in_app": True}
        raised = {"type": "A", "value": "no answer " * 500, "stacktrace": {"frames": [frame]}}
        body = USUAL | {"exception": {"values": [raised]}, "message": "m" * 8_000 + "n" * number}
        reader.take("error", webhook(body), AT_MS)
        reader.take("error", webhook(body | {"transaction": "t" * 9_000}), AT_MS)
    assert reader.cache_results["hit"] == 0
    kept = [key for half in (memory.kept.young, memory.kept._old) for key in half]
    assert len(kept) >= 40
    for key in (*kept, *memory._besides._seen, *memory._bare._seen):
        assert isinstance(key, tuple)
        assert sum(len(one) for one in key if isinstance(one, str | bytes)) <= KEY_CHARS_MOST


def test_open_deltas_at_hand_are_bounded_where_many_looks_share_one() -> None:
    reader, alone = Fingerprinter(Fingerprinting()), Fingerprinter(Fingerprinting(cache_size=0))
    assert reader._hot is not None
    frame = {"function": "own", "in_app": True}
    stack = {"values": [{"type": "A", "value": "x", "stacktrace": {"frames": [frame]}}]}
    for number in range(CURRENT_MOST + 100):
        own = {"event_id": f"a{number:031x}", "culprit": f"place {number}"}
        body = webhook(USUAL | own | {"exception": stack})
        reader.take("error", body, AT_MS)
        alone.add("error", body, AT_MS)
        assert 0 < len(reader._hot._current) <= CURRENT_MOST
    assert len(reader.fold) == 1
    assert reader.fold.flush() == alone.fold.flush()


def test_a_key_is_as_short_for_a_chain_of_a_thousand_texts() -> None:
    reader = Fingerprinter(Fingerprinting())
    assert reader._hot is not None
    kept = reader._hot._memory.kept
    for number in range(3):
        frame = {"function": "", "in_app": True}
        raised = {"type": "A", "value": f"no answer {number}", "stacktrace": {"frames": [frame]}}
        chain = [{"type": "A", "value": "because " * 30}] * 1_000
        body = USUAL | {"exception": {"values": [*chain, raised]}}
        reader.take("error", webhook(body), AT_MS)
    assert any(len(key) > 12 for key in kept.young), "none was kept with its texts"
    for key in kept.young:
        assert sum(len(one) for one in key if isinstance(one, str | bytes)) <= KEY_CHARS_MOST


def alike(first: str, second: str) -> str:
    """Return a text that has the hash of its twin, in which the two words, of three letters, have
    changed places: xxh3 multiplies what stands beside them with nothing, and adds them up."""
    text = bytearray(b"word " * 140)
    text[16:25] = first.encode() + b"\xf1\x83\x90\x97\xdb\x80"
    text[336:344] = second.encode() + b"\xc3\x81:&L"
    return text.decode()


@pytest.mark.parametrize("field", ["message", "title", "value"])
def test_texts_with_the_same_xxhash_are_not_taken_for_the_same(field: str) -> None:
    texts = [alike("get", "put"), alike("put", "get")]
    assert len({xxh3_128_digest(text.encode()) for text in texts}) == 1
    readers = Fingerprinter(Fingerprinting()), Fingerprinter(Fingerprinting(cache_size=0))
    for number, text in enumerate([texts[0]] * 4 + texts[1:]):
        body: dict[str, Any] = USUAL | {"exception": None, "message": None, "title": None}
        frame = {"function": "", "in_app": True, "vars": {"n": number}}
        if field == "value":
            raised = {"type": "A", "value": text, "stacktrace": {"frames": [frame]}}
            body["exception"] = {"values": [raised]}
        else:
            body[field] = text
        for reader in readers:
            reader.take("error", webhook(body | {"event_id": f"{number:x}" * 31 + "a"}), AT_MS)
    deltas, _ = readers[0].fold.flush()
    assert readers[0].cache_results["hit"] >= 2
    assert len(deltas) == 2
    assert deltas == readers[1].fold.flush()[0]


def test_what_is_kept_and_asked_for_stays() -> None:
    kept: Kept = Kept(4)
    known: Any = msgspec.UNSET
    kept.keep(("asked",), known)
    for number in range(20):
        kept.keep((number,), known)
        assert kept.find(("asked",)) is known
        assert len(kept) <= 4
    noted = Looks(2)
    noted.put("a", looks._ONCE)
    assert noted.get("a") == looks._ONCE
    assert noted.get("b") == looks._NEVER

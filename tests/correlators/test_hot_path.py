"""What is seen at a glance is what the long way finds, byte for byte, whatever the bodies are."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.platform_events import PLATFORMS, crash
from correlators.fingerprinter import Fingerprinter, Fingerprinting, RecordKind
from correlators.grouping import By, Grouping
from correlators.hot_path import HotPath
from correlators.open_deltas import Fold
from correlators.remembered import Remembered
from correlators.wire import WireException, WireFrame, WireMechanism
from tests.correlators.odd_bodies import AT_MS, CHOICES, Written, records

WAYS = {
    "plain": Fingerprinting(),
    "one kept": Fingerprinting(cache_size=1),
    "the older version": Fingerprinting(signature_version=1, default_environment="none"),
    "services by number": Fingerprinting(projects={"4507": "till"}, belated_after_ms=5_000),
    "marks": Fingerprinting(tags=("logger=*",), paths=("shop/*",)),
    "Sentry's groups": Fingerprinting(grouping=Grouping(by=By.SENTRY_ISSUE)),
}


def taken(way: Fingerprinting, found: list[Written], flush_after: int, *, hot: bool) -> Any:
    """Return all that comes of these records, at a glance where that can be, or the long way."""
    reader = Fingerprinter(way if hot else msgspec.structs.replace(way, cache_size=0))
    told: list[Any] = []
    at_ms = AT_MS
    for number, one in enumerate(found):
        at_ms += (0, 0, 1, 400, 1_000)[number % 5]
        read = (reader.take if hot else reader.add)(one.resource, one.body, at_ms)
        told.append((read.kind, read.reason))
        if number == flush_after:
            told.append(reader.fold.flush())
    told.append((reader.fold.flush(), reader.fold.heard.take(), reader.fold.belated))
    return msgspec.msgpack.encode(told)


@pytest.mark.parametrize("way", WAYS)
@given(found=records(), flush_after=st.integers(0, 9))
def test_a_glance_gives_the_same_deltas_as_the_long_way(
    way: str, found: list[Written], flush_after: int
) -> None:
    long_way = taken(WAYS[way], found, flush_after, hot=False)
    assert taken(WAYS[way], found, flush_after, hot=True) == long_way


@given(found=records(), turns=st.lists(st.integers(0, 2), min_size=12, max_size=12))
def test_partitions_that_share_what_is_remembered_give_the_deltas_of_each_alone(
    found: list[Written], turns: list[int]
) -> None:
    remembered = Remembered(8)
    shared = [Fingerprinter(Fingerprinting(), remembered=remembered) for _ in range(3)]
    alone = [Fingerprinter(Fingerprinting(cache_size=0)) for _ in range(3)]
    for number, one in enumerate(found * 2):
        turn, at_ms = turns[number % len(turns)], AT_MS + 300 * number
        shared[turn].take(one.resource, one.body, at_ms)
        alone[turn].add(one.resource, one.body, at_ms)
        if number % 5 == 4:
            assert shared[turn].fold.flush() == alone[turn].fold.flush()
    for ours, own in zip(shared, alone, strict=True):
        assert ours.fold.flush() == own.fold.flush()


def test_what_one_partition_has_learnt_another_knows() -> None:
    remembered = Remembered(8)
    first, second = (Fingerprinter(Fingerprinting(), remembered=remembered) for _ in range(2))
    first.take("error", webhook(USUAL), AT_MS)
    second.take("error", webhook(USUAL | {"event_id": "b" * 32}), AT_MS)
    assert first.cache_results == {"miss": 1}
    assert second.cache_results == {"hit": 1}


def webhook(event: dict[str, Any]) -> bytes:
    return json.dumps({"action": "created", "data": {"error": event}}).encode()


USUAL = {name: choices[0] for name, choices in CHOICES.items() if choices[0] is not None}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_second_event_of_an_error_is_known_on_every_platform(platform: str) -> None:
    usual = USUAL | crash(platform)
    kept = ("event_id", "issue_id", "url", "tags", "level", "timestamp", "contexts", "user")
    usual |= {name: USUAL[name] for name in kept}
    events = [usual | {"event_id": f"{number:032x}a"[-32:]} for number in range(1, 6)]
    found = [Written("error", webhook(event)) for event in events]
    assert taken(WAYS["plain"], found, 2, hot=True) == taken(WAYS["plain"], found, 2, hot=False)
    reader = Fingerprinter(Fingerprinting())
    for one in found:
        assert reader.take(one.resource, one.body, AT_MS).kind is RecordKind.EVENT
    assert reader.cache_results == {"miss": 1, "hit": len(found) - 1}


TEXTS = (
    "no answer for 17",
    "no answer for 18",
    "Maximum call stack size exceeded",
    "",
    "a b c",
    None,
)
TYPES = ("TimeoutError", "RangeError", "IndexError", "", "Cannot read 17", "SIGSEGV")
STACKS: dict[str, list[dict[str, Any]]] = {
    "in-app": [{"function": "charge", "module": "shop.pay", "in_app": True}],
    "raises for others": [{"function": "raise_error", "module": "shop.errors", "in_app": True}],
    "no name": [{"filename": "/srv/app.js", "in_app": True}],
    "library": [{"function": "send", "module": "httpx", "in_app": False}],
    "recursion": [{"function": "walk", "module": "shop.tree", "in_app": True}] * 9,
    "nothing": [{}],
    "none": [],
}


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("platform", ["python", "javascript", "java", "native"])
@pytest.mark.parametrize("more", [{}, {"synthetic": True}, {"is_exception_group": True}])
def test_texts_of_their_own_count_where_they_do_the_long_way(
    platform: str, stack: str, more: dict[str, bool]
) -> None:
    found: list[Written] = []
    chain: list[dict[str, Any]]
    for kind in TYPES:
        for number, text in enumerate(TEXTS * 3):
            chain = [
                {"type": "Cause", "value": TEXTS[-number % 6]},
                {
                    "type": kind,
                    "value": text,
                    "mechanism": {"exception_id": 0, **more},
                    "stacktrace": {"frames": [one | {"vars": number} for one in STACKS[stack]]},
                },
            ]
            chain = chain[number % 2 :] if number < 6 else chain[1:]
            event = USUAL | {"platform": platform, "event_id": f"{len(found):031x}a"}
            found.append(Written("error", webhook(event | {"exception": {"values": chain}})))
    assert taken(WAYS["plain"], found, 20, hot=True) == taken(WAYS["plain"], found, 20, hot=False)


def test_numbers_and_variables_that_vary_are_no_reason_to_read_the_stack_again() -> None:
    reader = Fingerprinter(Fingerprinting())
    frames = STACKS["in-app"]
    for number in range(6):
        raised: dict[str, Any] = {"type": "TimeoutError", "value": f"no answer for {number}"}
        raised |= {"stacktrace": {"frames": [frames[0] | {"vars": number}]}}
        chain = {"values": [raised]}
        event = USUAL | {"exception": chain, "event_id": f"{number:031x}a"}
        reader.take("error", webhook(event), AT_MS)
    assert reader.cache_results == {"miss": 2, "hit": 4}
    (delta,) = reader.fold.flush()[0]
    assert delta.sample.title == "TimeoutError: no answer for <int>"


@pytest.mark.parametrize("field", sorted(CHOICES))
def test_what_differs_beside_any_value_of_a_field_counts_as_it_does_the_long_way(
    field: str,
) -> None:
    for value in CHOICES[field]:
        usual = USUAL | {field: value}
        events = [usual, {name: usual[name] for name in usual if name != field}]
        events += [usual | {name: one} for name in CHOICES for one in CHOICES[name]]
        found = [Written("error", webhook(event)) for event in events]
        hot, long_way = (taken(WAYS["plain"], found, 31, hot=hot) for hot in (True, False))
        assert hot == long_way, value


@pytest.mark.parametrize("letter", range(len("environment")))
def test_a_tag_counts_however_its_name_is_written(letter: int) -> None:
    name = "environment"
    escaped = f'"{name[:letter]}\\u{ord(name[letter]):04x}{name[letter + 1 :]}"'.encode()
    usual = {field: value for field, value in USUAL.items() if field != name}
    body = webhook(usual | {"tags": [[name, "tagged"]]}).replace(b'"environment"', escaped)
    assert escaped in body
    found = [Written("error", webhook(usual)), Written("error", body)] * 2
    assert taken(WAYS["plain"], found, 9, hot=True) == taken(WAYS["plain"], found, 9, hot=False)


@pytest.mark.parametrize("rules", [b"5", b'"r"', b"{}", b'{"r":1}', b"true", b"[]", b"null"])
def test_what_is_no_list_of_rules_triggered_nothing(rules: bytes) -> None:
    """Of a body with other rules the long way drops them, and the event is none of an alert's."""
    body = webhook(USUAL)
    odd = body.replace(b'"action": "created"', b'"triggering_rules": ' + rules)
    assert odd != body
    found = [Written("event", one) for one in (body, odd, odd)]
    assert taken(WAYS["plain"], found, 9, hot=True) == taken(WAYS["plain"], found, 9, hot=False)


# ---------------------------------------------------------------- what the keys cover

OTHER: dict[str, list[Any]] = {
    "str": ["other words", "raise_error", "Fatal 17", "C:\\x.js", "SIGSEGV", ""],
    "int": [7, 0, -1, 1 << 40],
    "bool": [True, False],
}
"""What may stand in a field instead, by a word in its type."""


def swapped(value: Any, shape: type[msgspec.Struct]) -> Iterator[Any]:
    """Yield the JSON object with each field of the shape as something else, or left out."""
    for field in msgspec.structs.fields(shape):
        kind = str(field.type)
        others = [one for word, ones in OTHER.items() if word in kind for one in ones]
        others = others if "Any" not in kind else ["other words", "no answer for 18", 5, None]
        for other in others:
            yield value | {field.encode_name: other}
        yield {name: part for name, part in value.items() if name != field.encode_name}


def every_other_stack() -> Iterator[dict[str, Any]]:
    """Yield stacks that differ from the usual one in one field of one of their parts."""
    own = {"function": "charge", "module": "shop.pay", "filename": "pay.py", "in_app": True}
    frames = [{"function": "send", "module": "httpx", "lineno": 3}, own]
    how = {"type": "excepthook", "exception_id": 0}
    raised = {"type": "Timeout", "value": "no answer for 17", "mechanism": how}
    cause = {"type": "Cause", "value": "gone", "stacktrace": {"frames": frames[:1]}}

    def chain(of: list[Any] = frames, **more: Any) -> dict[str, Any]:
        return {"values": [cause, raised | {"stacktrace": {"frames": of}} | more]}

    yield chain()
    for frame in swapped(own, WireFrame):
        yield chain([frames[0], frame])
    for frame in swapped(frames[0], WireFrame):
        yield chain([frame, own])
        yield chain([own, frame])
    for mechanism in swapped(how, WireMechanism):
        yield chain(mechanism=mechanism)
    for other in swapped(raised | {"stacktrace": {"frames": frames}}, WireException):
        yield {"values": [cause, other]}
        yield {"values": [other]}
        yield {"values": [other, cause]}


@pytest.mark.parametrize("platform", ["python", "javascript", "java", "native"])
def test_whatever_differs_in_a_stack_counts_as_it_does_the_long_way(platform: str) -> None:
    """Each part that a signature could read is changed alone, in an event like those before it:
    were a key to leave it out, the finished signature of another event would be taken."""
    usual = USUAL | {"platform": platform}
    found: list[Written] = []
    for number, stack in enumerate(every_other_stack()):
        for extra in range(2):  # the second one differs in a variable that nobody reads
            event = usual | {
                "event_id": f"{number:030x}{extra}a",
                "exception": stack | {"n": extra},
            }
            found.append(Written("error", webhook(event)))
    assert len(found) > 200
    hot, long_way = (taken(WAYS["plain"], found, 300, hot=hot) for hot in (True, False))
    assert hot == long_way


def test_what_a_signature_needs_of_texts_is_known_of_other_variables_too() -> None:
    """An error that is raised in the words of its caller: its texts count, its variables do not."""
    reader = Fingerprinter(Fingerprinting())
    for number in range(6):
        raised: dict[str, Any] = {"type": "Failed", "value": "the card was refused"}
        frames = [STACKS["raises for others"][0] | {"vars": number}]
        raised |= {"stacktrace": {"frames": frames}}
        event = USUAL | {"exception": {"values": [raised]}, "event_id": f"{number:031x}a"}
        reader.take("error", webhook(event), AT_MS)
    assert reader.cache_results == {"miss": 2, "hit": 4}


@pytest.mark.parametrize(
    "urls",
    [
        [f"https://h.example/events/api/0/projects/o/{slug}/events/1/" for slug in "aba"],
        [f"https://h.example{path}" for path in ("/projects/o/events/7/", "/projects/o")],
    ],
)
def test_a_project_counts_wherever_in_its_link_it_stands(urls: list[str]) -> None:
    events = [USUAL | {"event_id": f"{at:031x}a", "url": url} for at, url in enumerate(urls)]
    found = [Written("error", webhook(event)) for event in events]
    assert taken(WAYS["plain"], found, 9, hot=True) == taken(WAYS["plain"], found, 9, hot=False)


def test_what_was_flushed_is_held_no_longer() -> None:
    """A storm's sets are megabytes, and what is known of its events is kept long after it."""
    reader, before = Fingerprinter(Fingerprinting()), held_of(601)
    for number in range(601):
        reader.take("error", webhook(USUAL | {"event_id": f"{number:031x}a"}), AT_MS)
    assert held_of(601) > before
    reader.fold.flush()
    assert held_of(601) == before


def held_of(size: int) -> int:
    """Return how many sets of this size there are in the process."""
    return sum(isinstance(one, set) and len(one) == size for one in gc.get_objects())


def test_what_is_kept_is_bounded() -> None:
    fold = Fold(belated_after_ms=1)
    hot = HotPath(fold, Remembered(4), belated_after_ms=1)
    reader = Fingerprinter(Fingerprinting())
    for number in range(50):
        body = webhook(USUAL | {"culprit": f"place {number}"})
        assert not hot.take("error", body, AT_MS)
        read = reader.read("error", body)
        assert read.event is not None
        assert read.signature is not None
        hot.learn(read.event, read.signature)
        assert hot.take("error", body, AT_MS)
        assert len(hot) <= 4
    assert hot.hits == 50

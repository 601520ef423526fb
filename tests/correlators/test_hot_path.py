"""What is seen at a glance is what the long way finds, byte for byte, whatever the bodies are."""

from __future__ import annotations

import json
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


def test_what_is_kept_is_bounded() -> None:
    fold = Fold(belated_after_ms=1)
    hot = HotPath(fold, 4, belated_after_ms=1)
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

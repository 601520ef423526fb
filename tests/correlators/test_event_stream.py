"""A self-hosted Sentry's own topic: the published examples of its schema, and anything at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.deltas import event_hash
from correlators.event_stream import OTHER_OPERATIONS, read_insert_leniently
from correlators.events import EVENT_STREAM, LEGACY, decode
from correlators.fingerprint import signature
from correlators.types import ChangeKind, Event, Level, StateChange, Unreadable
from correlators.wire import WireStream
from correlators.wire_read import Reason

SENTRY = Path(__file__).parents[1] / "fixtures" / "sentry"
EXAMPLES = sorted((SENTRY / "events").glob("*.json"))
INSERTS = [path for path in EXAMPLES if '"insert"' in path.read_text()]
OTHERS = [path for path in EXAMPLES if path not in INSERTS]


def read(body: bytes, **projects: str) -> Event | StateChange | Unreadable:
    found = {number.removeprefix("p"): slug for number, slug in projects.items()}
    return decode(EVENT_STREAM, body, default_environment="fallback", projects=found)


def event_of(body: bytes | list[Any], **projects: str) -> Event:
    found = read(body if isinstance(body, bytes) else json.dumps(body).encode(), **projects)
    assert isinstance(found, Event), found
    return found


def example(name: str) -> Any:
    return json.loads((SENTRY / "events" / f"{name}.json").read_bytes())


def insert_of(fixture: str, part: str) -> list[Any]:
    """Return the event of a webhook as self-hosted Sentry tells it on its topic."""
    stored = json.loads((SENTRY / f"{fixture}.json").read_bytes())["data"][part]
    for added in ("url", "web_url", "issue_url", "issue_id"):  # these the webhook adds
        stored.pop(added, None)
    around = {
        "event_id": stored["event_id"],
        "project_id": stored["project"],
        "group_id": 620114,
        "group_ids": [620114],
        "message": "what is searched in",
        "platform": stored["platform"],
        "primary_hash": stored["hashes"][0],
        "datetime": "2026-10-05T02:15:30.123000Z",
        "data": stored,
    }
    return [2, "insert", around, {"is_new": False, "group_states": []}]


# ------------------------------------------------------------------------- the published examples


@pytest.mark.parametrize("path", INSERTS, ids=lambda path: path.stem)
def test_every_published_insert_is_an_event_of_its_project(path: Path) -> None:
    around = json.loads(path.read_bytes())[2]
    event = event_of(path.read_bytes())
    assert event.project == event.service == str(around["project_id"])
    assert event.event_id == around["event_id"]
    assert event.issue_id == str(around["group_id"])
    assert event.environment == around["data"]["environment"]
    assert event.release == around["data"].get("release", "")
    assert event.platform == around["data"]["platform"]
    assert event.occurred_ms == round(around["data"]["timestamp"] * 1000)
    assert around["primary_hash"] in event.sentry_hashes or around["data"].get("hashes")
    assert signature(event).title
    assert not event.sampled


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_every_other_published_operation_is_known_and_no_event(path: Path) -> None:
    change = read(path.read_bytes())
    assert isinstance(change, StateChange)
    assert (change.kind, change.resource) == (ChangeKind.OTHER, "events")
    assert change.action == json.loads(path.read_bytes())[1]
    assert change.action in OTHER_OPERATIONS


def test_a_stored_event_gives_every_part() -> None:
    event = event_of(json.dumps(example("error-with-null-threads")).encode())
    assert (event.project, event.event_id) == ("6036610", "9cdc4c32dff14fbbb012b0aa9e908126")
    assert (event.environment, event.release) == ("debug", "io.sentry.samples.android@6.16.0+2")
    assert (event.level, event.platform) == (Level.ERROR, "java")
    assert event.transaction == event.culprit == "MainActivity.capture_exception"
    (raised,) = event.exceptions
    assert (raised.type, raised.value, raised.module) == (
        "Exception",
        "Some exception.",
        "java.lang",
    )
    assert [frame.function for frame in raised.frames if frame.in_app] == [
        "onClick",
        "lambda$onCreate$6",
    ]
    assert event.sentry_fingerprint == ("{{ default }}",)
    assert event.sentry_hashes[0] == "7956a3c218a27566572b64cad9f2b3e7"
    assert event.user_hash
    assert event.trace_hash
    assert event.occurred_ms == 1_679_060_099_815


def test_what_the_message_says_goes_before_what_is_stored_and_fills_its_gaps() -> None:
    around = example("errors1")
    event = event_of(around)
    assert event.message == "hello world"
    assert event.sentry_hashes == ("061cf02b26374d108694d6643a7a2f4e",)
    del around[2]["data"]["timestamp"]
    del around[2]["data"]["platform"]
    assert event_of(around) == event
    around[2]["data"] |= {"event_id": "f" * 32, "project": 1, "title": "its own"}
    told = event_of(around)
    assert (told.event_id, told.project) == (event.event_id, event.project)
    assert told.message == "its own"
    del around[2]["event_id"], around[2]["project_id"], around[2]["group_id"]
    stored = event_of(around)
    assert (stored.event_id, stored.project, stored.issue_id) == ("f" * 32, "1", "")


def test_tags_without_a_key_are_dropped_and_the_rest_is_read() -> None:
    event = event_of((SENTRY / "events" / "null-tag-keys.json").read_bytes())
    assert (event.level, event.environment) == (Level.FATAL, "production")


@pytest.mark.parametrize("threads", [None, {"values": None}, {"values": []}])
def test_an_event_without_threads_is_the_same_whichever_way_it_says_so(threads: Any) -> None:
    around = example("error-with-null-threads")
    whole = event_of(around)
    around[2]["data"]["threads"] = threads
    assert event_of(around) == whole


def test_a_thread_that_stands_alone_is_the_one() -> None:
    around = example("errors1")
    thread = {"id": 2, "name": "main", "stacktrace": {"frames": [{"function": "main"}]}}
    around[2]["data"]["threads"] = thread
    alone = event_of(around)
    assert [frame.function for frame in alone.frames] == ["main"]
    around[2]["data"]["threads"] = {"values": [thread]}
    assert event_of(around) == alone


def test_an_environment_that_is_missing_is_the_default_one() -> None:
    around = example("errors1")
    del around[2]["data"]["environment"]
    assert event_of(around).environment == "fallback"


def test_a_transaction_is_no_error() -> None:
    around = example("errors1")
    around[2]["data"]["type"] = "transaction"
    change = read(json.dumps(around).encode())
    assert isinstance(change, StateChange)
    assert (change.kind, change.action) == (ChangeKind.OTHER, "transaction")


# --------------------------------------------------------------------- the same event of any feed


def test_the_same_event_of_every_feed_is_one_event_of_one_incident() -> None:
    webhook = decode(
        "error", (SENTRY / "error.created.json").read_bytes(), default_environment="fallback"
    )
    legacy = decode(
        LEGACY, (SENTRY / "legacy_plugin.json").read_bytes(), default_environment="fallback"
    )
    stream = event_of(insert_of("error.created", "error"), p4507="checkout")
    assert isinstance(webhook, Event)
    assert isinstance(legacy, Event)
    assert legacy.sampled
    assert len({event_hash(event) for event in (webhook, legacy, stream)}) == 1
    assert len({signature(event).fingerprint for event in (webhook, legacy, stream)}) == 1
    assert {(one.environment, one.service, one.release) for one in (webhook, legacy, stream)} == {
        ("production", "checkout", "checkout@2.14.0")
    }
    unsaid = {"web_url": "", "issue_url": ""}
    assert msgspec.structs.replace(webhook, **unsaid) == stream


def test_a_project_is_called_by_its_number_until_the_settings_name_it() -> None:
    assert event_of(example("errors1")).service == "6036610"
    named = event_of(example("errors1"), p6036610="checkout", p1="other")
    assert (named.service, named.project) == ("checkout", "6036610")


def test_a_slug_that_an_event_tells_wins_over_the_settings() -> None:
    body = (SENTRY / "error.created.json").read_bytes()
    found = decode("error", body, default_environment="x", projects={"4507": "elsewhere"})
    assert isinstance(found, Event)
    assert found.service == "checkout"


def test_the_plugins_event_without_a_project_number_is_known_by_the_slug() -> None:
    body = json.loads((SENTRY / "legacy_plugin.json").read_bytes())
    del body["event"]["project"]
    found = decode(LEGACY, json.dumps(body).encode(), default_environment="x")
    assert isinstance(found, Event)
    assert (found.project, found.service) == ("checkout", "checkout")


def test_the_plugins_body_needs_no_rules_to_be_a_sample() -> None:
    body = json.loads((SENTRY / "legacy_plugin.json").read_bytes())
    del body["triggering_rules"]
    found = decode(LEGACY, json.dumps(body).encode(), default_environment="x")
    assert isinstance(found, Event)
    assert found.sampled


# ------------------------------------------------------------------------------ what is none of it


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.EMPTY),
        (b" \n", Reason.EMPTY),
        (b"\x00 not json", Reason.NOT_JSON),
        (b'[2, "insert", {"data": ', Reason.NOT_JSON),
        (b'{"event_id": "a"}', Reason.NOT_AN_ARRAY),
        (b"7", Reason.NOT_AN_ARRAY),
        (b"[]", Reason.UNKNOWN_VERSION),
        (b'["insert", {}]', Reason.UNKNOWN_VERSION),
        (b'[1, "insert", {"data": {}}]', Reason.UNKNOWN_VERSION),
        (b'[3, "end_merge", {}]', Reason.UNKNOWN_VERSION),
        (b'[2, "drop_everything", {}]', Reason.UNKNOWN_OPERATION),
        (b"[2]", Reason.UNKNOWN_OPERATION),
        (b'[2, {"insert": 1}]', Reason.UNKNOWN_OPERATION),
        (b'[2, "insert"]', Reason.NO_EVENT),
        (b'[2, "insert", null, {}]', Reason.NO_EVENT),
        (b'[2, "insert", "text"]', Reason.NO_EVENT),
        (b'[2, "insert", {"event_id": "a", "project_id": 1}]', Reason.NO_EVENT),
        (b'[2, "insert", {"event_id": "a", "data": [1]}]', Reason.NO_EVENT),
    ],
)
def test_what_is_no_message_of_the_topic_is_told_why(body: bytes, reason: Reason) -> None:
    assert read(body) == Unreadable(reason=reason)


def test_the_topics_array_is_no_webhook() -> None:
    body = (SENTRY / "events" / "errors1.json").read_bytes()
    for resource in ("error", "event_alert", "legacy", "event", ""):
        assert decode(resource, body, default_environment="x") == Unreadable(
            reason=Reason.NOT_AN_OBJECT
        )


def test_of_another_operation_only_the_first_bytes_are_looked_at() -> None:
    change = read(b' [ 2 , "tombstone_events", {"event_ids": ["' + b"x" * 1_000_000)
    assert isinstance(change, StateChange)
    assert change.action == "tombstone_events"


def test_an_insert_behind_a_byte_order_mark_or_blanks_is_read() -> None:
    body = (SENTRY / "events" / "errors1.json").read_bytes()
    assert read(b"\xef\xbb\xbf" + body) == read(b"\n\t" + body) == event_of(example("errors1"))


@pytest.mark.parametrize("path", INSERTS, ids=lambda path: path.stem)
def test_leniently_read_it_is_the_same_as_strictly(path: Path) -> None:
    body = path.read_bytes()
    try:
        strict = msgspec.json.decode(body, type=WireStream).insert
    except msgspec.ValidationError:
        assert path.stem == "null-tag-keys"
    else:
        assert read_insert_leniently(body) == strict


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["data", "event_id", "project_id", "tags", "threads", "message", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(st.sampled_from(["insert", "end_merge", "odd"]), _json, _json)
def test_no_message_whatever_it_holds_raises(operation: str, first: Any, second: Any) -> None:
    body = json.dumps([2, operation, first, second]).encode()
    found = read(body)
    if operation == "insert":
        assert isinstance(found, Event | Unreadable)
        assert isinstance(found, Event) == (
            isinstance(first, dict) and isinstance(first.get("data"), dict)
        )
    else:
        assert isinstance(found, StateChange) == (operation == "end_merge")


@given(st.binary(max_size=64))
def test_no_bytes_raise(body: bytes) -> None:
    for given_ in (body, b'[2, "insert", ' + body, b'[2, "' + body):
        assert isinstance(read(given_), Event | StateChange | Unreadable)

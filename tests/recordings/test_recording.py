"""The committed recording is what its README says: complete, labelled, in Sentry's form, clean."""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import pytest

from recordings.capture import events_of
from recordings.clean import leaks
from recordings.labels import UnknownCause, label_all

JsonObject = dict[str, Any]

RECORDING: Final = Path(__file__).parents[2] / "recordings" / "shop-outage.jsonl.gz"
HEX_32: Final = re.compile(r"[0-9a-f]{32}")
LARGEST: Final = 1_500_000


@pytest.fixture(scope="module")
def lines() -> list[str]:
    with gzip.open(RECORDING, "rt", encoding="utf-8") as file:
        return [line.rstrip("\n") for line in file]


@pytest.fixture(scope="module")
def rows(lines: list[str]) -> list[JsonObject]:
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def told(rows: list[JsonObject]) -> list[tuple[JsonObject, JsonObject]]:
    """(row, event) of each line that carries an event."""
    found = []
    for row in rows:
        data = row["body"]["data"]
        event = data.get("error") or data.get("event")
        if event is not None:
            found.append((row, event))
    return found


def service_of(event: JsonObject) -> str:
    return str(event["url"].split("/")[-4])


def test_the_file_is_small_and_says_neither_when_nor_under_which_name_it_was_packed() -> None:
    packed = RECORDING.read_bytes()
    assert len(packed) < LARGEST
    flags, mtime = packed[3], packed[4:8]
    assert (flags, mtime) == (0, b"\0\0\0\0")


def test_time_never_goes_back_from_line_to_line(rows: list[JsonObject]) -> None:
    times = [row["at_ms"] for row in rows]
    assert all(type(at_ms) is int for at_ms in times)
    assert times == sorted(times)
    assert 20 * 60_000 <= times[-1] - times[0] <= 25 * 60_000


def test_every_line_is_one_of_the_four_webhooks_sentry_sends(rows: list[JsonObject]) -> None:
    kinds = {(row["resource"], row["body"]["action"]) for row in rows}
    assert kinds == {
        ("error", "created"),
        ("event_alert", "triggered"),
        ("issue", "created"),
        ("issue", "resolved"),
    }
    for row in rows:
        assert set(row["body"]) == {"action", "installation", "data", "actor"}
        assert set(row) - {"label"} == {"at_ms", "resource", "body"}
        assert ("label" in row) == (row["resource"] != "issue")


def test_every_event_has_the_shape_that_sentry_gives_it(
    told: list[tuple[JsonObject, JsonObject]],
) -> None:
    ids = set()
    for row, event in told:
        ids.add((event["project"], event["event_id"]))
        assert HEX_32.fullmatch(event["event_id"])
        assert type(event["project"]) is int
        assert service_of(event) in {"checkout", "payment", "catalogue"}
        assert type(event["issue_id"]) is str
        assert f"/issues/{event['issue_id']}/" in event["issue_url"]
        pairs = dict(event["tags"])
        assert [[name, value] for name, value in pairs.items()] == event["tags"]
        assert pairs["environment"] == event["environment"]
        assert pairs["release"] == event["release"]
        assert pairs["level"] == event["level"]
        assert pairs["server_name"] == event["server_name"]
        assert all(HEX_32.fullmatch(value) for value in event["hashes"])
        assert event["hashes"]
        assert type(event["timestamp"]) is float
        assert HEX_32.fullmatch(event["contexts"]["trace"]["trace_id"])
        assert abs(row["at_ms"] / 1000 - event["received"]) < 0.001
        assert 0 <= event["received"] - event["timestamp"] < 60
    assert len(ids) == len(told)


def test_an_error_has_frames_of_the_shop_and_a_message_comes_only_as_an_alert(
    told: list[tuple[JsonObject, JsonObject]],
) -> None:
    for row, event in told:
        if row["resource"] == "event_alert":
            assert "exception" not in event
            assert event["logentry"]["formatted"] == event["message"] == event["title"]
            continue
        raised = event["exception"]["values"][-1]
        frames = raised["stacktrace"]["frames"]
        assert {type(frame["in_app"]) for frame in frames} == {bool}
        mine = [frame for frame in frames if frame["in_app"]]
        assert len(mine) >= 2
        assert all(frame["abs_path"].startswith("/srv/shop/shop/") for frame in mine)
        assert event["title"].startswith(raised["type"])
        assert event["metadata"]["type"] == raised["type"]
        assert event["culprit"] == event["transaction"]


def test_issues_come_into_being_right_after_their_first_event_and_three_are_resolved_at_the_end(
    rows: list[JsonObject], told: list[tuple[JsonObject, JsonObject]]
) -> None:
    first: dict[str, int] = {}
    for row, event in told:
        first.setdefault(event["issue_id"], row["at_ms"])
    issues = [row for row in rows if row["resource"] == "issue"]
    created = [row for row in issues if row["body"]["action"] == "created"]
    resolved = [row for row in issues if row["body"]["action"] == "resolved"]
    ids = [row["body"]["data"]["issue"]["id"] for row in created]
    assert sorted(ids) == sorted(first)
    for row in created:
        assert 0 <= row["at_ms"] - first[row["body"]["data"]["issue"]["id"]] <= 1000
    assert {row["body"]["data"]["issue"]["project"]["slug"] for row in resolved} == {
        "checkout",
        "payment",
        "catalogue",
    }
    last_event = max(row["at_ms"] for row, _ in told)
    assert all(row["at_ms"] > last_event - 30_000 for row in resolved)


def test_the_outage_is_hundreds_of_errors_of_three_services_and_eighty_people(
    told: list[tuple[JsonObject, JsonObject]],
) -> None:
    outage = [event for row, event in told if row["label"] == "outage"]
    assert len(outage) >= 300
    assert {event["environment"] for event in outage} == {"production"}
    assert len({event["user"]["id"] for event in outage}) >= 80
    types = defaultdict(set)
    for event in outage:
        types[service_of(event)].add(event["metadata"]["type"])
    assert set(types) == {"checkout", "payment", "catalogue"}
    assert all(len(kinds) >= 2 for kinds in types.values())


def test_services_that_failed_over_one_request_share_its_trace(
    told: list[tuple[JsonObject, JsonObject]],
) -> None:
    services = defaultdict(set)
    for row, event in told:
        if row["label"] == "outage":
            services[event["contexts"]["trace"]["trace_id"]].add(service_of(event))
    shared = [names for names in services.values() if len(names) > 1]
    assert len(shared) >= 50
    assert {name for names in shared for name in names} == {"checkout", "payment", "catalogue"}


def test_checkout_is_deployed_before_the_outage_and_only_the_new_release_fails_in_it(
    told: list[tuple[JsonObject, JsonObject]],
) -> None:
    releases = defaultdict(list)
    for row, event in told:
        if service_of(event) == "checkout":
            releases[event["release"]].append(row)
    assert set(releases) == {"checkout@1.8.2", "checkout@1.9.0"}
    assert {row["label"] for row in releases["checkout@1.8.2"]}.isdisjoint({"outage"})
    assert releases["checkout@1.8.2"][-1]["at_ms"] < releases["checkout@1.9.0"][0]["at_ms"]
    assert "outage" in {row["label"] for row in releases["checkout@1.9.0"]}


def test_ambient_errors_go_on_before_during_and_after_and_some_begin_inside(
    told: list[tuple[JsonObject, JsonObject]],
) -> None:
    outage = [row["at_ms"] for row, _ in told if row["label"] == "outage"]
    begin, end = min(outage), max(outage)
    ambient = defaultdict(list)
    for row, _ in told:
        if row["label"] != "outage":
            assert row["label"].startswith("ambient:")
            ambient[row["label"]].append(row["at_ms"])
    times = [at_ms for many in ambient.values() for at_ms in many]
    assert sum(at_ms < begin for at_ms in times) >= 10
    assert sum(begin <= at_ms <= end for at_ms in times) >= 10
    assert sum(at_ms > end for at_ms in times) >= 10
    assert sum(begin < min(many) < end for many in ambient.values()) >= 2
    assert sum(min(many) < begin for many in ambient.values()) >= 4
    staging = [event for _, event in told if event["environment"] == "staging"]
    assert len(staging) >= 3


def test_nothing_tells_of_the_machine_that_made_it_or_of_real_people(lines: list[str]) -> None:
    assert {leak for line in lines for leak in leaks(line)} == set()


@pytest.mark.parametrize(
    "text",
    [
        '"/home/someone/shop"',
        '"/tmp/abc/shop.py"',
        '"someone@company.org"',
        '"ip_address": "10.1.2.3"',
        '"/opt/x/.venv/lib"',
    ],
)
def test_a_path_a_mail_or_an_address_would_be_found(text: str) -> None:
    assert leaks(text)


@pytest.mark.parametrize("text", ['"user7@example.com"', '"192.0.2.7"', "('127.0.0.1', 40123)"])
def test_what_is_set_aside_for_examples_is_no_leak(text: str) -> None:
    assert not leaks(text)


def test_an_envelope_gives_its_events_and_passes_over_the_rest() -> None:
    event = b'{"event_id":"a","message":"two\\nlines"}'
    envelope = b"\n".join(
        [
            b'{"sent_at":"2026-11-17T09:00:00Z"}',
            b'{"type":"sessions"}',
            b'{"aggregates":[]}',
            b'{"type":"event","length":%d}' % len(event),
            event,
        ]
    )
    assert events_of(envelope) == [{"event_id": "a", "message": "two\nlines"}]
    assert events_of(envelope + b"\n") == events_of(envelope)


def upstream_error(trace: str) -> JsonObject:
    raised = {"type": "UpstreamFailed", "value": "payment answered 500"}
    return {"exception": {"values": [raised]}, "contexts": {"trace": {"trace_id": trace}}}


def database_error(trace: str) -> JsonObject:
    raised = {"type": "PoolExhausted", "value": "", "stacktrace": {"frames": []}}
    return {"exception": {"values": [raised]}, "contexts": {"trace": {"trace_id": trace}}}


def test_an_error_about_another_service_has_the_cause_of_that_one() -> None:
    both = [(10.0, database_error("t")), (10.1, upstream_error("t"))]
    assert list(label_all(both, (5.0, 20.0))) == ["outage", "outage"]


@pytest.mark.parametrize(
    "event", [upstream_error("t"), database_error("t"), {"message": "something else"}]
)
def test_an_error_that_the_story_does_not_explain_is_refused(event: JsonObject) -> None:
    with pytest.raises(UnknownCause):
        label_all([(30.0, event)], (5.0, 20.0))

"""The body of a webhook: the same fields whatever a digest holds, and never too long."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from correlators.returns import Back
from correlators.types import Digest, DigestKind
from sinks.webhook_body import BODY_BYTES, body_of, type_of
from tests.sinks.hostile import any_digest
from tests.sinks.make import digest
from tests.sinks.test_report import WEEK, of

PAGE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text("utf-8")
SLOW = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def message(one: Digest, *, possible_repeat: bool = False) -> dict[str, Any]:
    body, _ = body_of(one, possible_repeat=possible_repeat)
    assert len(body) <= BODY_BYTES
    found = json.loads(body)
    assert isinstance(found, dict)
    return found


USUAL = message(digest())


@SLOW
@given(any_digest())
def test_the_body_of_any_digest_has_the_same_fields(one: Digest) -> None:
    for repeat in (False, True):
        found = message(one, possible_repeat=repeat)
        assert found.keys() == {"type", "timestamp", "data"}
        assert re.fullmatch(r"[a-zA-Z0-9_.]{1,60}", found["type"])
        assert {name: type(value) for name, value in found["data"].items()} == {
            name: type(value) for name, value in USUAL["data"].items()
        }
        assert found["data"]["possible_repeat"] is repeat
        for url in found["data"]["links"].values():
            assert url == "" or url.startswith(("https://", "http://"))


@pytest.mark.parametrize("sign", ["x", '"', "\\", "漢", "\U0001f525"])
def test_megabytes_of_text_are_a_body_too(sign: str) -> None:
    huge = sign * (5_000_000 // len(sign))
    lines = digest().services * 20
    lines = tuple(msgspec.structs.replace(one, service=huge, title=huge) for one in lines)
    fields = {
        name: huge
        for name in Digest.__struct_fields__
        if isinstance(getattr(digest(), name), str) and name not in ("kind", "level", "page")
    }
    one = msgspec.structs.replace(
        digest(services=lines),
        **fields,
        because=(huge,) * 9,
        left=(huge,) * 9,
        notes=(huge,) * 4,
        report=(huge,) * 50,
    )
    found = message(one)
    assert found["data"]["shortened"]
    shown = len(found["data"]["services"])
    assert found["data"]["more_services"] == 40 - shown
    assert found["data"]["more_notes"] == 4 - len(found["data"]["notes"])


def test_what_a_usual_storm_says_to_a_program() -> None:
    data = USUAL["data"]
    assert USUAL["type"] == "storm.opened"
    assert USUAL["timestamp"] == "2026-09-21T14:13:20.000Z"
    assert (data["id"], data["revision"], data["resolved"]) == ("inc-1", 1, False)
    assert (data["events"], data["users"], data["incidents"]) == (412, 97, 3)
    assert [one["service"] for one in data["services"]] == ["payment", "checkout"]
    assert data["because"] == ["release", "trace"]
    assert data["first_at"] == "2026-09-21T14:13:08.000Z"
    assert data["shortened"] == []
    assert data["text"].startswith("🔴 payment +1 · ConnectionRefusedError")


def test_a_report_is_figures_and_what_is_back_says_how_it_was_over() -> None:
    found = message(of(WEEK))["data"]["reported"]
    same = {
        name: getattr(WEEK, name)
        for name in WEEK.__struct_fields__
        if name not in ("from_ms", "to_ms", "top", "actions", "urgency")
    }
    assert same.items() <= found.items()
    assert (found["from_at"], found["to_at"]) == (
        "1970-01-01T00:00:00.000Z",
        "1970-01-01T00:00:00.001Z",
    )
    assert found["actions"] == list(WEEK.actions)
    assert [one["url"] for one in found["top"]] == [WEEK.top[0].url, ""]
    first = message(of(msgspec.structs.replace(WEEK, hourly_before=-1)))
    assert first["data"]["reported"]["hourly_before"] is None
    assert USUAL["data"]["reported"] == USUAL["data"]["back"] == {}
    back = Back(1_790_000_000_000, "storm-1", "ada", "slack")
    assert message(msgspec.structs.replace(digest(), back=back))["data"]["back"] == {
        "ended_at": "2026-09-21T14:13:20.000Z",
        "storm_id": "storm-1",
        "by": "ada",
        "in": "slack",
    }


def test_a_report_that_is_too_long_counts_the_errors_that_it_leaves_out() -> None:
    huge = msgspec.structs.replace(
        WEEK.top[0], title="\U0001f525" * 140, release="漢" * 80, url="https://s.test/" + "漢" * 250
    )
    most = msgspec.structs.replace(WEEK, top=(huge,) * 10, actions=("漢" * 300,) * 5, more=2)
    data = message(of(most))["data"]
    assert "reported" in data["shortened"]
    assert len(data["reported"]["top"]) + data["reported"]["more"] == 12
    assert len(data["reported"]["actions"]) == 5


def test_types_say_what_happened_to_what() -> None:
    one = msgspec.structs.replace(digest(), storm=False)
    assert type_of(one) == "incident.opened"
    assert type_of(digest(resolved=True)) == "storm.resolved"
    assert type_of(msgspec.structs.replace(one, kind=DigestKind.DEPLOY)) == "deploy"


def test_the_page_of_webhooks_explains_every_field_and_every_type() -> None:
    told = set(re.findall(r"`([a-z_.]+)`", PAGE))
    missing = USUAL["data"].keys() - told
    assert not missing
    never = {"page_asked", "page_answered", "issue_change", "rollup", "correction"}
    kinds = {one.value for one in DigestKind} - never
    assert not kinds - told

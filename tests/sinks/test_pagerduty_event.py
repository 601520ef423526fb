"""What a page says, whatever the texts in it are, and that PagerDuty takes it."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.types import AlertLine, Digest, Level, PageAction, PageReason
from sinks.base import Delivered, Step
from sinks.lead import CHARS
from sinks.pagerduty import PagerDutySink
from sinks.pagerduty_details import MORE_IMPORTANT_LAST
from sinks.pagerduty_event import DEDUP_CHARS, SUMMARY_CHARS, Json, body_of, dedup_key, event_of
from sinks.pagerduty_words import summary
from sinks.peers.pagerduty import PagerDutyPeer
from tests.examples import examples
from tests.sinks.conftest import KEY
from tests.sinks.make import attempt, digest
from tests.sinks.test_render import hostile

HERE = "pagerduty:default"
TRIGGER = digest(HERE, page=PageAction.TRIGGER)
RESOLVE = digest(
    HERE, page=PageAction.RESOLVE, revision=2, resolved=True, at_ms=TRIGGER.at_ms + 60_000
)
SEEN = frozenset("\u202e\u2066\u200f\u0000\n\r\t\x1b")
"""What no text in an event may hold."""


def replaced(one: Digest, **more: object) -> Digest:
    return msgspec.structs.replace(one, **more)


def details_of(one: Digest, step: Step = Step.TRIGGER) -> Json:
    found: Json = event_of(attempt(step, one))["payload"]["custom_details"]
    return found


def texts(value: object) -> list[str]:
    """Return every text in it, names included."""
    if isinstance(value, dict):
        return [one for pair in value.items() for part in pair for one in texts(part)]
    if isinstance(value, list):
        return [one for part in value for one in texts(part)]
    return [value] if isinstance(value, str) else []


async def _taken(one: Digest, step: Step) -> tuple[bool, Json]:
    async with PagerDutyPeer(routing_keys=[KEY]) as peer:
        sink = PagerDutySink(routing_keys={"default": KEY}, base_url=peer.base_url)
        outcome = await sink.send(attempt(step, one))
        await sink.close()
        return isinstance(outcome, Delivered), peer.calls[-1].args


@examples(60)
@given(hostile(), st.sampled_from([Step.TRIGGER, Step.RESOLVE]), st.sampled_from(["", "k", "é"]))
def test_any_page_is_taken_and_every_text_in_it_is_one_clean_line(
    one: Digest, step: Step, key: str
) -> None:
    page = replaced(one, destination=HERE, page=PageAction.TRIGGER, page_key=key * 400)
    taken, event = asyncio.run(_taken(page, step))
    assert taken
    assert len(event["dedup_key"]) <= DEDUP_CHARS
    assert 1 <= len(event["payload"]["summary"]) <= SUMMARY_CHARS
    for text in texts(event):
        assert SEEN.isdisjoint(text)
    for link in (*event.get("links", ()), *event.get("images", ())):
        assert link.get("href", "http").startswith("http")


def test_megabytes_of_text_are_shortened_and_taken() -> None:
    huge = "x" * 3_000_000
    lines = tuple(
        msgspec.structs.replace(
            TRIGGER.services[0], service=f"s{at}{huge}", title=huge, url=f"https://{huge}"
        )
        for at in range(10)
    )
    one = replaced(
        TRIGGER,
        title=huge,
        environment=huge,
        services=lines,
        releases=(huge,) * 5,
        because=(huge,) * 9,
        owners=(huge,) * 9,
        runbook=f"https://{huge}",
        url=f"https://{huge}",
        origin=huge,
        rule=huge,
        alerts=(AlertLine(huge, huge, 1),) * 40,
    )
    taken, event = asyncio.run(_taken(one, Step.TRIGGER))
    assert taken
    assert len(json.dumps(event)) < 40_000
    assert event["payload"]["summary"].count("…") >= 1
    told = event["payload"]["custom_details"]
    assert told["metric_alerts"][-1] == "… and 35 more"
    assert told["because"][-1] == "… and 4 more"
    assert "runbook" not in told  # half of an address leads nowhere


@pytest.mark.parametrize("most_bytes", [1_400, 1_200, 1_000, 700])
def test_what_does_not_fit_gives_way_from_the_least_important_and_is_named(
    most_bytes: int,
) -> None:
    one = replaced(TRIGGER, runbook="https://wiki.test/pay", because=("a trace",))
    event = event_of(attempt(Step.TRIGGER, one))
    before = set(event["payload"]["custom_details"])
    body = body_of(event, most_bytes)
    assert len(body) <= most_bytes
    told = json.loads(body)["payload"]["custom_details"]
    assert told["shortened"].startswith("… without ")
    if "all_of_it" in told:
        gone = before - set(told)
        order = [name for name in MORE_IMPORTANT_LAST if name in before]
        assert gone == set(order[: len(gone)])
        assert told["shortened"] == f"… without {', '.join(order[: len(gone)])}"
    for name in ("summary", "source", "severity"):
        assert json.loads(body)["payload"][name]


def test_what_fits_is_sent_as_it_is() -> None:
    event = event_of(attempt(Step.TRIGGER, TRIGGER))
    assert json.loads(body_of(event)) == event
    assert "shortened" not in event["payload"]["custom_details"]


# ---------------------------------------------------------------- the first line


def test_the_first_80_characters_say_service_what_users_and_release() -> None:
    assert summary(TRIGGER, 1_024) == (
        "payment +1 · ConnectionRefusedError: payment-db refuse… · 97 users · since 2.4.1 · "
        "[production] · 412 events · "
        "ConnectionRefusedError: payment-db refused the connection"
    )
    assert "since 2.4.1" in summary(TRIGGER, 1_024)[:CHARS]


@given(st.text(min_size=1, max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_no_part_of_the_first_line_pushes_another_out(
    service: str, title: str, release: str
) -> None:
    line = msgspec.structs.replace(TRIGGER.services[0], service=service)
    one = replaced(TRIGGER, services=(line,), title=title, new_release=release, storm=False)
    assert "97 users" in summary(one, 1_024)[:CHARS]


def test_a_page_after_an_acknowledgement_says_why_it_comes_again() -> None:
    one = replaced(TRIGGER, page_replaces="storm-1.1", page_why="mail joined")
    assert summary(one, 1_024).startswith("Again, payment +1 · Connection")
    assert " · mail joined · " in summary(one, 1_024)


# ---------------------------------------------------------------- the details


def test_the_details_come_in_the_order_in_which_somebody_wants_to_know_them() -> None:
    one = replaced(
        TRIGGER,
        owners=("team-pay", "team-shop"),
        runbook="https://wiki.test/pay",
        dashboard="https://grafana.test/1",
        status_page="https://status.test",
        rule="loud",
        origin="payment",
        origin_reason="it is needed by checkout",
    )
    assert details_of(one) == {
        "what": "ConnectionRefusedError: payment-db refused the connection",
        "project": "payment and 1 more service",
        "users": 97,
        "count": 412,
        "environment": "production",
        "began": "2026-09-21 14:13 UTC",
        "release": "payment@2.4.1, first seen 4 min before this began",
        "owner": "team-pay, team-shop",
        "why_paged": "many events in a short time",
        "rule": "loud",
        "sentry": "https://sentry.test/organizations/shop/issues/41/",
        "runbook": "https://wiki.test/pay",
        "dashboard": "https://grafana.test/1",
        "status_page": "https://status.test",
        "likely_origin": "payment: it is needed by checkout",
        "services": {
            "payment": "310 events: ConnectionRefusedError: payment-db refused the connection",
            "checkout": "102 events: PaymentUnavailable: <int> attempts",
        },
        "because": ["the same new release", "shared traces"],
        "last_event": "14:13 UTC",
        "releases": ["payment@2.4.1"],
        "incidents": 3,
        "acknowledge": "here, or: stormfold incidents ack inc-1",
        "all_of_it": "stormfold incidents show inc-1",
        "id": "inc-1",
        "revision": 1,
    }
    assert list(details_of(one))[:6] == [
        "what",
        "project",
        "users",
        "count",
        "environment",
        "began",
    ]


def test_what_is_not_exact_says_so_and_a_metric_alert_counts_nothing() -> None:
    assert "counted" not in details_of(TRIGGER)
    assert details_of(replaced(TRIGGER, about=True))["counted"] == "about"
    assert details_of(replaced(TRIGGER, at_least=True, about=True))["counted"] == "at least"
    alert = replaced(TRIGGER, metric_alert=True, alerts=(AlertLine("p95", "critical", 1),))
    assert not {"users", "count"} & set(details_of(alert))
    assert details_of(alert)["metric_alerts"] == ["p95: critical"]


@pytest.mark.parametrize("reason", PageReason)
def test_every_reason_has_its_words(reason: PageReason) -> None:
    assert details_of(replaced(TRIGGER, page_reason=reason))["why_paged"]


def test_a_page_by_hand_says_who_wants_it() -> None:
    by_hand = replaced(
        TRIGGER, page_reason=PageReason.BY_HAND, act="page_now", act_by="ada", act_in="slack"
    )
    assert details_of(by_hand)["why_paged"] == "a person wants it: ada, by slack"
    acked = replaced(by_hand, act="acknowledge", act_by="ben")
    assert details_of(acked)["why_paged"] == "a person wants it"


def test_a_page_that_comes_in_place_of_another_says_for_whom() -> None:
    assert "paged_instead_of" not in details_of(TRIGGER)
    handed = replaced(TRIGGER, handed_by="pagerduty:payments")
    assert details_of(handed)["paged_instead_of"] == "pagerduty:payments"


@pytest.mark.parametrize("level", Level)
def test_every_level_has_its_severity_and_a_storm_is_critical(level: Level) -> None:
    event = event_of(attempt(Step.TRIGGER, replaced(TRIGGER, level=level)))
    assert event["payload"]["severity"] == "critical"
    single = event_of(attempt(Step.TRIGGER, replaced(TRIGGER, level=level, storm=False)))
    expected = {"fatal": "critical", "debug": "info"}.get(level.value, level.value)
    assert single["payload"]["severity"] == expected


def test_pages_that_follow_one_another_name_each_other() -> None:
    new = replaced(TRIGGER, page_key="storm-1.2", page_replaces="storm-1.1", page_why="mail joined")
    old = replaced(RESOLVE, page_key="storm-1.1", page_after="storm-1.2")
    opened = event_of(attempt(Step.TRIGGER, new))
    closed = event_of(attempt(Step.RESOLVE, old))
    details = opened["payload"]["custom_details"]
    assert details["takes_the_place_of"] == closed["dedup_key"]
    assert details["not_covered_by_its_acknowledgement"] == "mail joined"
    assert closed["payload"]["custom_details"]["goes_on_as"] == opened["dedup_key"]
    first = event_of(attempt(Step.TRIGGER, TRIGGER))["payload"]["custom_details"]
    assert not {"takes_the_place_of", "goes_on_as"} & set(first)


def test_what_is_over_is_not_to_be_acknowledged() -> None:
    assert "acknowledge" not in details_of(RESOLVE, Step.RESOLVE)
    assert "links" not in event_of(attempt(Step.RESOLVE, RESOLVE))


# ---------------------------------------------------------------- links, picture, key


def test_links_stand_beside_the_payload_and_what_helps_comes_first() -> None:
    one = replaced(TRIGGER, runbook="https://wiki.test/pay", dashboard="https://g.test/1")
    event = event_of(attempt(Step.TRIGGER, one))
    assert [(link["text"], link["href"]) for link in event["links"]] == [
        ("Runbook", "https://wiki.test/pay"),
        ("Dashboard", "https://g.test/1"),
        ("payment in Sentry", "https://sentry.test/organizations/shop/issues/41/"),
    ]
    assert event["client_url"] == "https://sentry.test/organizations/shop/issues/41/"
    assert "routing_key" not in event


def test_the_services_picture_stands_in_the_page_and_leads_to_its_dashboard() -> None:
    one = replaced(TRIGGER, image="https://g.test/1.png", dashboard="https://g.test/1")
    image = {"src": "https://g.test/1.png", "alt": "The picture of payment"}
    event = event_of(attempt(Step.TRIGGER, one))
    assert event["images"] == [{**image, "href": "https://g.test/1"}]
    plain = replaced(one, image="http://g.test/1.png")  # PagerDuty takes https alone
    assert "images" not in event_of(attempt(Step.TRIGGER, plain))


def test_different_pages_have_different_keys_however_long_their_names_are() -> None:
    names = [f"{'k' * 300}{at}" for at in range(20)] + ["a", "b"]
    keys = {dedup_key(replaced(TRIGGER, page_key=name)) for name in names}
    assert len(keys) == len(names)
    assert all(len(key) <= DEDUP_CHARS for key in keys)

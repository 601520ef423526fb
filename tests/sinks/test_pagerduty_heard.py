"""What a webhook of PagerDuty means: which act, of whom, about which page; or why it is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.acts import (
    NAME_CHARS,
    Acknowledge,
    Act,
    Assign,
    Comment,
    Resolve,
    Unacknowledge,
    act_id,
)
from correlators.incidents import incident_id
from correlators.storms import storm_id
from correlators.types import IncidentKey
from sinks.pagerduty_event import key_of, page_of
from sinks.pagerduty_heard import OTHER_TYPE, PAGES_MOST, Meaning, Word, pages_of, read, type_label
from sinks.peers.pagerduty_said import INTEGRATION, user, webhook

PAGE = "storm-0123456789abcdef.2"
AT_S = 1_795_773_600.25


def body(kind: str, **more: Any) -> bytes:
    given: dict[str, Any] = {"event_id": "01", "at_s": AT_S, "key": key_of(PAGE), **more}
    return webhook(kind, "Q1", **given)


def word(raw: bytes) -> Word:
    _, found = read(raw)
    assert isinstance(found, Word)
    return found


def act(raw: bytes) -> Act:
    found = word(raw)
    (made,) = found.acts(pages_of([found.key]))
    return made


def who(actor: str = "Ben Local") -> dict[str, Any]:
    return {"actor": actor, "source": "pagerduty", "at_ms": 1_795_773_600_250, "subject": PAGE}


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (body("acknowledged"), Acknowledge(**who())),
        (body("unacknowledged", agent=None), Unacknowledge(**who("PagerDuty"))),
        (body("reopened"), Unacknowledge(**who())),
        (body("resolved"), Resolve(**who())),
        (body("reassigned", assignees=["Ada"]), Assign(**who(), assignee="Ada")),
        (body("escalated", assignees=["Ada", "Bo"]), Assign(**who(), assignee="Ada, Bo")),
        (
            body("reassigned", assignees=["A", "B", "C", "D", "E"]),
            Assign(**who(), assignee="A, B, C and 2 more"),
        ),
        (body("delegated"), Assign(**who(), assignee="Default")),
    ],
)
def test_each_event_type_is_its_act(raw: bytes, wanted: Act) -> None:
    assert act(raw) == wanted


def test_a_note_is_a_comment_and_names_no_key() -> None:
    found = word(body("annotated", note="restarted\nthe db"))
    assert (found.incident, found.key) == ("Q1", "")
    assert found.acts([PAGE]) == [Comment(**who(), text="restarted the db")]
    assert read(body("annotated", note=" "))[1] is Meaning.NOTHING
    (long,) = word(body("annotated", note="x" * 9_000)).acts([PAGE])
    assert isinstance(long, Comment)
    assert len(long.text) == 1_000


def test_the_same_webhook_is_the_same_act_however_often_it_comes() -> None:
    first, again = act(body("acknowledged")), act(body("acknowledged", event_id="01"))
    assert act_id(first) == act_id(again)
    later = act(body("acknowledged", at_s=AT_S + 0.001))
    assert act_id(later) != act_id(first)


def test_an_incident_of_several_pages_is_an_act_for_each() -> None:
    pages = pages_of([key_of(PAGE), key_of("inc-0123456789abcdef.1"), "somebody-else"])
    assert [one.subject for one in word(body("acknowledged")).acts(pages)] == [
        "inc-0123456789abcdef.1",
        PAGE,
    ]
    many = [key_of(f"inc-{n:016x}.1") for n in range(PAGES_MOST + 9)]
    assert len(pages_of(many)) == PAGES_MOST


@pytest.mark.parametrize("kind", ["acknowledged", "resolved"])
def test_what_an_event_of_ours_did_is_no_act(kind: str) -> None:
    assert read(body(kind, agent=INTEGRATION)) == (f"incident.{kind}", Meaning.OWN)


def test_an_incident_that_went_into_another_has_not_ended() -> None:
    merged = body("resolved", merged_into="Q2")
    assert read(merged) == ("incident.resolved", Meaning.MERGED)
    assert read(body("acknowledged", merged_into="Q2"))[1] is not Meaning.MERGED


def test_no_act_says_a_mail_address() -> None:
    assert act(body("acknowledged", agent=user("ben@example.com"))).actor == "somebody"
    made = act(body("acknowledged", agent=user("Ben <ben@example.com>")))
    assert made.actor == "Ben <email>"
    shown = act(body("reassigned", assignees=["ada@example.com", "Bo"]))
    assert isinstance(shown, Assign)
    assert shown.assignee == "somebody, Bo"
    (note,) = word(body("annotated", note="ask ben@example.com, or @oncall")).acts([PAGE])
    assert isinstance(note, Comment)
    assert note.text == "ask <email> or @oncall"
    long = act(body("acknowledged", agent=user("n" * 100 + " ben-of-somewhere@example.com")))
    assert "example" not in long.actor
    assert len(long.actor) <= NAME_CHARS


@pytest.mark.parametrize("kind", ["triggered", "priority_updated", "brand_new"])
def test_a_type_that_asks_for_nothing_is_no_act(kind: str) -> None:
    assert read(body(kind)) == (f"incident.{kind}", Meaning.NOTHING)


def test_a_ping_is_no_act() -> None:
    ping = {"event": {"event_type": "pagey.ping", "data": {"message": "hello", "type": "ping"}}}
    assert read(json.dumps(ping).encode()) == ("pagey.ping", Meaning.NOTHING)


def test_labels_are_few_whatever_comes() -> None:
    assert type_label("incident.acknowledged") == "incident.acknowledged"
    assert type_label("incident.brand_new") == OTHER_TYPE


@pytest.mark.parametrize(
    "change",
    [
        {"occurred_at": None},
        {"occurred_at": "yesterday"},
        {"data": None},
        {"data": {"id": "../users"}},
        {"data": {"id": 7}},
        {"agent": "Ben"},
    ],
)
def test_a_webhook_that_lacks_what_an_act_needs_is_unreadable(change: dict[str, Any]) -> None:
    told = json.loads(body("acknowledged"))
    told["event"] |= change
    assert read(json.dumps(told).encode())[1] is Meaning.UNREADABLE


@given(st.binary(max_size=300) | st.text(max_size=60).map(lambda one: one.encode("utf-8")))
def test_no_bytes_raise(raw: bytes) -> None:
    assert read(raw) == (OTHER_TYPE, Meaning.UNREADABLE)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=9), some),
        max_leaves=8,
    ),
    st.sampled_from(["agent", "data", "occurred_at", "id"]),
)
def test_no_value_in_any_place_raises(value: Any, place: str) -> None:
    told = json.loads(body("annotated", note="x"))
    told["event"][place] = value
    read(json.dumps(told).encode())


@given(st.text(), st.integers(0, 2**40), st.integers(1, 2**31))
def test_every_page_of_ours_finds_its_way_back(name: str, tick: int, number: int) -> None:
    first = incident_id(IncidentKey(name, name, name, name), tick)
    for page in (f"{first}.{number}", f"{storm_id(name, first, tick)}.{number}"):
        assert page_of(key_of(page)) == page


@given(st.text(max_size=60))
def test_no_other_key_is_a_page(key: str) -> None:
    assert page_of(key) == ""
    assert page_of(f"stormfold-{key}") in ("", key)


def test_who_is_known_is_called_by_their_name_as_actor_and_as_who_has_it() -> None:
    people = {user("Ben Local")["id"]: "ada", user("Bo")["id"]: "ben"}
    for raw, made in (
        (body("acknowledged"), Acknowledge(**who("ada"))),
        (body("annotated", note="x"), Comment(**who("ada"), text="x")),
        (
            body("reassigned", agent=user("Bo"), assignees=["Ben Local", "Cy"]),
            Assign(**who("ben"), assignee="ada, Cy"),
        ),
    ):
        _, found = read(raw, people)
        assert isinstance(found, Word)
        assert found.acts([PAGE]) == [made]

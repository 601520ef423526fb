"""Who links a place to a service or a team has it told there too, from then on, and nothing else
changes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from correlators.acts import Act, ActOutcome, AddSilence
from correlators.channel_links import LINKS_MOST, ChannelLink, Chats, is_channel
from correlators.conditions import When
from correlators.days import Shadow
from correlators.decisions import Kind
from correlators.link_acts import AddLink, RemoveLink
from correlators.owners import Owner
from correlators.pressed import Pressed
from correlators.rules import Routes
from correlators.rulings import Rule, Urgency
from correlators.types import Digest, DigestKind, Level, PageAction
from sinks.corrections import says
from tests.correlators.acted import Stage, outage
from tests.correlators.score import CHAT, CONFIG, MINUTE, PAGER, PAGING, event, events, ms

PAY = "slack:C0PAY"


def link(at: int, to: str = PAY, by: str = "anna", **when: Any) -> tuple[int, Act]:
    """Return the act and its second; `when` are parts of a condition."""
    given: dict[str, Any] = {name: (value,) for name, value in when.items()}
    act = AddLink(actor=by, source="slack", at_ms=ms(at), subject=to, when=When(**given))
    return at, act


def unlink(at: int, to: str = PAY, **when: Any) -> tuple[int, Act]:
    given: dict[str, Any] = {name: (value,) for name, value in when.items()}
    one = When(**given) if given else None
    return at, RemoveLink(actor="ben", source="cli", at_ms=ms(at), subject=to, when=one)


def told(stage: Stage, to: str) -> list[tuple[str, int, str]]:
    """Return (service, revision, kind) of what a destination was told."""
    return [
        (one.services[0].service, one.revision, one.kind.value)
        for one in stage.digests
        if one.destination == to
    ]


@pytest.mark.parametrize("restore", [False, True])
def test_what_fits_is_told_there_too_from_then_on(restore: bool) -> None:
    stage = Stage(config=CONFIG, restore=restore)
    stage.run(20, event(0, "mail", "EM"), event(1, "cart", "EK"), acts=[link(15, service="mail")])
    assert told(stage, PAY) == []
    stage.run(10 * MINUTE, *events(range(30, 400, 20), "mail", "EM"), event(310, "cart", "EK"))
    assert {one[0] for one in told(stage, PAY)} == {"mail"}
    assert told(stage, PAY)[0] == ("mail", 2, "updated")
    stage.run(30 * MINUTE)
    assert told(stage, PAY)[-1][2] == "resolved"
    assert {one.services[0].service for one in stage.digests if one.destination == CHAT} == {
        "mail",
        "cart",
    }
    assert stage.acts == {("add_link", ActOutcome.DONE): 1}


def test_a_link_ends_for_what_comes_next_and_what_was_told_there_is_told_to_its_end() -> None:
    stage = Stage(config=CONFIG)
    first = [link(0, service="mail"), unlink(60, service="mail")]
    stage.run(90, event(1, "mail", "EM"), acts=first)
    stage.run(40 * MINUTE, event(100, "mail", "other"))
    assert told(stage, PAY) == [("mail", 1, "opened"), ("mail", 2, "resolved")]
    assert stage.state.people.links == ()


def test_only_the_environment_that_is_named_is_told_of() -> None:
    stage = Stage(config=CONFIG)
    both = [event(1, "mail", "EM", environment=one) for one in ("production", "staging")]
    stage.run(30, *both, acts=[link(0, service="ma*", environment="stag*")])
    assert [one.environment for one in stage.digests if one.destination == PAY] == ["staging"]


@pytest.mark.parametrize("restore", [False, True])
def test_a_team_hears_what_it_owns_though_no_rule_asks_for_owners(restore: bool) -> None:
    owners = (Owner(owner="pay", service="check*"), Owner(owner="ops", tag="tier=gold"))
    config = msgspec.structs.replace(CONFIG, owners=owners)
    stage = Stage(config=config, restore=restore)
    acts = [link(0, owner="pay"), link(0, "slack:C0OPS", owner="ops")]
    stage.run(30, event(1, "checkout", "EC"), event(1, "mail", "EM"), acts=acts)
    assert told(stage, PAY) == [("checkout", 1, "opened")]
    assert told(stage, "slack:C0OPS") == []


def test_a_storm_is_told_where_one_of_its_services_is_linked_and_pages_whom_it_would() -> None:
    stage = Stage(config=PAGING)
    stage.run(60, *outage(), acts=[link(0, service="payment"), link(0, "slack:C0X", service="x")])
    (storm,) = [one for one in stage.digests if one.destination == PAY]
    assert (storm.storm, storm.page) == (True, PageAction.NONE)
    assert told(stage, "slack:C0X") == []
    plain = Stage(config=PAGING)
    plain.run(60, *outage())
    assert stage.pages() == plain.pages()
    assert _without_links(stage.digests) == _without_links(plain.digests)


def _without_links(digests: list[Digest]) -> list[Digest]:
    """Return what was told elsewhere; a page names whom it was told to."""
    return [msgspec.structs.replace(one, page_told=()) for one in digests if one.destination != PAY]


def test_what_a_rule_drops_or_a_silence_holds_is_not_told_there_either() -> None:
    rules = (
        Rule(name="noise", when=When(service=("cart",)), urgency=Urgency.DROP, reason="noise"),
        Rule(name="rest", to=(CHAT,)),
    )
    stage = Stage(config=msgspec.structs.replace(CONFIG, rules=rules), explains=True)
    mute = AddSilence(
        actor="a",
        source="cli",
        at_ms=ms(0),
        environment="production",
        when=When(service=("mail",)),
        to_ms=ms(600),
    )
    links = [link(0, service=one) for one in ("cart", "mail", "shop")]
    stage.run(
        60, *(event(1, one, one) for one in ("cart", "mail", "shop")), acts=[(0, mute), *links]
    )
    assert told(stage, PAY) == [("shop", 1, "opened")]
    stage.run(700, *events(range(100, 690, 30), "mail", "mail"))
    assert ("mail", 1, "opened") in told(stage, PAY)
    assert "cart" not in {one[0] for one in told(stage, PAY)}
    dropped = [one for one in stage.decisions if one.kind is Kind.RULED and one.why == "drop"]
    assert {(one.to, one.because) for one in dropped} == {((), ())}


def test_where_nobody_would_be_told_a_link_tells_nobody() -> None:
    stage = Stage(config=msgspec.structs.replace(CONFIG, routes=Routes(tell=(), page=(PAGER,))))
    stage.run(60, event(1, "mail", "EM"), acts=[link(0, service="mail")])
    assert stage.digests == []


def test_what_is_told_there_anyway_is_told_once() -> None:
    stage = Stage(config=CONFIG)
    acts = [link(0, CHAT, service="mail"), link(0, service="mail"), link(0, service="*")]
    stage.run(60, event(1, "mail", "EM"), acts=acts)
    assert [one.destination for one in stage.digests] == [CHAT, PAY]


def test_in_shadow_mode_it_is_said_that_it_would_be_told_there() -> None:
    shadow = Shadow(to="slack:trial", report_minute=0)
    stage = Stage(config=msgspec.structs.replace(CONFIG, shadow=shadow))
    stage.run(60, event(1, "mail", "EM"), acts=[link(0, service="mail")])
    assert [(one.destination, one.would_tell) for one in stage.digests] == [
        ("slack:trial", (CHAT, PAY))
    ]


CHATS = Chats(known=(CHAT, "slack:pay"), same={PAY: "slack:pay"}, channels=True)


@pytest.mark.parametrize(
    ("chats", "destination", "place"),
    [
        (CHATS, PAY, "slack:pay"),
        (CHATS, "slack:pay", "slack:pay"),
        (CHATS, "slack:C0NEW", "slack:C0NEW"),
        (CHATS, "slack:gone", ""),
        (CHATS, "slack_webhook:C0NEW", ""),
        (Chats(known=(CHAT,)), "slack:C0NEW", ""),
    ],
)
def test_a_link_leads_only_where_the_configuration_can_tell(
    chats: Chats, destination: str, place: str
) -> None:
    assert chats.place(destination) == place


@pytest.mark.parametrize("name", ["D0DIRECT", "payments", "C", "C0-A", "c0pay", "U0ADA", ""])
def test_what_is_no_channel_is_not_taken_for_one(name: str) -> None:
    assert not is_channel(f"slack:{name}")


def test_a_place_that_is_configured_no_more_is_not_told_and_is_again_once_it_is_back() -> None:
    without = msgspec.structs.replace(CONFIG, chats=Chats(known=(CHAT,)))
    stage = Stage(config=without)
    stage.run(60, event(1, "mail", "EM"), acts=[link(0, "slack:pay", service="mail")])
    assert {one.destination for one in stage.digests} == {CHAT}
    entries = [one for _, one in stage.state.entries()]
    back = Stage(config=msgspec.structs.replace(CONFIG, chats=CHATS), entries=entries, now=60)
    back.run(120, event(70, "mail", "other"))
    assert told(back, "slack:pay") == [("mail", 1, "opened")]


def test_a_channel_that_gets_a_name_in_the_configuration_is_not_told_twice() -> None:
    stage = Stage(config=msgspec.structs.replace(CONFIG, chats=Chats(known=(CHAT,), channels=True)))
    stage.run(60, event(1, "mail", "EM"), acts=[link(0, service="mail")])
    entries = [one for _, one in stage.state.entries()]
    named = Stage(config=msgspec.structs.replace(CONFIG, chats=CHATS), entries=entries, now=60)
    named.run(500, *events(range(70, 490, 20), "mail", "EM"), event(70, "mail", "other"))
    places = {one.destination for one in named.digests if one.title == "EM"}
    assert places == {CHAT, PAY}
    assert {one.destination for one in named.digests if one.title == "other"} == {CHAT, "slack:pay"}


def test_the_same_link_is_one_and_what_is_not_linked_cannot_be_ended() -> None:
    stage = Stage(config=CONFIG)
    acts = [
        link(1, service="mail"),
        link(2, by="ben", service="mail"),
        unlink(3, service="cart"),
        link(4, service="cart"),
        link(4, "slack:C0X", service="cart"),
        unlink(5),
        unlink(6),
    ]
    stage.run(10, acts=acts)
    assert stage.acts == {
        ("add_link", ActOutcome.DONE): 3,
        ("add_link", ActOutcome.UNCHANGED): 1,
        ("remove_link", ActOutcome.UNCHANGED): 2,
        ("remove_link", ActOutcome.DONE): 1,
    }
    (left,) = stage.state.people.links
    assert (left.destination, left.author, left.says) == ("slack:C0X", "anna", "service cart")


def test_there_are_only_so_many_links() -> None:
    stage = Stage(config=CONFIG, restore=True)
    stage.run(5, acts=[link(1, service=f"s{one}") for one in range(LINKS_MOST + 1)])
    assert len(stage.state.people.links) == LINKS_MOST
    assert stage.acts["add_link", ActOutcome.TOO_MANY] == 1
    stage.run(10, acts=[unlink(6, service="s0"), link(7, service="again")])
    assert stage.acts["add_link", ActOutcome.DONE] == LINKS_MOST + 1
    assert all(isinstance(one, ChannelLink) for one in stage.state.people.links)


@pytest.mark.parametrize(
    ("to", "when", "says"),
    [
        ("pay", {"service": ("a",)}, "expected a destination"),
        ("slack:#pay", {"service": ("a",)}, "expected a destination"),
        (PAY, {}, "a link asks for one service or team"),
        (PAY, {"environment": ("a",)}, "a link asks for one service or team"),
        (PAY, {"service": ("a", "b")}, "a link asks for one service or team"),
        (PAY, {"service": ("a",), "owner": ("b",)}, "a link asks for one service or team"),
        (PAY, {"service": ("a",), "level": (Level.FATAL,)}, "a link asks for one service"),
        (PAY, {"service": ("a" * 201,)}, "at most 200 characters"),
        (PAY, {"service": ("a\n",)}, "at most 200 characters"),
    ],
)
def test_a_link_asks_for_one_thing_alone(to: str, when: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        AddLink(actor="a", source="cli", at_ms=0, subject=to, when=When(**when))
    if when:
        with pytest.raises(ValueError, match=says):
            RemoveLink(actor="a", source="cli", at_ms=0, subject=to, when=When(**when))


def test_what_was_decided_says_whose_link_it_is() -> None:
    stage = Stage(config=CONFIG, explains=True)
    stage.run(60, event(1, "mail", "EM"), acts=[link(0, service="mail")])
    ruled = [one for one in stage.decisions if one.kind is Kind.RULED]
    assert [(one.to, one.because) for one in ruled] == [
        ((CHAT, PAY), ("slack:C0PAY is linked to service mail by anna in slack",))
    ]
    acted = [one for one in stage.decisions if one.kind is Kind.ACTED]
    assert [(one.subject, one.because) for one in acted] == [
        (PAY, ("add link in slack", "service mail"))
    ]


def test_whoever_links_one_too_many_in_slack_is_told_once_whatever_the_partitions() -> None:
    full = [link(1, service=f"s{one}") for one in range(LINKS_MOST)]
    at, one_more = link(2, service="more")
    pressed = Pressed("U0ADA", "C0PAY")
    told_of = []
    for _ in range(2):
        stage = Stage(config=CONFIG)
        more = msgspec.structs.replace(one_more, pressed=pressed)
        stage.run(5, acts=[*full, (at, more)])
        told_of += stage.digests
    one, two = told_of
    assert one == two  # of one id, so that the destination takes it once
    assert (one.kind, one.answer.to) == (DigestKind.CORRECTION, pressed)  # type: ignore[union-attr]
    assert says(one) == (
        "⚠️ Not as you were told: `slack:C0PAY` is not linked. There are 200 links already."
    )

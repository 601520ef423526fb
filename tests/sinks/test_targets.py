"""A channel that people link is told although no configuration lists it, and what nobody serves is
refused as ever."""

from __future__ import annotations

import pytest

from correlators.acts import Act
from correlators.conditions import When
from correlators.link_acts import AddLink, RemoveLink
from sinks import targets as module
from sinks.console import ConsoleSink
from sinks.entries import Status
from sinks.outbox import Outbox
from sinks.pagerduty import PagerDutySink
from sinks.peers.slack import SlackPeer
from sinks.slack import SlackSink
from sinks.targets import targets
from tests.correlators.score import event, events, ms
from tests.sinks.life import Clock, Life
from tests.sinks.make import digest

TOKEN = "xoxb-test"


def slack_sink(base_url: str = "http://127.0.0.1:1/api/") -> SlackSink:
    return SlackSink(token=TOKEN, channels={"incidents": "C0INC"}, base_url=base_url)


def test_a_channel_is_known_once_it_is_asked_for_and_shares_the_workspace() -> None:
    known = targets([slack_sink(), ConsoleSink()])
    assert list(known) == ["slack:incidents", "console:default"]
    assert known["slack:C0OPS"].account == known["slack:incidents"].account
    assert list(known)[-1] == "slack:C0OPS"
    for unserved in ("slack:ops", "slack:D0ADA", "console:C0OPS", "teams:C0OPS", "slack"):
        assert unserved not in known
        assert known.get(unserved) is None
    assert len(known) == 3


def test_only_so_many_channels_are_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPENED_MOST", 2)
    known = targets([slack_sink()])
    assert [f"slack:C0{one}" in known for one in "ABCA"] == [True, True, False, True]


def test_what_an_unlisted_channel_is_to_hear_is_a_dead_letter_once_slack_is_gone() -> None:
    box = Outbox(targets([slack_sink()]), started_ms=0)
    box.accept(digest("slack:C0OPS"), 0)
    box.accept(digest("slack:ops"), 0)
    (entry,) = box.entries().values()
    assert (entry.destination, entry.status) == ("slack:C0OPS", Status.WAITING)
    without = Outbox(targets([ConsoleSink()]), started_ms=1)
    without.load(box.entries().values())
    assert [one.destination for one in without.take_changes().dead] == ["slack:C0OPS"]


async def test_a_linked_channel_has_messages_threads_and_edits_of_its_own() -> None:
    clock = Clock()
    async with SlackPeer(
        token=TOKEN, channels={"C0INC": "incidents", "C0OPS": "ops"}, clock=clock
    ) as peer:
        sink = slack_sink(peer.base_url)
        pager = PagerDutySink(routing_keys={"default": "R" * 32})
        life = Life(clock, sink, pager)
        when = When(service=("mail",))
        acts: list[tuple[int, Act]] = [
            (2, AddLink(actor="a", source="slack", at_ms=ms(2), subject="slack:C0OPS", when=when)),
            (60, RemoveLink(actor="a", source="slack", at_ms=ms(60), subject="slack:C0OPS")),
        ]
        mail = events(range(5, 400, 30), "mail", "EM")
        await life.run(1_200, event(4, "cart", "EK"), mail, event(100, "mail", "later"), acts=acts)
        (post,) = peer.posts("ops")
        assert "EM" in post.text
        assert len(peer.posts("incidents")) == 3
        steps = [one.method for one in peer.taken if one.args.get("channel") == "C0OPS"]
        assert steps.count("chat.postMessage") > 1
        assert "chat.update" in steps
        await sink.close()
        await pager.close()

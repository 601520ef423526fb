"""The whole life of a storm that a second outage joins after somebody had acknowledged it.

`pytest tests/sinks/test_storm_life.py -s` prints every message and every page with its time.
"""

from __future__ import annotations

from typing import Any

from correlators.acts import Acknowledge, Act, Separate
from correlators.types import DigestKind, Level
from sinks.pagerduty import PagerDutySink
from sinks.peers.pagerduty import PagerDutyPeer
from sinks.peers.serve import Fault
from sinks.peers.slack import SlackPeer
from sinks.slack import SlackSink
from tests.correlators.score import START, event, events
from tests.sinks.conftest import KEY, TOKEN
from tests.sinks.life import Clock, Life, Line, transcript

ANNA: dict[str, Any] = {"actor": "anna", "source": "slack", "at_ms": 0}

CART = ("cart", "TimeoutError: GET /prices")
PAYMENT = ("payment", "OperationalError: could not connect to payments-db")
CHECKOUT = ("checkout", "PaymentUnavailable: 3 attempts")
MAIL = ("mail", "SMTPServerDisconnected: relay closed the connection")
V2: dict[str, Any] = {"release": "payment@2.4.1"}
SLOW = ("cart", "SearchTimeout: 2 s")
SEARCH = ("search", "IndexCorrupted: shard 4")


class World:
    """A workspace, an account, and a life that is delivered to them."""

    def __init__(self) -> None:
        self.clock = Clock()
        channels = {"C0INC": "incidents"}
        self.slack = SlackPeer(token=TOKEN, channels=channels, clock=self.clock)
        self.pagerduty = PagerDutyPeer(routing_keys=[KEY], clock=self.clock)
        self.acts: list[Line] = []

    async def __aenter__(self) -> World:
        await self.slack.start()
        await self.pagerduty.start()
        self._slack_sink = SlackSink(
            token=TOKEN, channels={"incidents": "C0INC"}, base_url=self.slack.base_url
        )
        self._pager_sink = PagerDutySink(
            routing_keys={"default": KEY}, base_url=self.pagerduty.base_url
        )
        self.life = Life(self.clock, self._slack_sink, self._pager_sink)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._slack_sink.close()
        await self._pager_sink.close()
        await self.slack.close()
        await self.pagerduty.close()

    async def act(self, second: int, said: str, act: Act) -> None:
        self.acts.append(Line(second, "anna", said))
        await self.life.run(second + 1, acts=[(second, act)])

    def paged(self) -> list[tuple[int, str, str]]:
        """Return (second, action, page) of every call that PagerDuty took."""
        return [
            (
                round(one.at - START),
                one.args["event_action"],
                one.args["dedup_key"].removeprefix("stormfold-"),
            )
            for one in self.pagerduty.calls
            if one.outcome == "ok"
        ]

    def header(self, id: str) -> str:
        """Return what leads the message of this incident or storm now."""
        (post,) = [one for one in self.slack.posts("incidents") if id in str(one.blocks[-1])]
        return str(post.blocks[0]["text"]["text"])


async def test_a_second_outage_that_joins_an_acknowledged_storm_pages_anew_and_hides_nothing() -> (
    None
):
    async with World() as world:
        life, stage = world.life, world.life.stage
        # The first outage: payments-db is away. It was told by itself before others followed.
        await life.run(
            30,
            events(range(30), *PAYMENT, **V2, trace="one", user="u2"),
            events(range(11, 30, 2), *CHECKOUT, trace="one", user="u1"),
            events(range(12, 30, 3), *CART, trace="one", user="u1"),
        )
        storm, payment = stage.storm().id, stage.incident("payment").id
        await world.act(30, "acknowledges the storm", Acknowledge(subject=storm, **ANNA))
        await life.run(90, events(range(31, 90, 3), *PAYMENT, **V2, user="u3"))
        # The second: the mail relay is away too, and PagerDuty stumbles over its page.
        world.pagerduty.fail_next("enqueue", Fault.ERROR_500, Fault.DROP_BEFORE)
        await life.run(
            130,
            events(range(90, 130, 2), *MAIL, trace="two", user="u4", level=Level.FATAL),
            events(range(90, 130, 4), *CHECKOUT, trace="two", user="u4"),
            event(120, *SLOW, trace="two", user="u4"),
        )
        # A third, paged by itself, turns out to be part of it.
        await life.run(
            190,
            event(135, *SEARCH, level=Level.FATAL),
            events(range(135, 190, 5), *PAYMENT, **V2, user="u3"),
            event(160, *SEARCH, trace="three"),
            event(161, *SLOW, trace="three"),
        )
        mail, search = stage.incident("mail").id, stage.incident("search").id
        apart = Separate(subject=mail, **ANNA)
        await world.act(190, "says that mail is not part of it", apart)
        await life.run(1_000, events(range(191, 200, 2), *MAIL, user="u4", level=Level.FATAL))
        told = [*world.acts, *life.failed]
        print("\n" + transcript(world.slack, world.pagerduty, told))

        opened, closed = "trigger", "resolve"
        assert [one[1:] for one in world.paged()] == [
            (opened, f"{storm}.1"),
            ("acknowledge", f"{storm}.1"),
            (opened, f"{storm}.2"),
            (closed, f"{storm}.1"),
            (opened, f"{search}.1"),
            (closed, f"{search}.1"),
            (opened, f"{mail}.1"),
            (closed, f"{storm}.2"),
            (closed, f"{mail}.1"),
        ]
        seconds = [one[0] for one in world.paged()]
        assert 91 < seconds[2] <= seconds[3] < 100
        assert world.pagerduty.open_alerts() == []
        assert (world.slack.rejected, world.slack.violations) == ([], [])
        assert [made for made in life.changes if made.held or made.dead] == []
        assert world.header(payment).startswith("➡️ Part of a storm: payment · Operat")
        assert world.header(search).startswith("➡️ Part of a storm: search · IndexC")
        assert world.header(mail).startswith("✅ *Resolved* after 1 min: ~mail · SMTP")
        assert world.header(storm).startswith("✅ *Resolved* after 3 min: ~payment +3 · ")
        assert len(world.slack.posts("incidents")) == 4


async def test_when_the_new_page_is_refused_the_old_one_stays_until_its_fallback_has_it() -> None:
    async with World() as world:
        life, stage = world.life, world.life.stage
        await life.run(
            30,
            events([0, 1], *CART, trace="one"),
            events(range(2, 30), *PAYMENT, trace="one"),
            events(range(3, 30), *CHECKOUT, trace="one"),
        )
        storm = stage.storm().id
        await world.act(30, "acknowledges the storm", Acknowledge(subject=storm, **ANNA))
        world.pagerduty.fail(Fault.REFUSED, method="enqueue", calls=1, word="400")
        await life.run(2_500, events(range(40, 2_400, 30), *MAIL, trace="one"))
        first = f"stormfold-{storm}.1"
        assert [one.dedup_key for one in world.pagerduty.pages] == [first]
        assert world.pagerduty.open_alerts() == []
        handed = [one for made in life.changes for one in made.handed]
        paged, told, *_ = handed
        assert (paged.destination, paged.page_key) == ("slack:incidents", f"{storm}.2")
        assert told.notice == (
            "The page to pagerduty:default could not be delivered (refused: invalid); "
            "slack:incidents was paged instead"
        )
        instead = [one.at for one in world.slack.calls if f"{storm}.2" in str(one.args)]
        ended = [one.at for one in world.pagerduty.calls if one.args["event_action"] == "resolve"]
        assert instead[0] < ended[0] < instead[0] + 5
        await life.run(3_200)
        reminders = [
            one for made in life.changes for one in made.handed if one.kind is DigestKind.REMINDER
        ]
        assert len(reminders) == 8  # every five minutes until its storm was over

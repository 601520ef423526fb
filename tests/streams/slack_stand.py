"""A desk before a local Slack, with a log in memory and a state that a stage made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
from aiohttp import web

from correlators.acts import Act
from correlators.types import Digest, tick_of
from sinks.base import Step
from sinks.peers.control import add_control
from sinks.peers.serve import Json
from sinks.peers.slack import SlackPeer
from sinks.peers.slack_by_hand import add_people
from sinks.peers.slack_people import Answered, HttpApp, Person
from sinks.peers.slack_socket import SocketApp
from sinks.peers.slack_store import Message
from sinks.slack import SlackSink
from streams.intake import make_runner
from streams.intake_log import Written
from streams.intake_slack import SlackDoor, now_ms
from streams.live import Live, LiveError, Part
from streams.metrics import Metrics, exposition
from streams.people import People
from streams.references import Secret
from streams.settings import Settings, Slack, SlackIn, load
from streams.settings_types import Sentry
from streams.slack_book import Book
from streams.slack_clerk import Clerk
from streams.slack_desk import Desk
from streams.slack_office import Office
from tests.correlators.acted import Stage, outage
from tests.correlators.score import PAGING, event, ms
from tests.sinks.make import attempt, digest

TOKEN = "xoxb-test"
SECRETS = ("new-signing-secret", "old-signing-secret")
INC = "inc-4bb0c3f1a2d95e77"
SENTRY = Sentry(token=Secret("sntrys-test", place="test", environ={}), organisation="shop")


@dataclass
class MemoryActs:
    """The input log of CORRELATE, in memory."""

    told: list[tuple[Act, int]] = field(default_factory=list)
    everywhere: list[Act] = field(default_factory=list)
    """What stands in every partition."""
    answer: Written = Written.YES
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """Answers only while it is set, as it is from the beginning."""

    def __post_init__(self) -> None:
        self.open.set()

    async def tell(self, act: Act, environment: int, *, within_s: float) -> Written:
        self.told.append((act, environment))
        await self.open.wait()
        return self.answer

    async def tell_everywhere(self, acts: Sequence[Act], *, within_s: float) -> Written:
        self.everywhere += acts
        await self.open.wait()
        return self.answer

    @property
    def acts(self) -> list[Act]:
        return [act for act, _ in self.told]


@dataclass
class Stand:
    """All of it, running."""

    slack: SlackPeer
    app: HttpApp
    acts: MemoryActs
    desk: Desk
    door: SlackDoor
    metrics: Metrics
    sockets: SocketApp | None = None
    live: Live | None = None
    """What the state is; None: it cannot be read."""

    def person(self, id: str, name: str, *, team: str = "T0STORM") -> Person:
        return Person(self.slack, self.app.send, id, name, team=team)

    @property
    def ada(self) -> Person:
        return self.person("U0ADA", "ada")

    async def post(self, of: Digest | None = None) -> Message:
        """Post a digest as the sink does, and return its message."""
        of = of or digest("slack:incidents", id=INC, revision=3)
        sink = SlackSink(
            token=TOKEN,
            channels={"incidents": "#incidents"},
            buttons=True,
            base_url=self.slack.base_url,
        )
        await sink.send(attempt(Step.POST, of))
        await sink.close()
        return self.slack.posts("incidents")[-1]

    async def heard(self, person: Person, count: int = 1) -> list[str]:
        """Return what a person was told by then."""
        await self.slack.until(lambda: len(person.heard()) >= count)
        return person.heard()

    def counted(self) -> dict[tuple[str, str], int]:
        """Return what came in, by kind and outcome."""
        found = {}
        for line in exposition(self.metrics).decode().splitlines():
            if line.startswith("stormfold_slack_requests_total{") and not line.endswith(" 0.0"):
                labels, _, value = line.partition("} ")
                kind, outcome = (one.split('"')[1] for one in labels.split(","))
                found[kind, outcome] = int(float(value))
        return found


def settings_with(slack: SlackPeer, **back: object) -> Settings:
    """Return settings whose Slack is this one."""
    settings = load(None, {})
    held = tuple(Secret(one, place="test", environ={}) for one in SECRETS)
    told = Slack(
        token=Secret(TOKEN, place="test", environ={}),
        base_url=slack.base_url,
        channels={"incidents": "#incidents"},
    )
    values: dict[str, object] = {"signing_secrets": held, **back}
    return msgspec.structs.replace(
        settings,
        sinks=msgspec.structs.replace(settings.sinks, slack=told),
        slack_in=SlackIn(**values),  # type: ignore[arg-type]
    )


@asynccontextmanager
async def stand(
    socket_token: str = "",
    answer_within_s: float = 30.0,
    sentry: Sentry | None = None,
    people: People | None = None,
    **back: object,
) -> AsyncIterator[Stand]:
    """Serve `POST /slack` before a local Slack; `back` are fields of `slack_in`, `sentry` is whose
    issues are changed, `people` who is known by name."""
    channels = {"C0INC": "incidents", "C0OPS": "ops"}
    slack = SlackPeer(token=TOKEN, channels=channels, per_second=1_000.0)
    sockets = SocketApp(slack, socket_token) if socket_token else None
    made: list[Stand] = []

    async def send(kind: str, payload: Json) -> Answered:
        return await made[0].app.send(kind, payload)

    add_control(slack)
    add_people(slack, send)
    async with slack:
        metrics, acts = Metrics(), MemoryActs()
        settings = msgspec.structs.replace(
            settings_with(slack, **back), sentry=sentry, people=dict(people or {})
        )

        async def read() -> Live:
            live = made[0].live
            if live is None:
                raise LiveError("Kafka cannot be read")
            return live

        office = Office(token=TOKEN, base_url=slack.base_url, now_ms=now_ms)
        book = Book(read, now_ms)
        clerk = Clerk(office=office, acts=acts, book=book, now_ms=now_ms)
        desk = Desk(clerk, office, book, answer_within_s=answer_within_s)
        door = SlackDoor(settings, metrics, desk, clerk, office)
        app = web.Application()
        app.router.add_post("/slack", door.post)
        runner = make_runner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        http = HttpApp(f"http://127.0.0.1:{port}/slack", SECRETS[0], time.time)
        made.append(Stand(slack, http, acts, desk, door, metrics, sockets))
        try:
            yield made[0]
        finally:
            await desk.finish(5.0)
            await runner.cleanup()


def outage_and_mail() -> tuple[Live, str, str]:
    """Return a state with a storm and an incident beside it, and the ids of both."""
    stage = Stage()
    stage.run(20, *outage(), event(5, "mail", "EM"))
    live = Live(PAGING, [Part(0, stage.state, tick_of(ms(stage.now)) - 1)], ms(stage.now))
    mail = next(one.id for _, one in live.open() if one.id != stage.storm().id)
    return live, stage.storm().id, mail

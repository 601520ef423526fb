"""What is done to a running installation: each fault lasts as long as its context."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

from aiokafka import AIOKafkaConsumer

from benchmarks.observe.world import INTAKE, PAGER_SECRET, SECOND, World, wake
from benchmarks.wayback import happening
from sinks.peers.faults import Fault as PeerFault
from sinks.peers.pagerduty_store import Fate
from streams.broker.jvm import JvmBroker
from streams.topics import names
from tests.chaos.fragile import POISON

Made = AbstractAsyncContextManager[None]


@contextlib.asynccontextmanager
async def intake_ends(world: World) -> AsyncIterator[None]:
    """Without intake."""
    await asyncio.gather(world.end(INTAKE), world.end(SECOND))
    try:
        yield
    finally:
        await world.begin_intakes()


@contextlib.asynccontextmanager
async def second_intake_is_killed(world: World) -> AsyncIterator[None]:
    """With the first of two intakes only."""
    await world.end(SECOND, signal.SIGKILL)
    try:
        yield
    finally:
        await world.begin_intakes()


@contextlib.asynccontextmanager
async def sentry_is_silent(world: World) -> AsyncIterator[None]:
    """Without a webhook."""
    world.sentry.silent = True
    try:
        yield
    finally:
        world.sentry.silent = False


@contextlib.asynccontextmanager
async def secret_replaced(world: World) -> AsyncIterator[None]:
    """With webhooks that another secret signs."""
    world.sentry.forged = True
    try:
        yield
    finally:
        world.sentry.forged = False


@contextlib.asynccontextmanager
async def kafka_hangs(world: World) -> AsyncIterator[None]:
    """With a broker that is suspended."""
    assert isinstance(world.broker, JvmBroker), "only a broker of our own is suspended"
    pid = world.broker.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        wake(pid)


def suspended(stage: str, *, breaking: bool = False) -> Callable[[World], Made]:
    """Return a fault: a stage is suspended, while new things break if that is asked for."""

    @contextlib.asynccontextmanager
    async def make(world: World) -> AsyncIterator[None]:
        pids = await world.pids_of(stage)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            async with world.sentry.keeps_breaking() if breaking else contextlib.nullcontext():
                yield
        finally:
            for pid in pids:
                wake(pid)

    return make


@contextlib.asynccontextmanager
async def member_never_reads(world: World) -> AsyncIterator[None]:
    """With a member of FINGERPRINT's group that takes partitions and reads nothing."""
    member = AIOKafkaConsumer(
        names(world.namespace).events,
        bootstrap_servers=world.broker.bootstrap,
        group_id=f"{world.namespace}.fingerprint",
        enable_auto_commit=False,
        session_timeout_ms=6_000,
        heartbeat_interval_ms=1_000,
    )
    await member.start()
    try:
        yield
    finally:
        await member.stop()


@contextlib.asynccontextmanager
async def dies_again_and_again(world: World) -> AsyncIterator[None]:
    """With a DELIVER that is killed whenever it is there."""
    async with _killed(world, "deliver", 0):
        yield


@contextlib.asynccontextmanager
async def one_of_two_dies(world: World) -> AsyncIterator[None]:
    """With a second process of FINGERPRINT that is killed whenever it is there."""
    async with _killed(world, "fingerprint", 2):
        yield
    # It rests for ten minutes, or until no other is well: so the first one is told to end, as
    # somebody who restarts the worker does.
    first = world.stage("fingerprint").get(1)
    if first is not None:
        os.kill(first, signal.SIGTERM)


@contextlib.asynccontextmanager
async def _killed(world: World, stage: str, number: int) -> AsyncIterator[None]:
    async def go_on() -> None:
        while True:
            pid = world.stage(stage).get(number)
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(0.2)

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def pings_are_refused(world: World) -> AsyncIterator[None]:
    """With a heartbeat address that answers 503."""
    world.ping_status = 503
    try:
        yield
    finally:
        world.ping_status = 200


@contextlib.asynccontextmanager
async def configuration_is_wrong(world: World) -> AsyncIterator[None]:
    """With a changed file that has a mistake."""
    before = world.config.read_text()
    world.config.write_text(before.replace("settle: 2s", "settle: soon"))
    world.reread()
    try:
        yield
    finally:
        world.config.write_text(before)
        world.reread()


@contextlib.asynccontextmanager
async def unreadable_record(world: World) -> AsyncIterator[None]:
    """With one signed body that is no JSON."""
    await world.sentry.say("error", b"{this is no JSON")
    yield


@contextlib.asynccontextmanager
async def slack_refuses_one(world: World) -> AsyncIterator[None]:
    """With one message that Slack refuses for good."""
    world.slack.fail(PeerFault.REFUSED, method="chat.postMessage", word="is_archived", calls=1)
    await world.sentry.fresh()
    try:
        yield
    finally:
        world.slack.heal()


@contextlib.asynccontextmanager
async def slack_is_down(world: World) -> AsyncIterator[None]:
    """With a Slack that answers 503."""
    world.slack.fail(PeerFault.ERROR_503)
    try:
        async with world.sentry.keeps_breaking():
            yield
    finally:
        world.slack.heal()


@contextlib.asynccontextmanager
async def flood(world: World) -> AsyncIterator[None]:
    """With more than a channel takes in its time, and too little for a roll-up."""
    for _ in range(40):
        await world.sentry.fresh()
    yield


@contextlib.asynccontextmanager
async def pager_is_down(world: World) -> AsyncIterator[None]:
    """With a page, and a PagerDuty that answers 503."""
    world.pagerduty.fail(PeerFault.ERROR_503)
    try:
        async with world.sentry.goes_on(level="fatal", environment="production"):
            yield
    finally:
        world.pagerduty.heal()


@contextlib.asynccontextmanager
async def nobody_can_be_paged(world: World) -> AsyncIterator[None]:
    """With a page that PagerDuty refuses, as Slack does with its fallback."""
    world.pagerduty.fail(PeerFault.REFUSED, word="routing key is invalid")
    world.slack.fail(PeerFault.REFUSED, destination="C0ONC", word="is_archived")
    await world.sentry.fresh(level="fatal", environment="production")
    try:
        yield
    finally:
        world.pagerduty.heal()
        world.slack.heal()


@contextlib.asynccontextmanager
async def pager_wakes_nobody(world: World) -> AsyncIterator[None]:
    """With a page that PagerDuty takes and suppresses."""
    world.pagerduty.suppress()
    await world.sentry.fresh(level="fatal", environment="production")
    try:
        yield
    finally:
        world.pagerduty.suppress(Fate.OPENS)


@contextlib.asynccontextmanager
async def slack_signed_otherwise(world: World) -> AsyncIterator[None]:
    """With a button whose secret is not known here."""
    at = str(int(time.time()))
    body = b"payload=%7B%7D"
    made = hmac.new(b"another", f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()
    headers = {
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": f"v0={made}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    async with world.http.post(f"{world.origin}/slack", data=body, headers=headers):
        yield


@contextlib.asynccontextmanager
async def pagerduty_says_something_else(world: World) -> AsyncIterator[None]:
    """With a webhook of PagerDuty's that nobody here can read."""
    body = b'{"event": 7}'
    made = hmac.new(PAGER_SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-PagerDuty-Signature": f"v1={made}", "Content-Type": "application/json"}
    async with world.http.post(f"{world.origin}/pagerduty", data=body, headers=headers):
        yield


@contextlib.asynccontextmanager
async def record_kills(world: World) -> AsyncIterator[None]:
    """With a record that CORRELATE dies of, each time."""
    body = happening.error(POISON.decode(), "bad", "Bad", "it is")
    await world.sentry.say("error", body)
    yield

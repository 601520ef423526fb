"""The heartbeat goes through every part of the chain, and a part that is dead costs the ping.

The parts are the real ones, wired without a Kafka: intake's door, FINGERPRINT, CORRELATE, what it
writes, and DELIVER's heart. With a Kafka and real processes: `tests/kafka/test_heartbeat.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiokafka import ConsumerRecord

from correlators.beats import RESOURCE
from streams.agents.heart import Heart, Heartless, heart_of
from streams.intake import make_app
from streams.intake_log import Written
from streams.metrics import Metrics, exposition
from streams.settings import SettingsError
from streams.settings_heartbeat import LEAST_MS
from tests.streams.heartbeat_world import (
    MINUTE,
    EveryLog,
    OwnTime,
    Staged,
    World,
    serving,
    settings_of,
)
from tests.streams.test_intake import signed


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    log, metrics, host = EveryLog(), Metrics(), OwnTime()
    made: list[World] = []

    async def ping(_: web.Request) -> web.Response:
        made[0].pings += 1
        return web.Response(status=made[0].status)

    pinged = web.Application()
    pinged.router.add_get("/ping/secret-id", ping)
    of_intake = Metrics()
    door = make_app(settings_of(tmp_path, "{}"), of_intake, log, every=log)
    async with serving(pinged) as address, serving(door) as intake:
        settings = settings_of(
            tmp_path, f"heartbeat: {{intake: {intake}}}", HEARTBEAT_URL=f"{address}/ping/secret-id"
        )
        heart = heart_of(settings, metrics)
        assert isinstance(heart, Heart)
        made.append(World(log, metrics, heart, host))
        made[0].intake = of_intake
        source: Any = Staged(host)
        heart.start(source, 1)
        heart.assigned(0)
        yield made[0]
        await heart.stop()


async def pinged(world: World, times: int) -> None:
    await world.until(lambda: world.told("heartbeats_total", outcome="pinged") == times)


async def test_a_beat_that_went_the_whole_way_is_pinged_once(world: World) -> None:
    for count in (1, 2, 3):
        await world.beat()
        written = world.walk()
        world.deliver(written)
        world.deliver(written)  # as after a crash
        await pinged(world, count)
        assert world.pings == count
    assert world.told("heartbeat_time_seconds") == world.host.at_ms / 1000


@pytest.mark.parametrize(
    "dead",
    [
        {"dead_source": 1},
        {"dead_partition": 0},
        {"writes": False},
        {"late": True},
        {"intake": Written.REFUSED},
    ],
)
async def test_a_dead_part_or_a_late_one_costs_the_ping(world: World, dead: dict[str, Any]) -> None:
    late, writes = dead.pop("late", False), dead.pop("writes", True)
    world.log.answer = dead.pop("intake", Written.YES)
    await world.beat()
    if world.log.bodies:
        written = world.walk(**dead)
        world.host.at_ms += MINUTE // 2 if late else 0
        world.deliver(written, writes=writes)
    await world.settled()
    world.host.at_ms += MINUTE // 2
    world.heart.turn(world.host.at_ms)
    await world.settled()
    assert world.pings == 0
    lost = world.told("heartbeats_total", outcome="lost")
    assert lost + world.told("heartbeats_total", outcome="not_sent") == 1


async def test_it_counts_in_no_figure_of_what_comes_in(world: World) -> None:
    before = exposition(world.intake)
    await world.beat()
    assert world.log.headers[0]["resource"] == b"heartbeat"
    assert exposition(world.intake) == before


async def test_an_address_that_refuses_is_counted_and_its_path_is_said_nowhere(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.status = 503
    await world.beat()
    world.deliver(world.walk())
    await world.until(lambda: world.told("heartbeats_total", outcome="not_pinged") == 1)
    assert world.told("heartbeat_time_seconds") == 0
    assert "secret-id" not in caplog.text
    assert "secret-id" not in exposition(world.metrics).decode()


async def test_what_nobody_signed_is_not_taken(world: World, tmp_path: Path) -> None:
    import aiohttp

    address = world.heart.intake
    async with aiohttp.ClientSession() as session:
        for given in ({}, {"Sentry-Hook-Signature": signed(b"x", "another")}):
            async with session.post(address, data=b"x", headers=given) as answer:
                assert answer.status == 401
    assert world.log.bodies == []


async def test_where_nothing_is_configured_nothing_is_sent_and_what_comes_is_passed_over(
    tmp_path: Path,
) -> None:
    host = OwnTime()
    heart = heart_of(settings_of(tmp_path, "{}"), Metrics())
    assert type(heart) is Heartless
    source: Any = Staged(host)
    heart.start(source, 1)
    heart.assigned(0)
    heart.turn(host.at_ms + 10 * MINUTE)
    record: Any = ConsumerRecord("d", 0, 0, 0, 0, None, None, 0, 0, 0, ((RESOURCE, b"\xff"),))
    assert heart.takes(record)
    heart.written()
    await heart.stop()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("heartbeat: {every: 1s}", "heartbeat.every: expected a duration from 10s to 1h"),
        ("heartbeat: {intake: ftp://x}", "heartbeat.intake: expected an address"),
        ("clock: data\nheartbeat: {}", "heartbeat: it needs clock: wall"),
        ("heartbeat: {urls: x}", "heartbeat.urls"),
    ],
)
def test_what_is_wrong_with_it_is_said(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        settings_of(tmp_path, text)


def test_the_address_is_a_secret_with_a_default_place(tmp_path: Path) -> None:
    found = settings_of(tmp_path, "heartbeat: {every: 10s}", HEARTBEAT_URL="https://x.test/abc")
    assert found.heartbeat is not None
    assert found.heartbeat.every_ms == LEAST_MS
    assert found.heartbeat.url.reveal() == "https://x.test/abc"
    assert "abc" not in repr(found)

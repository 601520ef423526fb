"""The way in for the legacy plugin, which signs nothing: the token in the address is the secret."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.broker import Broker
from streams.intake import make_app, make_runner
from streams.intake_checks import Answer, check_token
from streams.intake_log import Written
from streams.metrics import Metrics, exposition
from streams.references import Secret
from streams.settings import Clock, Settings, SettingsError
from tests.streams.test_intake import SlowLog, door, metric, running, settings_for, until, written

BODY = (Path(__file__).parents[1] / "fixtures" / "sentry" / "legacy_plugin.json").read_bytes()
TOKENS = ("new-token-0123456789", "old-token-0123456789")


def with_tokens(bootstrap: str, namespace: str, *tokens: str, **changes: Any) -> Settings:
    held = tuple(Secret(token, place="test", environ={}) for token in tokens)
    more = changes.pop("intake", {})
    return settings_for(bootstrap, namespace, intake={"legacy_tokens": held, **more}, **changes)


async def post(
    address: str, token: str, body: bytes = BODY, headers: dict[str, str] | None = None
) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{address}/sentry/legacy/{token}", data=io.BytesIO(body), headers=headers
        ) as answer,
    ):
        return answer.status, (await answer.text()).strip()


async def test_the_plugins_body_is_in_kafka_untouched_under_its_own_resource(
    kafka: Broker, namespace: str
) -> None:
    settings = with_tokens(kafka.bootstrap, namespace, *TOKENS)
    async with running(settings) as address:
        for token in TOKENS:
            assert await post(address, token) == (200, "accepted")
        line = 'stormfold_intake_resources_total{resource="legacy"}'
        assert await metric(address, line) == f"{line} 2.0"
        repeats = "stormfold_intake_repeats_total"
        assert await metric(address, repeats) == f"{repeats} 1.0"
        records = await written(settings, 2)
    for record in records:
        assert (record.key, record.value) == (None, BODY)
        head = dict(record.headers)
        assert head["resource"] == b"legacy"
        assert abs(int(head["received_ms"]) - record.timestamp) < 10_000
        assert "at_ms" not in head


async def test_the_recorded_time_is_asked_for_under_the_data_clock(
    kafka: Broker, namespace: str
) -> None:
    settings = with_tokens(kafka.bootstrap, namespace, *TOKENS, clock=Clock.DATA)
    async with running(settings) as address:
        assert (await post(address, TOKENS[0]))[0] == 400
        at = {"Stormfold-At-Ms": "1700000000123"}
        assert (await post(address, TOKENS[0], headers=at))[0] == 200
        (record,) = await written(settings, 1)
    assert dict(record.headers)["at_ms"] == b"1700000000123"


@pytest.mark.parametrize("tokens", [(), TOKENS])
async def test_a_wrong_token_is_answered_as_an_address_that_is_not_there(
    tokens: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    log, metrics = SlowLog(), Metrics()
    tried = ["x", "wr0ng-t0ken-0123456789", TOKENS[0] + "0", TOKENS[0][:-1], "%00", "a%2Fb"]
    settings = with_tokens("k:1", "demo", *tokens, intake={"max_body_bytes": 1_024})
    async with door(settings, log, metrics) as address:
        found = [await post(address, token) for token in tried]
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{address}/sentry/legacy", data=BODY) as answer,
        ):
            assert set(found) == {(answer.status, await answer.text())} == {(404, "404: Not Found")}
        # That a body is too large is told only behind the token.
        assert (await post(address, "x" * 20, b"x" * 1_025))[0] == 404
    assert log.waiting == 0
    told = exposition(metrics).decode()
    assert f'stormfold_intake_requests_total{{outcome="unknown_token"}} {len(tried) + 1}.0' in told
    for secret in (*TOKENS, "wr0ng"):
        assert secret not in told


async def test_behind_the_token_the_limits_are_those_of_every_webhook() -> None:
    class NoLog(SlowLog):
        async def append(
            self, body: bytes, headers: Sequence[tuple[str, bytes]], *, within_s: float
        ) -> Written:
            return Written.LATE if body == b"late" else Written.REFUSED

    settings = with_tokens("k:1", "demo", *TOKENS, intake={"max_body_bytes": 1_024})
    async with door(settings, NoLog(), Metrics()) as address:
        assert (await post(address, TOKENS[0], b"x" * 1_025))[0] == 413
        assert await post(address, TOKENS[0], b"late") == (503, "Kafka did not answer in time")
        assert await post(address, TOKENS[0], b"no") == (503, "Kafka refused the record")


async def test_more_at_once_than_there_is_room_for_is_refused_at_once() -> None:
    settings = with_tokens("k:1", "demo", *TOKENS, intake={"max_body_bytes": 64 * 1024 * 1024})
    log, metrics = SlowLog(), Metrics()
    async with door(settings, log, metrics) as address:

        async def chunked() -> int:
            async def body() -> Any:
                yield BODY

            async with aiohttp.ClientSession() as session:
                path = f"{address}/sentry/legacy/{TOKENS[0]}"
                async with session.post(path, data=body()) as answer:
                    return answer.status

        first = asyncio.gather(chunked(), chunked())

        async def both_wait() -> bool:
            return log.waiting == 2

        await until(both_wait, "both wait for the log")
        assert await chunked() == 503
        log.answer.set()
        assert list(await first) == [200, 200]


@pytest.mark.parametrize(
    "line",
    [
        "POST /sentry/legacy/{}\x01 HTTP/1.1",
        "POST /sentry/legacy/{} HTTP/9.x",
        "POST http://[/sentry/legacy/{} HTTP/1.1",
        "POST /sentry/legacy/{}" + "x" * 9_000 + " HTTP/1.1",
        "P\x00ST /sentry/legacy/{} HTTP/1.1",
        "GET /sentry/legacy/{} HTTP/1.1",
        "POST /sentry/legacy/{} HTTP/1.1",
    ],
)
async def test_no_request_however_malformed_brings_its_token_into_a_log(
    line: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    log = SlowLog()
    log.answer.set()
    runner = make_runner(make_app(with_tokens("k:1", "demo", *TOKENS), Metrics(), log))
    await runner.setup()
    try:
        listening = await runner_port(runner)
        reader, writer = await asyncio.open_connection("127.0.0.1", listening)
        with closing(writer):
            body = b"Host: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            writer.write(line.format(TOKENS[0]).encode() + b"\r\n" + body)
            async with asyncio.timeout(120):
                assert (await reader.readline()).startswith(b"HTTP/1.")
                await reader.read()
    finally:
        await runner.cleanup()
    assert TOKENS[0] not in caplog.text


async def runner_port(runner: aiohttp.web.AppRunner) -> int:
    await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
    return int(runner.addresses[0][1])


@pytest.mark.parametrize(
    "token", ["short", "with/slash-0123456789", "blank 0123456789abc", "a" * 201]
)
def test_a_token_that_cannot_stand_in_an_address_is_refused_at_the_start(token: str) -> None:
    with pytest.raises(SettingsError, match="test: expected 16 to 200 of") as caught:
        make_app(with_tokens("k:1", "demo", token), Metrics(), SlowLog())
    assert token not in str(caught.value)


def test_a_token_that_is_not_there_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsError, match="UNSET_TOKEN is not set"):
        make_app(with_tokens("k:1", "demo", "${UNSET_TOKEN}"), Metrics(), SlowLog())


@given(st.text(max_size=24), st.lists(st.text(min_size=1, max_size=24), max_size=3))
def test_a_token_is_good_exactly_if_it_is_configured(tried: str, tokens: list[str]) -> None:
    good = check_token(tried, [token.encode() for token in tokens]) is Answer.ACCEPTED
    assert good == (tried in tokens)
    assert check_token(tried, [*(token.encode() for token in tokens), tried.encode()]) is (
        Answer.ACCEPTED if tried else Answer.UNKNOWN_TOKEN
    )

"""The door on real sockets and a real Kafka: what gets in, what is refused, and what is written."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams.broker import Broker, JvmBroker
from streams.intake import IntakeError, make_app, serve
from streams.intake_checks import Answer, Repeats, check_headers, check_signature, resource_label
from streams.intake_log import Written
from streams.metrics import Metrics, exposition
from streams.references import Secret
from streams.settings import Clock, Settings, SettingsError, load
from streams.topics import ensure, names

BODY = (Path(__file__).parents[1] / "fixtures" / "sentry" / "error.created.json").read_bytes()
SECRETS = ("new-client-secret", "old-client-secret")
WITHIN_S = 120.0


def signed(body: bytes, secret: str = SECRETS[0]) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers(body: bytes, resource: str = "error", **more: str) -> dict[str, str]:
    given = {
        "Content-Type": "application/json",
        "Request-ID": "5f1d",
        "Sentry-Hook-Timestamp": "1791188131",
        "Sentry-Hook-Resource": resource,
        "Sentry-Hook-Signature": signed(body),
    }
    return given | {name.replace("_", "-"): value for name, value in more.items()}


def settings_for(bootstrap: str, namespace: str, *secrets: str, **changes: Any) -> Settings:
    settings = load(None, {"KAFKA_BOOTSTRAP": bootstrap})
    held = tuple(Secret(s, place="test", environ={}) for s in secrets or SECRETS)
    intake = msgspec.structs.replace(
        settings.intake, port=0, secrets=held, kafka_timeout_ms=60_000, **changes.pop("intake", {})
    )
    return msgspec.structs.replace(settings, namespace=namespace, intake=intake, **changes)


async def until(holds: Callable[[], Awaitable[bool]], what: str) -> None:
    deadline_s = asyncio.get_running_loop().time() + WITHIN_S
    while not await holds():
        assert asyncio.get_running_loop().time() < deadline_s, f"never: {what}"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[str]:
    """Serve as the command does; gives the address, and stops gracefully."""
    await ensure(settings)
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    server = asyncio.create_task(serve(settings, stop=stop, listening=address.set_result))
    either: set[asyncio.Future[Any]] = {server, address}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if server.done():
        server.result()
    try:
        yield address.result()
    finally:
        stop.set()
        await server


@asynccontextmanager
async def posting(address: str) -> AsyncIterator[Callable[..., Awaitable[tuple[int, str]]]]:
    async with aiohttp.ClientSession() as session:

        async def post(body: Any, given: dict[str, str]) -> tuple[int, str]:
            data = io.BytesIO(body) if isinstance(body, bytes) else body
            async with session.post(f"{address}/sentry", data=data, headers=given) as answer:
                return answer.status, (await answer.text()).strip()

        yield post


async def written(settings: Settings, count: int) -> list[Any]:
    """Return the first `count` records on `sentry.events`, and assert that there are no more."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka.bootstrap,
        isolation_level="read_committed",
        fetch_max_bytes=33_554_432,
        max_partition_fetch_bytes=33_554_432,
    )
    await consumer.start()
    try:
        topic = names(settings.namespace).events
        parts = [TopicPartition(topic, n) for n in range(settings.kafka.partitions)]
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        assert sum((await consumer.end_offsets(parts)).values()) == count
        records: list[Any] = []
        async with asyncio.timeout(WITHIN_S):
            while len(records) < count:
                for got in (await consumer.getmany(timeout_ms=200)).values():
                    records += got
        return records
    finally:
        await consumer.stop()


async def metric(address: str, line: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{address}/metrics") as answer:
        text = await answer.text()
    return next((at for at in text.splitlines() if at.startswith(line)), "")


# ---------------------------------------------------------------------------------- what gets in


async def test_a_signed_webhook_is_in_kafka_untouched_before_it_is_answered(
    kafka: Broker, namespace: str
) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    async with running(settings) as address, posting(address) as post:
        assert await post(BODY, headers(BODY)) == (200, "accepted")
        (record,) = await written(settings, 1)
    assert (record.key, record.value) == (None, BODY)
    head = dict(record.headers)
    assert head["resource"] == b"error"
    assert abs(int(head["received_ms"]) - record.timestamp) < 10_000
    assert head["intake"]
    assert "at_ms" not in head


async def test_every_configured_secret_is_good(kafka: Broker, namespace: str) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    async with running(settings) as address, posting(address) as post:
        for secret in SECRETS:
            given = headers(BODY, **{"Sentry_Hook_Signature": signed(BODY, secret)})
            assert (await post(BODY, given))[0] == 200
        given = headers(BODY, **{"Sentry_Hook_Signature": signed(BODY).upper()})
        assert (await post(BODY, given))[0] == 200


async def test_a_repeat_is_written_again_answered_the_same_and_counted(
    kafka: Broker, namespace: str
) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    async with running(settings) as address, posting(address) as post:
        for _ in range(3):
            assert (await post(BODY, headers(BODY)))[0] == 200
        assert await metric(address, "stormfold_intake_repeats_total") == (
            "stormfold_intake_repeats_total 2.0"
        )
        assert [record.value for record in await written(settings, 3)] == [BODY] * 3


async def test_an_unknown_resource_is_kept_and_counted_as_other(
    kafka: Broker, namespace: str
) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    async with running(settings) as address, posting(address) as post:
        assert (await post(BODY, headers(BODY, "brand_new")))[0] == 200
        line = 'stormfold_intake_resources_total{resource="other"}'
        assert await metric(address, line) == f"{line} 1.0"
        (record,) = await written(settings, 1)
    assert dict(record.headers)["resource"] == b"brand_new"


@pytest.mark.parametrize("body", [b"", b"\x00\xff not json", b"{}"])
async def test_whatever_is_signed_is_kept_byte_for_byte(
    kafka: Broker, namespace: str, body: bytes
) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    given = headers(body, Content_Encoding="gzip", Content_Type="text/x-odd; charset=?")
    async with running(settings) as address, posting(address) as post:
        assert await post(body, given) == (200, "accepted")
        (record,) = await written(settings, 1)
    assert (record.value or b"") == body


async def test_a_body_of_the_largest_size_passes_and_one_byte_more_does_not(
    kafka: Broker, namespace: str
) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    largest = os.urandom(settings.intake.max_body_bytes)

    async def chunks(body: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    async with running(settings) as address, posting(address) as post:
        assert (await post(largest, headers(largest)))[0] == 200
        assert (await post(chunks(largest), headers(largest)))[0] == 200
        more = largest + b"x"
        assert (await post(more, headers(more)))[0] == 413
        assert (await post(chunks(more), headers(more)))[0] == 413
        assert {record.value for record in await written(settings, 2)} == {largest}


async def test_the_recorded_time_is_taken_under_the_data_clock_only(
    kafka: Broker, namespace: str
) -> None:
    settings = settings_for(kafka.bootstrap, namespace, clock=Clock.DATA)
    timed = {"Stormfold_At_Ms": "1700000000123"}
    async with running(settings) as address, posting(address) as post:
        assert (await post(BODY, headers(BODY)))[0] == 400
        assert (await post(BODY, headers(BODY, Stormfold_At_Ms="-1")))[0] == 400
        assert (await post(BODY, headers(BODY, **timed)))[0] == 200
        (record,) = await written(settings, 1)
    assert dict(record.headers)["at_ms"] == b"1700000000123"
    wall = settings_for(kafka.bootstrap, namespace + "w")
    async with running(wall) as address, posting(address) as post:
        assert (await post(BODY, headers(BODY, **timed)))[0] == 200
        assert (await post(BODY, headers(BODY, Stormfold_At_Ms="odd")))[0] == 200
        for record in await written(wall, 2):
            assert "at_ms" not in dict(record.headers)


# ------------------------------------------------------------------------------ what does not


async def test_a_refused_request_is_told_which_check_failed_and_is_not_written(
    kafka: Broker, namespace: str
) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    whole = headers(BODY)
    unsigned = {k: v for k, v in whole.items() if k != "Sentry-Hook-Signature"}
    unnamed = {k: v for k, v in whole.items() if k != "Sentry-Hook-Resource"}
    wrong = whole | {"Sentry-Hook-Signature": signed(BODY, "someone else's")}
    async with running(settings) as address, posting(address) as post:
        assert await post(BODY, unsigned) == (401, "missing header Sentry-Hook-Signature")
        assert await post(BODY, unnamed) == (400, "missing header Sentry-Hook-Resource")
        assert await post(BODY, wrong) == (401, "no configured secret matches")
        assert await post(BODY + b" ", whole) == (401, "no configured secret matches")
        for odd in ("", "sha256=" + signed(BODY), signed(BODY)[:-1], "z" * 64):
            status, text = await post(BODY, whole | {"Sentry-Hook-Signature": odd})
            assert (status, text) == (401, "malformed signature: expected 64 hexadecimal digits")
        assert (await post(BODY, whole | {"Sentry-Hook-Resource": "a b"}))[0] == 400
        line = 'stormfold_intake_requests_total{outcome="no_secret_matches"}'
        assert await metric(address, line) == f"{line} 2.0"
        assert await written(settings, 0) == []


@pytest.mark.parametrize("secrets", [("",), (SECRETS[0], " "), ("${UNSET}",)])
async def test_without_every_secret_it_does_not_start(secrets: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError, match="test: "):
        await serve(settings_for("127.0.0.1:1", "demo", *secrets))


async def test_it_starts_with_topics_only(kafka: Broker, namespace: str) -> None:
    with pytest.raises(IntakeError, match=r"sentry\.events: missing; `stormfold topics`"):
        await serve(settings_for(kafka.bootstrap, namespace))


async def test_it_refuses_events_with_another_kind_of_time(kafka: Broker, namespace: str) -> None:
    await ensure(settings_for(kafka.bootstrap, namespace, clock=Clock.DATA))
    with pytest.raises(IntakeError, match=r"timestamp\.type is CreateTime, wanted LogAppendTime"):
        await serve(settings_for(kafka.bootstrap, namespace))


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


async def test_a_port_that_is_taken_is_one_clear_line(
    kafka: Broker, namespace: str, taken: int
) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    await ensure(settings)
    busy = msgspec.structs.replace(settings.intake, port=taken)
    with pytest.raises(IntakeError, match=f"cannot listen on 127.0.0.1:{taken}: "):
        await serve(msgspec.structs.replace(settings, intake=busy))


async def test_without_a_kafka_it_does_not_start() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(IntakeError, match="cannot be asked"):
            await serve(settings_for(f"127.0.0.1:{nobody.getsockname()[1]}", "demo"))


# -------------------------------------------------------------------- when Kafka or the end comes


async def test_a_kafka_that_is_gone_means_503_in_time_and_its_return_means_200(
    own_kafka: JvmBroker, namespace: str
) -> None:
    settings = settings_for(own_kafka.bootstrap, namespace)
    soon = msgspec.structs.replace(settings.intake, kafka_timeout_ms=300)
    async with (
        running(msgspec.structs.replace(settings, intake=soon)) as address,
        posting(address) as post,
        aiohttp.ClientSession() as session,
    ):

        async def is_ready() -> bool:
            async with session.get(f"{address}/readyz") as answer:
                return answer.status == 200

        async def is_taken() -> bool:
            return (await post(BODY, headers(BODY)))[0] == 200

        assert await is_ready()
        await until(is_taken, "a record is taken")
        await asyncio.to_thread(own_kafka.kill)
        began_s = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*(post(BODY, headers(BODY)) for _ in range(20)))
        # At once, not one after another, and long before Kafka's client would give up.
        assert asyncio.get_running_loop().time() - began_s < 20 * 0.3
        assert {status for status, _ in answers} == {503}
        assert not await is_ready()
        async with session.get(f"{address}/healthz") as answer:
            assert answer.status == 200
        await asyncio.to_thread(own_kafka.restart)
        await until(is_taken, "a record is taken again")
        await until(is_ready, "ready again")


class SlowLog:
    """A log that answers when it is told to."""

    def __init__(self) -> None:
        self.answer = asyncio.Event()
        self.waiting = 0
        self.bodies: list[bytes] = []

    async def append(
        self, body: bytes, headers: Sequence[tuple[str, bytes]], *, within_s: float
    ) -> Written:
        self.waiting += 1
        await self.answer.wait()
        self.bodies.append(body)
        return Written.YES

    async def ready(self) -> bool:
        return False


@asynccontextmanager
async def door(settings: Settings, log: SlowLog, metrics: Metrics) -> AsyncIterator[str]:
    runner = web.AppRunner(make_app(settings, metrics, log))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        log.answer.set()
        await runner.cleanup()


async def test_more_at_once_than_there_is_room_for_is_refused_at_once() -> None:
    settings = settings_for("k:1", "demo", intake={"max_body_bytes": 64 * 1024 * 1024})
    log, metrics = SlowLog(), Metrics()
    # Room is for two bodies of the largest size; a chunked one may grow to it.
    async with door(settings, log, metrics) as address, posting(address) as post:

        async def chunked() -> AsyncIterator[bytes]:
            yield BODY

        first = asyncio.gather(*(post(chunked(), headers(BODY)) for _ in range(2)))

        async def both_wait() -> bool:
            return log.waiting == 2

        await until(both_wait, "both wait for the log")
        assert (await post(chunked(), headers(BODY)))[0] == 503
        log.answer.set()
        assert [status for status, _ in await first] == [200, 200]
        assert (await post(chunked(), headers(BODY)))[0] == 200
    assert b'stormfold_intake_requests_total{outcome="overloaded"} 1.0' in exposition(metrics)


async def test_a_body_that_breaks_off_is_not_written() -> None:
    settings, log, metrics = settings_for("k:1", "demo"), SlowLog(), Metrics()
    async with door(settings, log, metrics) as address:
        port = int(address.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = "".join(f"{k}: {v}\r\n" for k, v in headers(BODY).items())
        start = f"POST /sentry HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: {len(BODY)}\r\n\r\n"
        writer.write(start.encode() + BODY[:100])
        await writer.drain()
        writer.close()

        async def counted() -> bool:
            return b'requests_total{outcome="incomplete"} 1.0' in exposition(metrics)

        await until(counted, "the broken body is counted")
    assert log.bodies == []


async def test_sigterm_ends_it_after_what_is_under_way(kafka: Broker, namespace: str) -> None:
    settings = settings_for(kafka.bootstrap, namespace)
    await ensure(settings)
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(settings, listening=address.set_result))
    async with asyncio.timeout(WITHIN_S):
        port = int((await address).rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        lines = "".join(f"{k}: {v}\r\n" for k, v in headers(BODY).items())
        start = f"POST /sentry HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: {len(BODY)}\r\n\r\n"
        writer.write(start.encode() + BODY[:100])
        await writer.drain()
        # An answer on a later connection shows that the server has read what came before.
        async with aiohttp.ClientSession() as session, session.get(f"{await address}/healthz"):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

        async def refuses() -> bool:
            try:
                _, other = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                return True
            other.close()
            return False

        await until(refuses, "it takes no more connections")
        assert not server.done()
        writer.write(BODY[100:])
        assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        await server
    (record,) = await written(settings, 1)
    assert record.value == BODY


# ------------------------------------------------------------------------------ the checks alone


@given(st.binary(max_size=64), st.lists(st.binary(max_size=8), max_size=3), st.binary(max_size=8))
def test_a_signature_is_good_exactly_for_a_configured_secret(
    body: bytes, secrets: list[bytes], signer: bytes
) -> None:
    given_ = hmac.new(signer, body, hashlib.sha256).hexdigest()
    # HMAC itself pads a key with zero bytes: keys that differ only in those are one key.
    known = {secret.rstrip(b"\0") for secret in secrets if secret}
    good = check_signature(given_, body, secrets) is Answer.ACCEPTED
    assert good == (signer.rstrip(b"\0") in known)


def test_an_empty_secret_signs_nothing() -> None:
    assert check_signature(signed(BODY, ""), BODY, [b""]) is Answer.NO_SECRET_MATCHES
    assert check_signature(signed(BODY, ""), BODY, []) is Answer.NO_SECRET_MATCHES


@given(st.text(max_size=20) | st.none(), st.text(max_size=20) | st.none())
def test_no_header_text_passes_by_accident(signature: str | None, resource: str | None) -> None:
    answer = check_headers(signature, resource, None, timed=False)
    assert answer in {Answer.MISSING_SIGNATURE, Answer.MALFORMED_SIGNATURE}


def test_labels_come_from_a_closed_list() -> None:
    assert resource_label("event_alert") == "event_alert"
    assert resource_label("x" * 64) == "other"


def test_the_memory_of_repeats_is_bounded_and_forgets_the_oldest() -> None:
    repeats = Repeats(kept=2)
    assert [repeats.seen(body) for body in (b"a", b"b", b"a", b"c", b"b", b"c")] == [
        False,
        False,
        True,
        False,
        False,
        True,
    ]

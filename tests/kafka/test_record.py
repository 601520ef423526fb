"""`stormfold record` on a real Kafka: what it writes replays to what the live run decided."""

from __future__ import annotations

import asyncio
import io
import json
import random
import stat
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from correlators.entries import PROGRESS_KEY
from correlators.ticks import Progress
from correlators.types import DigestKind, tick_of
from streams import codec
from streams.accounts import partition_of_account
from streams.broker import Broker
from streams.record import Options, run
from streams.record_events import Events
from streams.record_kafka import RecordError
from streams.settings import Settings, load
from streams.stage.state import committed
from streams.topics import ensure, names
from tests.kafka.chain import PATIENCE_S, Chain, chain, error_webhook, outage, ready
from tests.kafka.recorded import applied, compared, records_of, rows_of

SHORT = """
incidents: {settle: 1s, update_every: 2s, quiet_for: 3s, reopen_within: 60s, belated_after: 2s}
storms: {storm_quiet: 2s, link_within: 5s}
"""
"""Incidents that open, are told again, end and reopen within seconds."""
TELL = """
routes: {tell: [slack:incidents], page: [pagerduty:default]}
"""


async def _told(made: Chain, kind: DigestKind) -> None:
    """Wait until a digest of this kind stands on `deliveries`."""
    destination = "slack:incidents"
    partition = partition_of_account(destination, 4)
    deadline_s = time.monotonic() + PATIENCE_S
    kinds: set[DigestKind] = set()
    while kind not in kinds:
        assert time.monotonic() < deadline_s, made.logs()
        async for records in committed(made.bootstrap, names(made.namespace).deliveries, partition):
            kinds |= {codec.digest(record.value or b"").kind for record in records}


async def _send(made: Chain, client: httpx.AsyncClient) -> list[bytes]:
    """Send an outage and what is odd; returns the bodies in the order of sending."""
    at_s = time.time()
    odd = b'\xff\xfe{"event_id": not even text\x00'
    past = error_webhook("b" * 32, service="mail", kind="Late", user="u", at_s=at_s - 4_000)
    belated = error_webhook(
        "c" * 32, service="checkout", kind="DatabaseDown", user="v", at_s=at_s - 3
    )
    resolved = json.dumps(
        {"action": "resolved", "data": {"issue": {"id": "1", "project": {"slug": "checkout"}}}}
    ).encode()
    back = error_webhook("d" * 32, service="payment", kind="DatabaseDown", user="w", at_s=at_s)
    bodies = list(outage(40, at_s=at_s))
    sent: list[bytes] = []

    async def post(resource: str, body: bytes) -> None:
        assert await made.post(client, resource, body) == 200
        sent.append(body)

    for body in (*bodies, odd, bodies[3], past, belated, bodies[3]):
        await post("error", body)
    await _told(made, DigestKind.OPENED)
    await post("issue", resolved)
    await _told(made, DigestKind.RESOLVED)
    await post("error", back)
    return sent


async def test_what_a_live_run_decided_is_decided_again_from_its_recording(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    async with chain(
        tmp_path, kafka.bootstrap, namespace, clock="wall", extra=SHORT + TELL
    ) as made:
        made.start("intake")
        made.start("run", "--stages", "fingerprint,correlate")
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            await ready(made, client, stages=2)
            sent = await _send(made, client)
        producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
        async with producer:
            for headers in ([], [("resource", b"\xff")], [("resource", b"")]):
                await producer.send_and_wait(
                    names(namespace).events, sent[0], partition=1, headers=headers
                )
        # Until everything is over: it ends 3 s after the last event.
        await applied(made, tick_of(int(time.time() * 1000)) + 5)
        recorded, out = await compared(made, ".jsonl.zst")
        lines = records_of(out)
        assert sorted(line.body for line in lines) == sorted([*sent, *[sent[0]] * 3])
        assert [line.resource for line in lines[-3:]] == ["", "\ufffd", ""]
        assert recorded["records"] == len(lines)
        assert recorded["base64_bodies"] == 1
        assert recorded["marks"] > 4
        assert (recorded["first_ms"], recorded["last_ms"]) == (lines[0].at_ms, lines[-1].at_ms)
        assert recorded["last_ms"] <= recorded["applied_ms"]
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
        kinds = {row["kind"] for row in rows_of(tmp_path / "record-digests")}
        assert {"opened", "resolved"} <= kinds


# What nothing has applied, and what is refused


def _settings(tmp_path: Path, kafka: Broker, namespace: str, clock: str = "data") -> Settings:
    path = tmp_path / f"{clock}.yaml"
    path.write_text(
        f"namespace: {namespace}\nclock: {clock}\n"
        f"kafka: {{bootstrap: '{kafka.bootstrap}', partitions: 3}}\n"
    )
    return load(path, {})


@asynccontextmanager
async def _producer(settings: Settings) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka.bootstrap, max_request_size=8 * 1024 * 1024, acks="all"
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def _run(settings: Settings, out: Path, **more: Any) -> tuple[int, str, str]:
    said, errors = io.StringIO(), io.StringIO()
    now_ms = int(time.time() * 1000)
    options = Options(out=out, **more)
    status = await asyncio.to_thread(run, settings, options, said, errors, now_ms=now_ms)
    return status, said.getvalue(), errors.getvalue()


def _at(at_ms: int, mark: bool = False) -> Sequence[tuple[str, bytes]]:
    time_of = ("mark" if mark else "at_ms", str(at_ms).encode())
    return [time_of] if mark else [("resource", b"error"), time_of]


async def test_partitions_become_one_log_by_stream_time_whatever_their_sizes(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    settings = _settings(tmp_path, kafka, namespace)
    await ensure(settings)
    topic = names(namespace).events
    large = b"\xff" * 4 * 1024 * 1024
    async with _producer(settings) as producer:
        for number in range(3_000):
            await producer.send(topic, b"many", partition=0, headers=_at(number))
        # A mark raises what comes after it, a time that went back is raised as well.
        await producer.send(topic, b"", partition=1, headers=_at(1_500, mark=True))
        await producer.send(topic, b"raised", partition=1, headers=_at(10))
        await producer.send(topic, b"", partition=1, headers=_at(9_000, mark=True))
        for _ in range(3):
            await producer.send(topic, large, partition=2, headers=_at(2_000))
        await producer.flush()
    out = tmp_path / "r.jsonl"
    status, said, errors = await _run(settings, out, json=True)
    assert (status, errors) == (0, "")
    assert json.loads(said) == {
        "records": 3_004,
        "applied_records": 0,
        "first_ms": 0,
        "last_ms": 2_999,
        "applied_ms": -1,
        "marks": 2,
        "base64_bodies": 3,
        "late": 0,
        "acts": 0,
        "links": 0,
        "digests": None,
        "repeated_digests": None,
    }
    lines = records_of(out)
    times = [line.at_ms for line in lines]
    assert times == sorted(times)
    assert [line.at_ms for line in lines if line.body == b"raised"] == [1_500]
    assert [line.at_ms for line in lines if line.body == large] == [2_000] * 3
    # Not applied yet: every line has its row, none has an incident.
    rows = tmp_path / "rows"
    status, said, errors = await _run(settings, out, assignments=rows)
    assert (status, errors) == (0, "")
    assert "nothing was applied yet" in said
    assert [row["line"] for row in rows_of(rows)] == list(range(1, 3_005))
    assert not any(row["incident"] for row in rows_of(rows))


async def test_since_begins_with_what_came_in_then(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    settings = _settings(tmp_path, kafka, namespace)
    await ensure(settings)
    topic = names(namespace).events
    now_ms = int(time.time() * 1000)
    async with _producer(settings) as producer:
        for ago_h in (5, 3, 1):
            await producer.send_and_wait(
                topic,
                f"{ago_h}".encode(),
                partition=ago_h % 2,
                headers=_at(10 - ago_h),
                timestamp_ms=now_ms - ago_h * 3_600_000,
            )
    out = tmp_path / "r.gz"
    assert (await _run(settings, out, since="4h"))[0] == 0
    assert [line.body for line in records_of(out)] == [b"3", b"1"]
    status, said, errors = await _run(settings, out, since="30m")
    assert (status, said) == (1, "")
    assert "no record of the last 30m" in errors


async def test_records_that_are_deleted_meanwhile_are_never_left_out_in_silence(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    settings = _settings(tmp_path, kafka, namespace)
    await ensure(settings)
    topic = names(namespace).events
    async with _producer(settings) as producer:
        for number in range(4):
            large = random.Random(number).randbytes(4 * 1024 * 1024)
            await producer.send_and_wait(topic, large, partition=1, headers=_at(number))
    events = Events(settings, {topic: [0, 1, 2]})
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    try:
        await admin.start()
        await events.start(None)
        # At most the first of them is on its way already.
        await admin.delete_records({TopicPartition(topic, 1): RecordsToDelete(before_offset=3)})
        with pytest.raises(RecordError, match="deleted before they could be read"):
            assert sum([len(lines) async for lines in events.lines()]) < 4
    finally:
        await events.stop()
        await admin.close()


async def test_what_cannot_be_recorded_is_one_line_and_no_file(
    kafka: Broker, namespace: str, tmp_path: Path
) -> None:
    settings = _settings(tmp_path, kafka, namespace)
    out = tmp_path / "out"
    out.mkdir()

    async def refused(settings: Settings) -> tuple[int, str]:
        status, said, errors = await _run(settings, out / "r.gz", digests=out / "d")
        assert said == ""
        assert errors.count("\n") == 1
        assert list(out.iterdir()) == []
        return status, errors

    status, why = await refused(settings)
    assert status == 2
    assert f"{names(namespace).events}" in why
    await ensure(settings)
    status, why = await refused(settings)
    assert status == 1
    assert "no record stands on" in why
    progress = Progress(installation=f"{namespace}:data", partitions=3, sources=())
    async with _producer(settings) as producer:
        await producer.send_and_wait(
            names(namespace).incidents,
            codec.encode(progress),
            key=PROGRESS_KEY.encode(),
            partition=1,
        )
    # Under another clock every record would have another time.
    status, why = await refused(_settings(tmp_path, kafka, namespace, clock="wall"))
    assert status == 2
    assert f"its installation is {namespace}:data, this is {namespace}:wall" in why

"""The recorded outage as if it happened now: every webhook signed, moved, in order, once."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from correlators.fingerprinter import Fingerprinter
from streams.demo_storm import NotTaken, Pace, moved, storm
from streams.intake_checks import SIGNATURE_HEADER, Answer, check_signature
from streams.recording import BadLine, Record, Recording
from streams.settings import load

RECORDING = Path(__file__).parents[2] / "recordings" / "shop-outage.jsonl.gz"
SECRET = "local-only-client-secret"
RECORDS = [one for one in Recording([RECORDING]) if isinstance(one, Record)]
WITHIN_MS = 120_000
"""`belated_after` of the example configuration: what is older extends nothing and pages nobody."""


@asynccontextmanager
async def intake(answers: list[int]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """What takes webhooks as intake does; answers these first, then 200."""
    taken: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        told = request.headers.get(SIGNATURE_HEADER, "")
        if check_signature(told, body, [SECRET.encode()]) is not Answer.ACCEPTED:
            return web.Response(status=401)
        status = answers.pop(0) if answers else 200
        if status == 200:
            taken.append(body)
        return web.Response(status=status)

    app = web.Application(client_max_size=2**24)
    app.router.add_post("/sentry", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/sentry", taken
    finally:
        await runner.cleanup()


def test_nothing_of_a_moved_recording_is_belated_and_all_of_it_means_the_same() -> None:
    today_s = 1_900_000_000.0
    pace = Pace(RECORDS[0].at_ms / 1000, today_s, 10.0)
    reader = Fingerprinter(load(None, {}).fingerprinting())
    events = 0
    for record in RECORDS:
        due_ms = pace.today(record.at_ms / 1000) * 1000
        was = reader.read(record.resource, record.body).event
        now = reader.read(record.resource, moved(record, pace.today)).event
        assert (was is None) == (now is None)
        if was is not None and now is not None:
            events += 1
            assert abs(now.occurred_ms - due_ms) < WITHIN_MS
            assert (now.event_id, now.environment, now.service) == (
                was.event_id, was.environment, was.service,
            )  # fmt: skip
    assert events > 600


async def test_every_webhook_is_taken_once_in_order(tmp_path: Path) -> None:
    few = tmp_path / "few.jsonl"
    few.write_bytes(b"\n".join(gzip.decompress(RECORDING.read_bytes()).splitlines()[:12]))
    async with intake([200, 503]) as (to, taken):
        began_s = time.time()
        assert await storm(few, to, SECRET, speed=100_000.0) == 12
    assert len(taken) == 12
    ids = [msgspec.json.decode(body)["data"] for body in taken]
    recorded = [msgspec.json.decode(record.body)["data"] for record in RECORDS[:12]]
    assert [list(one) for one in ids] == [list(one) for one in recorded]
    for told, record in zip(ids, recorded, strict=True):
        for kind in told:
            if "event_id" in told[kind]:
                assert told[kind]["event_id"] == record[kind]["event_id"]
                assert abs(told[kind]["timestamp"] - began_s) < WITHIN_MS / 1000


async def test_a_webhook_that_is_refused_ends_it_with_how_it_was_answered(tmp_path: Path) -> None:
    async with intake([]) as (to, taken):
        with pytest.raises(NotTaken, match="401"):
            await asyncio.wait_for(storm(RECORDING, to, "another", speed=100_000.0), 30)
    assert not taken
    assert not [one for one in RECORDS if isinstance(one, BadLine)]

"""One event is followed through a real Kafka and real processes, from webhook to message."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx

from streams.broker import Broker
from streams.trace_ids import Hop, trace_id
from tests.kafka.chain import FAST, PATIENCE_S, chain, error_webhook, ready, until
from tests.streams.otlp import collector

EVENT = "5f1d" * 8


async def test_the_four_parts_tell_one_trace(kafka: Broker, namespace: str, tmp_path: Path) -> None:
    with collector() as taken:
        extra = f"{FAST}\ntracing: {{endpoint: '{taken.endpoint}', one_in: 1}}"
        async with chain(tmp_path, kafka.bootstrap, namespace, clock="wall", extra=extra) as made:
            made.start("intake")
            made.start("run")
            async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
                await ready(made, client)
                body = error_webhook(EVENT, service="mail", kind="Odd", user="u", at_s=time.time())
                assert await made.post(client, "error", body) == 200
            await until(lambda: set(taken.of(trace_id(EVENT))) == set(Hop), what=made.logs)
            spans = taken.of(trace_id(EVENT))
            await asyncio.to_thread(made.stop)
    ids = {name: span.span_id for name, span in spans.items()}
    parents = {name: span.parent_span_id for name, span in spans.items()}
    assert parents["fingerprint"] == ids["intake"]
    assert parents["correlate"] == ids["fingerprint"]
    assert parents["deliver"] == ids["correlate"]
    assert {span.trace_id for span in taken.spans} == {trace_id(EVENT).to_bytes(16, "big")}

"""How long Sentry is silent is told by the moment of its last webhook, and by nothing else."""

from __future__ import annotations

import time

from streams.metrics import Metrics
from tests.streams.test_intake import BODY, SlowLog, door, headers, posting, settings_for
from tests.streams.test_metrics_move import told


def last(metrics: Metrics) -> float:
    return told(metrics)["last_webhook_time_seconds"]


async def test_the_last_webhook_that_was_taken_is_told() -> None:
    metrics, log = Metrics(), SlowLog()
    log.answer.set()
    began_s = time.time()
    async with (
        door(settings_for("k:1", "demo"), log, metrics) as address,
        posting(address) as post,
    ):
        waits_since = last(metrics)
        assert waits_since >= began_s
        assert (await post(BODY, headers(BODY, Sentry_Hook_Signature="0" * 64)))[0] == 401
        assert last(metrics) == waits_since
        assert (await post(BODY, headers(BODY)))[0] == 200
        assert last(metrics) > waits_since

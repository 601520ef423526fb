"""Events whose own clocks are wrong."""

from __future__ import annotations

import asyncio
import time

import httpx

from correlators.incidents import Incident
from tests.chaos.cluster import Cluster
from tests.chaos.traffic import Traffic
from tests.kafka.chain import error_webhook

YEAR_2100_S = 4_102_444_800.0

PAGES = {"epoch": False, "future": True, "belated": True, "stale": False}
"""Whether a fatal error of this service may page."""

PAST = {"epoch", "stale"}
"""Told for the record: older than `stale_after` when they came."""


async def send_odd_clocks(traffic: Traffic, client: httpx.AsyncClient) -> None:
    """Send fatal errors of production, each service with a clock of its own."""
    now_s = time.time()
    clocks = {
        "epoch": 5.0,
        "future": YEAR_2100_S,
        "belated": now_s - 600.0,
        "stale": now_s - 7_200.0,
    }
    sent = []
    for place, (service, at_s) in enumerate(clocks.items()):
        for number in range(3):
            event_id = f"{place:02x}{number:030x}"
            body = error_webhook(
                event_id,
                service=service,
                kind=f"Clock{service}",
                user=f"user{number}",
                at_s=at_s,
                level="fatal",
            )
            sent.append(traffic.send(client, event_id, body))
    await asyncio.gather(*sent)


def check_odd_clocks(here: Cluster) -> None:
    """Fail unless what is past is told as past, and pages nobody."""
    last = {entry.id: entry for entry in here.observer.entries if isinstance(entry, Incident)}
    assert {one.key.service for one in last.values() if one.past} == PAST
    paged = {alert.summary for alert in here.chain.pagerduty.alerts}
    for service, pages in PAGES.items():
        assert any(service in summary for summary in paged) == pages, (service, paged)

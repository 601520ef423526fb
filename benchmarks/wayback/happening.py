"""What Sentry says: errors, issues that changed, comments. Signed, as intake takes them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
import uuid
import zlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import aiohttp

from sinks.peers.sentry_store import Issue

SECRET: Final = "a-webhook-secret"
FIRST_ISSUE: Final = 4_000
FAILING: Final = (
    ("payment", "OperationalError", "could not connect to payment-db:5432"),
    ("checkout", "UpstreamFailed", "payment answered 500 to POST /charges"),
    ("catalogue", "PriceUnknown", "payment gave no price list"),
)
"""What an outage of payment breaks."""
EVERY_S: Final = 0.15


def issue_of(environment: str, service: str) -> str:
    """Return the number of the issue of a service's error in an environment."""
    return str(FIRST_ISSUE + zlib.crc32(f"{environment} {service}".encode()) % 900_000)


def error(
    environment: str,
    service: str,
    kind: str,
    text: str,
    *,
    release: str = "1.0.0",
    level: str = "error",
    user: str = "u1",
    trace: str = "",
    at: float | None = None,
) -> bytes:
    """Return an `error` webhook with a stack of the service's own; `at` in seconds, else now."""
    id = uuid.uuid4().hex
    issue = issue_of(environment, service)
    frame = {"module": f"{service}.api", "function": f"handle_{kind}", "in_app": True, "lineno": 41}
    event: dict[str, Any] = {
        "event_id": id,
        "project": zlib.crc32(service.encode()) % 10_000,
        "url": f"https://sentry.example/api/0/projects/shop/{service}/events/{id}/",
        "web_url": f"https://sentry.example/organizations/shop/issues/{issue}/events/{id}/",
        "issue_id": issue,
        "platform": "python",
        "level": level,
        "environment": environment,
        "release": f"{service}@{release}",
        "timestamp": time.time() if at is None else at,
        "user": {"id": user},
        "tags": [["environment", environment], ["level", level]],
        "exception": {"values": [{"type": kind, "value": text, "stacktrace": {"frames": [frame]}}]},
    }
    if trace:
        event["contexts"] = {"trace": {"trace_id": trace}}
    return _told("created", {"error": event})


def shoppers(chance: random.Random, *, at: float | None = None) -> Iterator[bytes]:
    """Yield what one shopper meets while payment 2.4.1 has lost its database."""
    trace, shopper = f"{chance.getrandbits(128):032x}", f"shopper{chance.randrange(400)}"
    for service, kind, text in FAILING:
        if service == "payment" or chance.random() < 0.5:
            yield error(
                "production", service, kind, text,
                release="2.4.1" if service == "payment" else "1.8.0",
                user=shopper, trace=trace, at=at,
            )  # fmt: skip


async def outage(tell: Callable[[bytes], Awaitable[None]]) -> None:
    """Have one shopper after another meet the outage, until it is cancelled."""
    chance = random.Random(9)
    while True:
        for body in shoppers(chance):
            await tell(body)
        await asyncio.sleep(EVERY_S)


def issue_changed(issue: Issue) -> bytes:
    """Return the `issue` webhook about the newest change of an issue."""
    action = "assigned" if "assignedTo" in issue.log[-1][1] else issue.status
    return _told(action, {"issue": issue.shown()})


def comment(issue: str, text: str, *, by: str) -> bytes:
    """Return the `comment` webhook about what somebody wrote on an issue."""
    data = {
        "comment": text,
        "project_slug": "payment",
        "comment_id": zlib.crc32(text.encode()),
        "issue_id": int(issue),
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    return _told("created", data, {"type": "user", "id": 7, "name": by})


def _told(action: str, data: dict[str, Any], actor: dict[str, Any] | None = None) -> bytes:
    told = {"action": action, "installation": {"uuid": "i"}, "data": data}
    return json.dumps(told | ({"actor": actor} if actor else {})).encode()


async def say(http: aiohttp.ClientSession, url: str, resource: str, body: bytes) -> int:
    """Send one webhook to intake, signed as Sentry does, and return the status of the answer."""
    headers = {
        "Content-Type": "application/json",
        "Sentry-Hook-Resource": resource,
        "Sentry-Hook-Timestamp": str(int(time.time())),
        "Sentry-Hook-Signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
    }
    async with http.post(url, data=body, headers=headers) as answer:
        return answer.status

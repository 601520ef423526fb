"""The events of the benchmark: Sentry's `error` webhooks of about 14.7 KB, made from a seed.

An event is what a Python SDK sends of a web service: a cause and what was raised from it, 30
frames, the service's own ones with the lines around them and their variables; breadcrumbs, request,
tags, contexts. Its size comes from these. Who hit it, when, in which request and trace is each
event's own; what else differs is the `Traffic`. The same arguments always give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from random import Random
from typing import Any, Final

import orjson
import xxhash

from benchmarks.storm.stacks import (
    ERRORS,
    PAGES,
    USUAL,
    Depth,
    exceptions,
    page,
    varied,
)

RESOURCE: Final = "error"
"""The `Sentry-Hook-Resource` under which these bodies come."""

SERVICES: Final = ("checkout", "payment", "catalogue", "shipping", "accounts")
SITES: Final = 4
"""Places of a service at which repeating traffic fails."""
SIGNATURES: Final = len(SERVICES) * SITES
"""Different errors in repeating and in varied traffic."""


class Traffic(StrEnum):
    """What differs between two events, beside who hit them, when, and in which request."""

    REPEATING = "repeating"
    """Nothing, within one of few errors: a storm."""
    VARIED = "varied"
    """The numbers in the message and the values of variables, as in a storm of a Python service."""
    ONE_PROJECT = "one_project"
    """As `REPEATING`, and all of one project."""
    SMALL = "small"
    """As `REPEATING`, in bodies of about 1 KB: few frames without lines around them."""
    LARGE = "large"
    """As `REPEATING`, in bodies of about 60 KB: deep stacks, every frame of which shows its lines
    and variables."""
    DISTINCT = "distinct"
    """All: every event has a stack, a message and a signature of its own."""


_DEPTHS: Final = {
    Traffic.SMALL: Depth(of_cause=0, of_raised=3, own_of_cause=0, own_of_raised=1),
    Traffic.LARGE: Depth(of_cause=40, of_raised=46, own_of_cause=18, own_of_raised=20),
}


def events(traffic: Traffic, count: int, *, at_ms: int, seed: int = 1) -> Iterator[bytes]:
    """Yield the bodies of this many events.

    Args:
        traffic: what differs between them.
        count: how many.
        at_ms: the events' own time; they lie a tenth of a millisecond apart.
        seed: another one gives other events, with ids of their own.
    """
    assert count + SIGNATURES <= ERRORS, "there are no more different errors"
    draw = Random(f"{traffic}:{seed}")
    pages = [page(draw) for _ in range(PAGES)]
    depth = _DEPTHS.get(traffic, USUAL)
    sites = [exceptions(draw, pages, number, depth) for number in range(SIGNATURES)]
    for number in range(count):
        if traffic is Traffic.DISTINCT:
            chosen = number
            raised = exceptions(draw, pages, SIGNATURES + number)
        else:
            chosen = site_of(number)
            raised = sites[chosen]
            if traffic is Traffic.VARIED:
                raised = varied(draw, raised)
        service = SERVICES[0 if traffic is Traffic.ONE_PROJECT else chosen % len(SERVICES)]
        made = _event(draw, service, raised, at_ms / 1000 + number / 10_000)
        yield orjson.dumps(_webhook(_small(made) if traffic is Traffic.SMALL else made))


def site_of(number: int) -> int:
    """Return which of the `SIGNATURES` errors an event of repeating or varied traffic is.

    Not in turn: records are dealt to partitions in turn, and each must get all of them.
    """
    return xxhash.xxh3_64_intdigest(number.to_bytes(8, "big")) % SIGNATURES


_SMALL: Final = (
    *("event_id", "project", "release", "platform", "timestamp", "environment", "level"),
    *("transaction", "culprit", "url", "issue_id"),
)
_SMALL_FRAME: Final = ("filename", "function", "module", "in_app")


def _small(event: dict[str, Any]) -> dict[str, Any]:
    """Return what an SDK that sends little would tell of the same."""
    (raised,) = event["exception"]["values"]
    frames = [
        {name: frame[name] for name in _SMALL_FRAME} for frame in raised["stacktrace"]["frames"]
    ]
    kept = {"type": raised["type"], "value": raised["value"], "stacktrace": {"frames": frames}}
    return {
        **{name: event[name] for name in _SMALL},
        "contexts": {"trace": {"trace_id": event["contexts"]["trace"]["trace_id"]}},
        "user": {"id": event["user"]["id"]},
        "exception": {"values": [kept]},
    }


def _webhook(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "action": "created",
        "installation": {"uuid": "7a485448-a9e2-4c85-8a3c-4f44175783c9"},
        "data": {"error": event},
        "actor": {"type": "application", "id": "sentry", "name": "Sentry"},
    }


def _event(draw: Random, service: str, chain: list[dict[str, Any]], at_s: float) -> dict[str, Any]:
    event_id = f"{draw.getrandbits(128):032x}"
    user = draw.randrange(1_000_000)
    trace = f"{draw.getrandbits(128):032x}"
    request = f"{draw.getrandbits(64):016x}"
    project = 4_500_000 + SERVICES.index(service)
    raised = chain[-1]
    site = [frame for frame in raised["stacktrace"]["frames"] if frame["in_app"]][-1]
    group = xxhash.xxh3_64_intdigest(f"{site['module']}.{site['function']}".encode())
    issue = 600_000 + group % 400_000
    transaction = f"/api/{service}/{{id}}/{raised['type'].lower()}"
    at = f"https://sentry.example/api/0/projects/acme/{service}/events/{event_id}/"
    return {
        "event_id": event_id,
        "project": project,
        "release": f"{service}@4.17.2",
        "dist": None,
        "platform": "python",
        "message": "",
        "datetime": "2026-11-20T10:00:00.000000Z",
        "timestamp": round(at_s, 4),
        "received": round(at_s + 0.2, 4),
        "tags": [
            ["environment", "production"],
            ["handled", "no"],
            ["level", "error"],
            ["mechanism", "starlette"],
            ["region", "eu-central-1"],
            ["release", f"{service}@4.17.2"],
            ["runtime", "CPython 3.12.7"],
            ["server_name", f"{service}-6f7d9c-{user % 40:02d}"],
            ["transaction", transaction],
            ["url", f"https://shop.example/api/{service}/{user}"],
            ["user", f"id:{user}"],
        ],
        "contexts": {
            "trace": {
                "trace_id": trace,
                "span_id": request,
                "parent_span_id": trace[:16],
                "op": "http.server",
                "status": "internal_error",
                "type": "trace",
            },
            "runtime": {"name": "CPython", "version": "3.12.7", "type": "runtime"},
            "os": {"name": "Linux", "version": "6.8.0", "type": "os"},
        },
        "environment": "production",
        "level": "error",
        "logger": "",
        "transaction": transaction,
        "culprit": f"{site['module']} in {site['function']}",
        "title": f"{raised['type']}: {raised['value']}",
        "location": site["filename"],
        "metadata": {
            "type": raised["type"],
            "value": raised["value"],
            "filename": site["filename"],
            "function": site["function"],
        },
        "fingerprint": ["{{ default }}"],
        "hashes": [f"{group:016x}"],
        "user": {
            "id": str(user),
            "email": f"user{user}@shop.example",
            "ip_address": f"198.51.100.{user % 250}",
        },
        "request": {
            "url": f"https://shop.example/api/{service}/{user}",
            "method": "POST",
            "query_string": [["page", str(user % 9)]],
            "headers": [
                ["Accept", "application/json"],
                ["Content-Type", "application/json"],
                ["Host", "shop.example"],
                ["User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/132.0"],
                ["X-Request-Id", request],
            ],
        },
        "breadcrumbs": {"values": [_breadcrumb(draw, service, at_s - gap) for gap in (3, 2, 1)]},
        "sdk": {"name": "sentry.python.fastapi", "version": "2.19.0"},
        "exception": {"values": chain},
        "url": at,
        "web_url": f"https://sentry.example/organizations/acme/issues/{issue}/events/{event_id}/",
        "issue_url": f"https://sentry.example/api/0/organizations/acme/issues/{issue}/",
        "issue_id": str(issue),
    }


def _breadcrumb(draw: Random, service: str, at_s: float) -> dict[str, Any]:
    return {
        "timestamp": round(at_s, 3),
        "type": "http",
        "category": "httplib",
        "level": "info",
        "data": {"url": f"http://{service}.internal/{draw.randrange(10_000)}", "status_code": 200},
    }

"""One error as a line of a recording: what it always says, around what every event says anew."""

from __future__ import annotations

import re
from random import Random
from typing import Any, Final

import orjson
import xxhash

from benchmarks.storm.stacks import ERRORS, exceptions, page

PAGES: Final = 60
"""Pieces of source that frames show."""
_HOLE: Final = re.compile(rb'"?@@([A-Z]+)@@"?|@([a-z]+)@')
_NUMBER: Final = re.compile("[0-9]{3,}")
_pages: Final = [page(Random(f"page:{number}")) for number in range(PAGES)]


class Template:
    """What an error always says, cut where an event says something of its own."""

    def __init__(self, line: bytes) -> None:
        """Args: line: with `@name@` inside a text, and `"@@NAME@@"` for a whole value."""
        parts = _HOLE.split(line)
        self._texts = parts[0::3]
        self._holes = [
            (upper or lower).decode() for upper, lower in zip(parts[1::3], parts[2::3], strict=True)
        ]

    def line(
        self, draw: Random, at_ms: int, told_s: float, environment: str, release: str, trace: str
    ) -> bytes:
        """Return the line of one event.

        Args:
            draw: gives ids and numbers.
            at_ms: when it came in.
            told_s: its own time, seconds.
            environment: where.
            release: of what.
            trace: its id; a new one is drawn for none.
        """
        bits = draw.getrandbits(320)
        user = bits % 1_000_000
        values = {
            "AT": str(at_ms),
            "TOLD": f"{told_s:.3f}",
            "id": f"{bits >> 192:032x}",
            "trace": trace or f"{(bits >> 64) & ((1 << 128) - 1):032x}",
            "span": f"{bits & ((1 << 64) - 1):016x}",
            "user": str(user),
            "host": str(user % 40),
            "n": str(bits % 99_991),
            "environment": environment,
            "release": release,
        }
        filled = {name: value.encode() for name, value in values.items()}
        made = [self._texts[0]]
        for hole, text in zip(self._holes, self._texts[1:], strict=True):
            made.append(filled[hole])
            made.append(text)
        return b"".join(made)


def template(service: str, error: str) -> Template:
    """Return the error of this name in this service; the same names give the same one."""
    draw = Random(f"{service}/{error}")
    platform = draw.choice(("python", "python", "node", "java"))
    chain = exceptions(draw, _pages, draw.randrange(ERRORS - 1))
    if draw.random() < 0.6:
        chain = chain[1:]
    kept = draw.randint(6, 18)
    numbered = draw.random() < 0.5
    for one in chain:
        frames = one["stacktrace"]["frames"][-kept:]
        one["stacktrace"]["frames"] = [_FRAMES[platform](frame) for frame in frames]
        one["value"] = _NUMBER.sub("@n@" if numbered else "17", one["value"])
    # Its own name in front: two errors of one service never are the same by chance.
    chain[-1]["type"] = f"{error}{chain[-1]['type']}"
    body = {
        "action": "created",
        "installation": {"uuid": "7a485448-a9e2-4c85-8a3c-4f44175783c9"},
        "data": {"error": _event(service, platform, chain)},
        "actor": {"type": "application", "id": "sentry", "name": "Sentry"},
    }
    return Template(orjson.dumps({"at_ms": "@@AT@@", "resource": "error", "body": body}))


def _python(frame: dict[str, Any]) -> dict[str, Any]:
    return frame


def _node(frame: dict[str, Any]) -> dict[str, Any]:
    path = frame["filename"].replace(".py", ".js")
    path = f"/app/src/{path}" if frame["in_app"] else f"/app/node_modules/{path}"
    shown: dict[str, Any] = {name: frame[name] for name in _SHOWN if name in frame}
    return {
        "filename": path,
        "abs_path": path,
        "function": frame["function"],
        "module": frame["module"],
        "lineno": frame["lineno"],
        "colno": frame["lineno"] % 60,
        "in_app": frame["in_app"],
        **shown,
    }


def _java(frame: dict[str, Any]) -> dict[str, Any]:
    module = f"com.{frame['module']}" if frame["in_app"] else f"org.{frame['module']}"
    return {
        "filename": f"{module.rpartition('.')[2].title()}.java",
        "function": frame["function"],
        "module": module,
        "lineno": frame["lineno"],
        "in_app": frame["in_app"],
    }


_SHOWN: Final[tuple[str, ...]] = ("pre_context", "context_line", "post_context")
_FRAMES: Final = {"python": _python, "node": _node, "java": _java}


def _event(service: str, platform: str, chain: list[dict[str, Any]]) -> dict[str, Any]:
    raised = chain[-1]
    frames = raised["stacktrace"]["frames"]
    site = next((frame for frame in reversed(frames) if frame["in_app"]), frames[-1])
    group = xxhash.xxh3_64_intdigest(f"{service}.{raised['type']}".encode())
    issue = 600_000 + group % 4_000_000
    transaction = f"/api/{service}/{{id}}/{site['function']}"
    organisation = "https://sentry.example/organizations/acme"
    api = "https://sentry.example/api/0"
    return {
        "event_id": "@id@",
        "project": 4_500_000 + xxhash.xxh3_64_intdigest(service.encode()) % 100_000,
        "release": "@release@",
        "dist": None,
        "platform": platform,
        "message": "",
        "datetime": "2026-11-20T10:00:00.000000Z",
        "timestamp": "@@TOLD@@",
        "received": "@@TOLD@@",
        "tags": [
            ["environment", "@environment@"],
            ["handled", "no"],
            ["level", "error"],
            ["region", "eu-central-1"],
            ["release", "@release@"],
            ["server_name", f"{service}-6f7d9c-@host@"],
            ["transaction", transaction],
            ["url", f"https://shop.example/api/{service}/@user@"],
            ["user", "id:@user@"],
        ],
        "contexts": {
            "trace": {
                "trace_id": "@trace@",
                "span_id": "@span@",
                "op": "http.server",
                "status": "internal_error",
                "type": "trace",
            },
            "os": {"name": "Linux", "version": "6.8.0", "type": "os"},
        },
        "environment": "@environment@",
        "level": "error",
        "logger": "",
        "transaction": transaction,
        "culprit": f"{site['module']} in {site['function']}",
        "title": f"{raised['type']}: {raised['value']}",
        "metadata": {"type": raised["type"], "value": raised["value"]},
        "fingerprint": ["{{ default }}"],
        "hashes": [f"{group:016x}"],
        "user": {
            "id": "@user@",
            "email": "user@user@@shop.example",
            "ip_address": "198.51.100.@host@",
        },
        "request": {
            "url": f"https://shop.example/api/{service}/@user@",
            "method": "POST",
            "headers": [
                ["Accept", "application/json"],
                ["Host", "shop.example"],
                ["User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/132.0"],
                ["X-Request-Id", "@span@"],
            ],
        },
        "breadcrumbs": {"values": [_breadcrumb(service, place) for place in range(3)]},
        "sdk": {"name": f"sentry.{platform}", "version": "2.19.0"},
        "exception": {"values": chain},
        "url": f"{api}/projects/acme/{service}/events/@id@/",
        "web_url": f"{organisation}/issues/{issue}/events/@id@/",
        "issue_url": f"{api}/organizations/acme/issues/{issue}/",
        "issue_id": str(issue),
    }


def _breadcrumb(service: str, place: int) -> dict[str, Any]:
    return {
        "timestamp": "@@TOLD@@",
        "type": "http",
        "category": "httplib",
        "level": "info",
        "data": {"url": f"http://{service}.internal/{place}@n@", "status_code": 200},
    }

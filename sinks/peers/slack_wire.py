"""How calls of Slack's Web API are read and lists answered: arguments, flags, pages."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, Final, TypeVar

from aiohttp import web

from sinks.peers.serve import Json
from sinks.peers.slack_store import Channel, Message, Refusal

T = TypeVar("T")

MOST: Final = 999
"""Entries of a page."""
_TS = re.compile(r"\d{1,10}(\.\d{1,6})?")
_NESTED = ("blocks", "metadata", "attachments", "view")


async def arguments_of(request: web.Request) -> Json:
    """Return the arguments of a call: query, form or JSON; nested values of a form are JSON.

    Raises:
        Refusal: the body is not readable.
    """
    args: dict[str, Any] = dict(request.query)
    if request.method == "POST":
        if request.content_type == "application/json":
            args.update(_object(await request.read()))
        else:
            args.update(await _form(request))
    for key in _NESTED:
        if isinstance(args.get(key), str):
            try:
                args[key] = json.loads(args[key])
            except (ValueError, RecursionError):
                args[key] = "unreadable"
    return args


async def _form(request: web.Request) -> dict[str, str]:
    try:
        return {key: str(value) for key, value in (await request.post()).items()}
    except ValueError:
        raise Refusal("invalid_form_data") from None


def _object(body: bytes) -> Json:
    try:
        found = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        raise Refusal("invalid_json") from None
    if not isinstance(found, dict):
        raise Refusal("json_not_object")
    return found


def flag(args: Json, name: str) -> bool:
    """Return a flag, however it is written."""
    return str(args.get(name) or "").lower() in ("1", "true")


def page_of(channel: Channel, found: list[Message], args: Json) -> Json:
    """Return one page of these messages, as the arguments ask for it.

    Raises:
        Refusal: a time, the limit or the cursor is not readable.
    """
    oldest, latest = moment(args, "oldest"), moment(args, "latest")
    inclusive = flag(args, "inclusive")

    def wanted(message: Message) -> bool:
        at = float(message.ts)
        if inclusive and at in (oldest, latest):
            return True
        return at > oldest and (not latest or at < latest)

    page, told = cut([one for one in found if wanted(one)], args)
    with_metadata = flag(args, "include_all_metadata")
    return {
        "messages": [channel.told(one, with_metadata=with_metadata) for one in page],
        "has_more": bool(told["next_cursor"]),
        "response_metadata": told,
    }


def cut(found: list[T], args: Json, *, default: int = 100) -> tuple[list[T], Json]:
    """Return the page of a list that is asked for, and where the next one begins.

    Raises:
        Refusal: the limit or the cursor is not readable.
    """
    limit, begin = limit_of(args, default), _place(str(args.get("cursor") or ""))
    after = begin + limit
    return found[begin:after], {"next_cursor": _cursor(after) if after < len(found) else ""}


def limit_of(args: Json, default: int) -> int:
    """Return how many entries a page may hold.

    Raises:
        Refusal: `invalid_limit`.
    """
    try:
        limit = int(str(args.get("limit") or default))
    except ValueError:
        raise Refusal("invalid_limit") from None
    if limit < 1:
        raise Refusal("invalid_limit")
    return min(MOST, limit)


def moment(args: Json, name: str) -> float:
    """Return a time in seconds, 0.0 where none is given.

    Raises:
        Refusal: it is no time.
    """
    text = str(args.get(name) or "0")
    if _TS.fullmatch(text) is None:
        raise Refusal(f"invalid_ts_{name}")
    return float(text)


def _cursor(place: int) -> str:
    return base64.b64encode(f"next:{place}".encode()).decode()


def _place(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, place = base64.b64decode(cursor, validate=True).decode().partition(":")
        if word == "next":
            return int(place)
    except (binascii.Error, ValueError):
        pass
    raise Refusal("invalid_cursor")

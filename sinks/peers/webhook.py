"""A local receiver of Standard Webhooks: it checks what it is sent, and keeps every arrival.

It believes no signature that is not of one of its secrets, and no time that is far from its own. It
answers as it is told to: as gone, as somewhere else.

Source: Standard Webhooks, `spec/standard-webhooks.md`: verifying signatures, tolerance of time
(five minutes here), 410, redirects.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from sinks.peers.faults import Fault, Trouble
from sinks.peers.serve import Call, Clock, Json, Peer

__all__ = ["Arrived", "WebhookPeer"]

METHOD: Final = "hook"
BODY_BYTES: Final = 256 * 1024
TOLERANCE_S: Final = 300
_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True)
class Arrived:
    """A message as it was taken; one that was sent again arrives again, under its id."""

    at: float
    receiver: str
    id: str
    message: Json
    signatures: tuple[str, ...]


class WebhookPeer(Peer):
    """Receivers that each know one secret or several.

    Args:
        secrets: by the receiver's name, `whsec_...`.
        port: 0 takes a free one.
        clock: seconds since the epoch; the time of a message is read against it.
        seed: of the faults that meet a share of the calls.
    """

    def __init__(
        self,
        *,
        secrets: Mapping[str, str],
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = time.time,
        seed: int = 0,
    ) -> None:
        super().__init__(host=host, port=port, clock=clock, max_body_bytes=BODY_BYTES, seed=seed)
        self.arrived: list[Arrived] = []
        """Every arrival that was taken, in order."""
        self._first = dict(secrets)
        self._secrets = dict(secrets)
        self._gone: set[str] = set()
        self._moved_to: dict[str, str] = {}
        self._silent_until: dict[str, float] = {}
        self._app.router.add_post("/hooks/{receiver}", self._hook)

    def url(self, receiver: str) -> str:
        """Return the address of a receiver."""
        return f"{self.origin}/hooks/{receiver}"

    @property
    def receivers(self) -> list[str]:
        """Return the names of all receivers."""
        return list(self._first)

    @property
    def messages(self) -> dict[str, Arrived]:
        """Return what a receiver works with that drops what it has: the first of each id."""
        found: dict[str, Arrived] = {}
        for one in self.arrived:
            found.setdefault(one.id, one)
        return found

    # ---------------------------------------------------------------- what a test can switch

    def replace_secret(self, receiver: str, secret: str) -> None:
        """Have a receiver know this secret and no other."""
        self._secrets[receiver] = secret

    def first_secret(self, receiver: str) -> None:
        """Have it know the first one again."""
        self._secrets[receiver] = self._first[receiver]

    def remove_receiver(self, receiver: str) -> None:
        """Answer 404 there."""
        self._secrets.pop(receiver, None)

    def want_no_more(self, receiver: str) -> None:
        """Answer 410 there."""
        self._gone.add(receiver)

    def want_again(self, receiver: str) -> None:
        """End that."""
        self._gone.discard(receiver)

    def move(self, receiver: str, to: str) -> None:
        """Answer with a redirect; to nowhere: no longer."""
        self._moved_to[receiver] = to

    # ---------------------------------------------------------------- HTTP

    async def _hook(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        receiver = request.match_info["receiver"]
        id, at, given = (request.headers.get(name, "") for name in _HEADERS)
        message = _object(raw)
        about = message.get("data", {}) if isinstance(message.get("data"), dict) else {}
        args: Json = {"receiver": receiver, "type": message.get("type"), "id": about.get("id")}

        async def carry_out() -> web.Response:
            if receiver not in self._secrets:
                return self._said(args, 404)
            if receiver in self._gone:
                return self._said(args, 410)
            if to := self._moved_to.get(receiver):
                return self._said(args, 307, {"Location": to})
            if self.clock() < self._silent_until.get(receiver, 0.0):
                return self._said(args, 429, violation="inside_penalty")
            if not (id and at.isdecimal() and given):
                return self._said(args, 400)
            late = abs(self.clock() - int(at)) > TOLERANCE_S
            if late or not _signed(self._secrets[receiver], given, id, at, raw):
                return self._said(args, 401)
            if not {"type", "timestamp", "data"} <= message.keys():
                return self._said(args, 422)
            signatures = tuple(given.split(" "))
            self.arrived.append(Arrived(self.clock(), receiver, id, message, signatures))
            return self._said(args, 204)

        return await self._answer(request, METHOD, carry_out, destination=receiver, args=args)

    def _said(
        self,
        args: Json,
        status: int,
        headers: Mapping[str, str] | None = None,
        violation: str = "",
    ) -> web.Response:
        outcome = "ok" if status < 300 else str(status)
        self._note(Call(self.clock(), METHOD, args, outcome, violation))
        text = None if status == 204 else HTTPStatus(status).phrase
        return web.Response(status=status, text=text, headers=headers)

    def _refusal(self, trouble: Trouble, method: str, destination: str, args: Json) -> web.Response:
        """Return a refusal on demand; the word of REFUSED is a status."""
        if trouble.fault is Fault.REFUSED:
            return self._said(args, HTTPStatus(int(trouble.word)).value)
        if trouble.fault is not Fault.RATE_LIMITED:
            return self._said(args, 429)
        self._silent_until[destination] = self.clock() + trouble.retry_after_s
        return self._said(args, 429, self._wait_headers(trouble.retry_after_s, trouble.as_date))


def _object(raw: bytes) -> Json:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _signed(secret: str, given: str, id: str, at: str, raw: bytes) -> bool:
    """Return True where one of the signatures is of this secret."""
    key = base64.b64decode(secret.partition("_")[2])
    digest = hmac.new(key, f"{id}.{at}.".encode() + raw, hashlib.sha256).digest()
    wanted = b"v1," + base64.b64encode(digest)
    signatures = (one.encode("utf-8", "surrogateescape") for one in given.split(" "))
    return any([hmac.compare_digest(one, wanted) for one in signatures])

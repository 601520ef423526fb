"""Signed webhooks at a steady rate over several environments, drawn from a seed."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Sequence

import httpx

from tests.chaos.cluster import Cluster
from tests.kafka.chain import error_webhook

POSTS_AT_ONCE = 16
ACCEPTED_WITHIN_S = 180.0
KIND_S = 4.0
"""Every so many seconds each service has a new kind of error."""

SERVICES = ("shop", "cart", "pay", "mail")


class Traffic:
    """What was sent and accepted; repeats each webhook until intake takes it, as a relay would."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        seed: int,
        environments: Sequence[str] = ("production", "staging", "canary"),
        per_second: float = 30.0,
    ) -> None:
        """Args: seed: of everything that is drawn."""
        self._cluster = cluster
        self._random = random.Random(seed)
        self._environments = list(environments)
        self._every_s = 1 / per_second
        self._stem = f"{seed:08x}"
        self._room = asyncio.Semaphore(POSTS_AT_ONCE)
        self._posts: set[asyncio.Task[None]] = set()
        self._number = 0
        self.accepted: set[str] = set()
        """Event ids that were answered 200."""
        self.refused = 0
        """Answers that were none, or another."""

    @contextlib.asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Send while the context lasts; on leaving, wait until all was accepted."""
        limits = httpx.Limits(max_connections=POSTS_AT_ONCE)
        async with httpx.AsyncClient(limits=limits, timeout=20.0) as client:
            flow = asyncio.create_task(self._flow(client))
            try:
                yield
                assert not flow.done(), flow
                flow.cancel()
                await asyncio.gather(*self._posts)
            finally:
                for task in (flow, *self._posts):
                    task.cancel()
                await asyncio.gather(flow, *self._posts, return_exceptions=True)

    async def _flow(self, client: httpx.AsyncClient) -> None:
        began = time.monotonic()
        while True:
            await self._room.acquire()
            event_id, body = self._webhook(time.monotonic() - began)
            post = asyncio.create_task(self.send(client, event_id, body))
            self._posts.add(post)
            post.add_done_callback(lambda _: self._room.release())
            await asyncio.sleep(self._every_s)

    def _webhook(self, elapsed_s: float) -> tuple[str, bytes]:
        number, self._number = self._number, self._number + 1
        event_id = f"{self._stem}{number:024x}"
        environment = self._environments[number % len(self._environments)]
        service = self._random.choice(SERVICES)
        body = error_webhook(
            event_id,
            service=f"{service}-{environment}",
            kind=f"Fault{_letters(int(elapsed_s / KIND_S))}",
            user=f"user{self._random.randrange(40)}",
            at_s=time.time(),
            trace=f"{number // 6:032x}" if self._random.random() < 0.5 else "",
            environment=environment,
        )
        return event_id, body

    async def send(self, client: httpx.AsyncClient, event_id: str, body: bytes) -> None:
        """Send one webhook until it is accepted."""
        deadline = time.monotonic() + ACCEPTED_WITHIN_S
        ports = self._cluster.ports
        while True:
            port = self._random.choice(ports)
            status = 0
            with contextlib.suppress(httpx.HTTPError):
                status = await self._cluster.chain.post(client, "error", body, port=port)
            if status == 200:
                self.accepted.add(event_id)
                return
            self.refused += 1
            assert time.monotonic() < deadline, f"not accepted: {status}"
            await asyncio.sleep(0.2)


def _letters(number: int) -> str:
    """Return the number in letters: digits could be taken for a variable part."""
    return "".join(chr(ord("A") + int(digit)) for digit in str(number))

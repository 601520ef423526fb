"""Every HTTP call that is not Slack's: the one module that uses httpx.

A call gives a `Reply`, or a `Failure` that says whether the request can have arrived; nothing is
raised for what the network does. Neither holds the request, so no key gets into a log by way of
them; what httpx itself would log of it is not let through. Redirects are not followed, proxies
of the environment not used, and of an answer no more is read than is kept. `CheckedHttp` calls only
addresses that it is allowed to.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx
import msgspec

from sinks.base import Rejected, RejectReason, Retry, RetryReason, Unknown, UnknownReason

# At INFO it logs every URL, and a webhook's URL is its secret.
logging.getLogger("httpx").setLevel(logging.WARNING)

REPLY_CHARS: Final = 2_000
"""How much of an answer's body is kept."""

CALLS_MOST: Final = 256
"""Connections of one pool: far more than calls run at once. A call that waits for one that hangs
would let one dead destination delay the others."""

ADDRESSES_MOST: Final = 4
"""Addresses of one name that are tried."""

NAMES_MOST: Final = 4
"""Names that are asked for at once."""

_NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.InvalidURL,
)


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    text: str


@functools.cache
def _trusted(*, by_environment: bool) -> ssl.SSLContext:
    """Return what certificates are checked by, read once: a destination more need not take 30 ms.

    Args:
        by_environment: whether `SSL_CERT_FILE` names the authorities.
    """
    return httpx.create_ssl_context(trust_env=by_environment)


class Http:
    """A connection pool for one service."""

    def __init__(self, *, timeout_ms: int) -> None:
        self._client = httpx.AsyncClient(
            timeout=timeout_ms / 1000,
            follow_redirects=False,
            trust_env=False,
            verify=_trusted(by_environment=False),
            limits=httpx.Limits(
                max_connections=CALLS_MOST, max_keepalive_connections=8, keepalive_expiry=30.0
            ),
        )

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Reply | Retry | Unknown:
        """Return the answer; `Retry` when nothing was sent, `Unknown` when that cannot be told."""
        given = {"Content-Type": content_type, **(headers or {})}
        return await self._ask("POST", url, body, given, REPLY_CHARS)

    async def put(
        self, url: str, body: bytes, *, headers: Mapping[str, str], most_chars: int = REPLY_CHARS
    ) -> Reply | Retry | Unknown:
        """Return the answer, or as `post` why there is none; at most so much of its body."""
        given = {"Content-Type": "application/json", **headers}
        return await self._ask("PUT", url, body, given, most_chars)

    async def get(
        self, url: str, *, headers: Mapping[str, str], most_chars: int = REPLY_CHARS
    ) -> Reply | Retry | Unknown:
        """Return the answer, or as `post` why there is none; at most so much of its body."""
        return await self._ask("GET", url, None, headers, most_chars)

    async def _ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str], chars: int
    ) -> Reply | Retry | Unknown:
        try:
            given = dict(headers)
            async with self._client.stream(method, url, content=body, headers=given) as answer:
                text = await _beginning(answer.aiter_bytes(), chars)
        except _NOT_SENT:
            return Retry(RetryReason.NOT_CONNECTED)
        except httpx.TimeoutException:
            return Unknown(UnknownReason.TIMED_OUT)
        except httpx.HTTPError:
            return Unknown(UnknownReason.CONNECTION_LOST)
        told = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(status=answer.status_code, headers=told, text=text)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class NotAllowed(Exception):
    """The name leads to an address that may not be called; the text says why, without it."""


class CheckedHttp:
    """HTTP to names that may lead anywhere: each call asks what the name leads to, has every
    address checked, and connects to one of those that were checked.

    A call is over in time however slowly an answer comes.
    Connections are not kept: the next call is checked anew.

    Args:
        timeout_ms: of one call, all in all.
        check: given scheme and address, returns why it may not be called, empty where it may.
    """

    def __init__(self, *, timeout_ms: int, check: Callable[[str, str], str]) -> None:
        self._timeout_s = timeout_ms / 1000
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(self._timeout_s, connect=self._timeout_s / 2),
            follow_redirects=False,
            trust_env=False,
            transport=_Checked(check),
            headers={"User-Agent": "stormfold", "Accept-Encoding": "identity"},
        )

    async def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str]
    ) -> Reply | Retry | Rejected | Unknown:
        """Return the answer; `Rejected` when the address may not be called, else as `Http.post`."""
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream("POST", url, content=body, headers=dict(headers)) as answer,
            ):
                text = await _beginning(answer.aiter_raw(), REPLY_CHARS)
        except NotAllowed as error:
            return Rejected(RejectReason.NOT_ALLOWED, str(error))
        except _NOT_SENT:
            return Retry(RetryReason.NOT_CONNECTED)
        except (httpx.TimeoutException, TimeoutError):
            return Unknown(UnknownReason.TIMED_OUT)
        except httpx.HTTPError:
            return Unknown(UnknownReason.CONNECTION_LOST)
        given = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(status=answer.status_code, headers=given, text=text)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


class _Checked(httpx.AsyncBaseTransport):
    """Connects to an address that was checked; name and certificate stay those of the URL."""

    def __init__(self, check: Callable[[str, str], str]) -> None:
        self._check = check
        # Of its own: a name server that hangs keeps a thread, and nobody else's.
        self._names = ThreadPoolExecutor(NAMES_MOST, "names")
        self._inner = httpx.AsyncHTTPTransport(
            verify=_trusted(by_environment=True),
            limits=httpx.Limits(max_connections=CALLS_MOST, max_keepalive_connections=0),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        name, scheme = request.url.host, request.url.scheme
        port = request.url.port or (443 if scheme == "https" else 80)
        found = await self._addresses(name, port)
        for address in found:
            # One that leads inside beside one that does not is a trick, or soon the only one.
            if why := self._check(scheme, address):
                raise NotAllowed(why)
        request.extensions = {**request.extensions, "sni_hostname": name}
        *others, last = found[:ADDRESSES_MOST]
        for address in others:
            request.url = request.url.copy_with(host=address)
            try:
                return await self._inner.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        request.url = request.url.copy_with(host=last)
        return await self._inner.handle_async_request(request)

    async def _addresses(self, name: str, port: int) -> list[str]:
        """Return the addresses that a name leads to, at least one.

        Raises:
            httpx.ConnectError: it leads nowhere.
        """
        kind = socket.SOCK_STREAM
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._names, lambda: socket.getaddrinfo(name, port, type=kind)
            )
        except (OSError, UnicodeError):
            raise httpx.ConnectError("the name leads nowhere") from None
        return list(dict.fromkeys(str(one[4][0]) for one in found))

    async def aclose(self) -> None:
        self._names.shutdown(wait=False, cancel_futures=True)
        await self._inner.aclose()


async def _beginning(arriving: AsyncIterator[bytes], chars: int) -> str:
    """Return the first characters of a body, and read no more of it than they take."""
    parts: list[bytes] = []
    size = 0
    async for part in arriving:
        parts.append(part)
        size += len(part)
        if size >= 4 * chars:
            break
    return b"".join(parts).decode("utf-8", "replace")[:chars]


def is_address(url: str) -> bool:
    """Return True for what can be called at all."""
    try:
        return bool(httpx.URL(url).host)
    except (httpx.InvalidURL, UnicodeError):
        return False

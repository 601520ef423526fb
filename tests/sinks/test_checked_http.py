"""HTTP that calls only what was checked, reads no more than it keeps, and ends in time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from sinks.base import Rejected, RejectReason, Retry, RetryReason, Unknown, UnknownReason
from sinks.http import REPLY_CHARS, CheckedHttp, Http, Reply, is_address

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def serving(answer: Callable[[asyncio.StreamWriter], Any]) -> AsyncIterator[tuple[int, Any]]:
    """Yield the port of a server that answers each request so, and the heads of the requests."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            await answer(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heads


async def ok(writer: asyncio.StreamWriter) -> None:
    writer.write(OK)
    await writer.drain()


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Names of this test and their addresses: what a name server would say."""
    names: dict[str, list[str]] = {}

    def getaddrinfo(host: str, port: int, **how: Any) -> list[Any]:
        if host not in names:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        found = names[host]
        # A name server that says something else the next time.
        names[host] = found[1:] + found[:1] if host.startswith("turns") else found
        shown = found[:1] if host.startswith("turns") else found
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in shown]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return names


def permits(*addresses: str) -> Callable[[str, str], str]:
    return lambda scheme, address: "" if address in addresses else f"not {scheme}"


async def test_what_was_checked_is_what_is_called_under_the_name_of_the_url(
    resolver: dict[str, list[str]],
) -> None:
    """The name is asked for once a call: that it leads elsewhere a moment later changes nothing."""
    async with serving(ok) as (port, heads):
        http = CheckedHttp(timeout_ms=2_000, check=permits("127.0.0.1"))
        resolver["turns.test"] = ["127.0.0.1", "127.0.0.2"]
        url = f"http://turns.test:{port}/hook"
        assert isinstance(await http.post(url, b"{}", headers={"a": "b"}), Reply)
        assert await http.post(url, b"{}", headers={}) == Rejected(
            RejectReason.NOT_ALLOWED, "not http"
        )
        assert isinstance(await http.post(url, b"{}", headers={}), Reply)
        await http.close()
    assert len(heads) == 2
    assert f"Host: turns.test:{port}".encode() in heads[0]
    assert b"Accept-Encoding: identity" in heads[0]


async def test_a_certificate_is_asked_for_by_name_though_an_address_is_called(
    resolver: dict[str, list[str]],
) -> None:
    hellos: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hellos.append(await reader.read(4_096))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        resolver["hook.test"] = ["127.0.0.1"]
        http = CheckedHttp(timeout_ms=2_000, check=permits("127.0.0.1"))
        outcome = await http.post(f"https://hook.test:{port}/", b"{}", headers={})
        assert outcome == Retry(RetryReason.NOT_CONNECTED)  # nobody sends a body in clear
        await http.close()
    (hello,) = hellos
    assert b"hook.test" in hello


async def test_a_name_that_also_leads_inside_is_not_called(resolver: dict[str, list[str]]) -> None:
    async with serving(ok) as (port, heads):
        http = CheckedHttp(timeout_ms=2_000, check=permits("127.0.0.1"))
        resolver["both.test"] = ["127.0.0.1", "127.0.0.3"]
        outcome = await http.post(f"http://both.test:{port}/", b"{}", headers={})
        assert isinstance(outcome, Rejected)
        await http.close()
    assert heads == []


async def test_of_several_addresses_the_next_is_tried(resolver: dict[str, list[str]]) -> None:
    async with serving(ok) as (port, _):
        http = CheckedHttp(timeout_ms=2_000, check=permits("127.0.0.1", "127.0.0.4"))
        resolver["two.test"] = ["127.0.0.4", "127.0.0.1"]
        outcome = await http.post(f"http://two.test:{port}/", b"{}", headers={})
        assert isinstance(outcome, Reply)
        await http.close()


async def test_a_name_that_leads_nowhere_is_not_connected(resolver: dict[str, list[str]]) -> None:
    http = CheckedHttp(timeout_ms=2_000, check=permits())
    outcome = await http.post("http://nowhere.test/", b"{}", headers={})
    assert outcome == Retry(RetryReason.NOT_CONNECTED)
    await http.close()


async def test_an_answer_without_end_is_read_no_further_than_it_is_kept() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await writer.drain()

    for http in (
        CheckedHttp(timeout_ms=5_000, check=permits("127.0.0.1")),
        Http(timeout_ms=5_000),
    ):
        async with serving(endless) as (port, _), asyncio.timeout(30):
            outcome = await http.post(f"http://127.0.0.1:{port}/", b"{}", headers={})
            assert isinstance(outcome, Reply)
            assert len(outcome.text) == REPLY_CHARS
            await http.close()


async def test_an_answer_that_comes_drop_by_drop_is_given_up_in_time() -> None:
    gone = asyncio.Event()

    async def drops(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        try:
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.02)
        finally:
            gone.set()

    async with serving(drops) as (port, _):
        http = CheckedHttp(timeout_ms=300, check=permits("127.0.0.1"))
        outcome = await http.post(f"http://127.0.0.1:{port}/", b"{}", headers={})
        assert outcome == Unknown(UnknownReason.TIMED_OUT)
        async with asyncio.timeout(10):
            await gone.wait()
        await http.close()


@pytest.mark.parametrize(
    "name", ["\uff11\uff12\uff17.0.0.1", "a" * 70_000, "\u2603..test", "a\x00b"]
)
async def test_what_is_no_address_is_called_by_nobody_and_breaks_nothing(name: str) -> None:
    """Such a one may stand in a secret that was put in while everything runs."""
    for http in (CheckedHttp(timeout_ms=500, check=permits()), Http(timeout_ms=500)):
        outcome = await http.post(f"https://{name}/", b"{}", headers={})
        assert outcome == Retry(RetryReason.NOT_CONNECTED)
        await http.close()
    assert not is_address(f"https://{name}/")
    assert is_address("https://shop.test:8443/hook?sig=a%2Fb")


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would call for us what we must not call, and read addresses that are secrets."""
    async with serving(ok) as (port, heads), serving(ok) as (proxy, asked):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        for http in (
            CheckedHttp(timeout_ms=5_000, check=permits("127.0.0.1")),
            Http(timeout_ms=5_000),
        ):
            outcome = await http.post(f"http://127.0.0.1:{port}/", b"", headers={})
            assert isinstance(outcome, Reply)
            await http.close()
        assert len(heads) == 2
        assert asked == []

"""The client of the inventory database: a small pool of connections, and what goes wrong."""

from __future__ import annotations

import asyncio
from typing import Final

ANSWER_TIMEOUT: Final = 0.4
"""Longest wait for the database's answer, in seconds."""

POOL_TIMEOUT: Final = 0.2
"""Longest wait for a free connection, in seconds."""


class InventoryError(Exception):
    """The inventory database cannot be used; the kinds are the subclasses."""


class InventoryUnavailable(InventoryError):
    """There is no connection, or it broke."""


class InventoryTimeout(InventoryError):
    """The database took the question and gave no answer in time."""


class PoolExhausted(InventoryError):
    """All connections are in use and none came free in time."""


class InventoryLoading(InventoryError):
    """The database is up and still reads its data."""


class Connection:
    """One TCP connection; a line asked, a line answered."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, line: str) -> str:
        """Return the database's answer to one line.

        Raises:
            ConnectionResetError: the database closed the connection.
        """
        self._writer.write(line.encode() + b"\n")
        await self._writer.drain()
        answer = await self._reader.readline()
        if not answer:
            raise ConnectionResetError("inventory closed the connection")
        return answer.decode().strip()

    def close(self) -> None:
        """Close the connection; what is still under way is lost."""
        self._writer.close()


class InventoryPool:
    """A bounded pool of connections to the inventory database."""

    def __init__(self, port: int, size: int = 2) -> None:
        self._port = port
        self._size = size
        self._free = asyncio.Semaphore(size)
        self._idle: list[Connection] = []

    async def get(self, key: str) -> str | None:
        """Return the value kept under a key, or None.

        Raises:
            InventoryError: the database cannot be used.
        """
        answer = await self._query(f"GET {key}")
        return None if answer == "MISSING" else answer.removeprefix("VALUE ")

    async def put(self, key: str, value: str) -> None:
        """Keep a value under a key.

        Raises:
            InventoryError: the database cannot be used.
        """
        await self._query(f"PUT {key} {value}")

    async def _query(self, line: str) -> str:
        try:
            await asyncio.wait_for(self._free.acquire(), POOL_TIMEOUT)
        except TimeoutError:
            raise PoolExhausted(f"all {self._size} connections to inventory are in use") from None
        try:
            return await self._query_on_one(line)
        finally:
            self._free.release()

    async def _query_on_one(self, line: str) -> str:
        connection = await self._connection()
        try:
            answer = await asyncio.wait_for(connection.ask(line), ANSWER_TIMEOUT)
        except TimeoutError as error:
            connection.close()
            raise InventoryTimeout(f"inventory gave no answer in {ANSWER_TIMEOUT} s") from error
        except OSError as error:
            connection.close()
            raise InventoryUnavailable("connection to inventory lost") from error
        self._idle.append(connection)
        if answer == "LOADING":
            raise InventoryLoading("inventory is loading its data")
        return answer

    async def _connection(self) -> Connection:
        if self._idle:
            return self._idle.pop()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError as error:
            raise InventoryUnavailable(f"cannot connect to inventory: {error}") from error
        return Connection(reader, writer)

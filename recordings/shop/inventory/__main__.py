"""The inventory database: keys and values in memory, over TCP; a line asked, a line answered."""

from __future__ import annotations

import asyncio
import sys


class Inventory:
    """The data, and the moment from which it is readable."""

    def __init__(self, ready_at: float) -> None:
        self._ready_at = ready_at
        self._values = {f"stock/P-{number}": str(number % 40) for number in range(100, 200)}

    def answer(self, line: str, now: float) -> str:
        """Return the answer to one line: `VALUE v`, `MISSING`, `OK`, `LOADING` or `ERROR`."""
        if now < self._ready_at:
            return "LOADING"
        match line.split(" ", 2):
            case ["GET", key]:
                return f"VALUE {self._values[key]}" if key in self._values else "MISSING"
            case ["PUT", key, value]:
                self._values[key] = value
                return "OK"
        return "ERROR"


async def main(port: int, warm_up_s: float) -> None:
    """Listen on a port of loopback (0 = a free one), say `ready <port>`, serve until killed."""
    loop = asyncio.get_running_loop()
    inventory = Inventory(loop.time() + warm_up_s)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(inventory.answer(line.decode().strip(), loop.time()).encode() + b"\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port, reuse_address=True)
    print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))

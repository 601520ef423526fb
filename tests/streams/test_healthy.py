"""What a container's health check says of intake, of a worker, and of nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
from aiohttp import web

from streams import healthy
from streams.metrics_http import probe_handler


@asynccontextmanager
async def serving(**troubles: list[str]) -> AsyncIterator[str]:
    """A process whose paths say these troubles; gives its port."""
    app = web.Application()
    for path, lines in troubles.items():
        app.router.add_get(f"/{path}", probe_handler(partial(list, lines)))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield str(runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def nobody() -> str:
    """A port on which nobody listens."""
    async with serving() as port:
        return port


async def asked(**ports: str) -> int:
    return await asyncio.to_thread(healthy.main, {f"{name}_PORT": p for name, p in ports.items()})


async def test_what_listens_and_is_well_is_well() -> None:
    async with serving(readyz=[], healthz=[]) as port:
        assert await asked(INTAKE=port, METRICS=await nobody()) == 0
        assert await asked(INTAKE=await nobody(), METRICS=port) == 0


async def test_each_trouble_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    parked = "correlate: partition incident.deltas-1 is parked"
    async with (
        serving(readyz=["deliver has not started"], healthz=[]) as starting,
        serving(readyz=[], healthz=[parked]) as standing,
    ):
        assert await asked(INTAKE=await nobody(), METRICS=starting) == 1
        assert await asked(INTAKE=starting, METRICS=standing) == 1
    said = capsys.readouterr().out
    assert f"{starting}/readyz: deliver has not started" in said
    assert f"{standing}/healthz: {parked}" in said


async def test_where_nobody_listens_nothing_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert await asked(INTAKE=await nobody(), METRICS=await nobody()) == 1
    assert "nobody listens on" in capsys.readouterr().out

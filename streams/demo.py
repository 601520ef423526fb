"""`stormfold demo`: a recorded outage, told by direct alerts and by Stormfold, side by side.

Everything is local: the broker is found or started by `streams.broker`, Slack and PagerDuty are the
peers. This module runs both ways and takes everything down again; what is shown is made in
`demo_text` and `demo_page`.

Exit status: 0 done, 1 failed, 130 ended by Ctrl-C.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final

import msgspec
from rich.console import Console

from streams.broker import Broker, BrokerError, NoBroker, running_broker
from streams.demo_direct import Direct
from streams.demo_kafka import Chain, running
from streams.demo_local import LocalChain
from streams.demo_material import Material, RecordedClock, read_material
from streams.demo_page import write_page
from streams.demo_services import DemoError, Heard, Services
from streams.demo_story import Story, story_of
from streams.demo_text import WIDTH, Progress, tell
from streams.exit_status import DONE, FAILED, INTERRUPTED
from streams.local import TooMuchHeld
from streams.output_files import OutputError, check_writable
from streams.recording import RecordingError
from streams.replay import ReplayError
from streams.settings import Settings, SettingsError

TOP: Final = Path(__file__).parent.parent
RECORDING: Final = TOP / "recordings" / "shop-outage.jsonl.gz"
CONFIG: Final = TOP / "stormfold.yaml"
PAGE: Final = Path("demo-out") / "stormfold.html"

TOLD_WITHIN_S: Final = 60.0
"""How long the services may take to hear the newest revision of everything after the end."""

LOOK_EVERY_S: Final = 0.1


class Parts(msgspec.Struct, frozen=True):
    """What takes part: what is played, both pairs of services, what is decided."""

    settings: Settings
    material: Material
    clock: RecordedClock
    direct: Direct
    services: Services
    heard: Heard


class Run(msgspec.Struct, frozen=True):
    """A finished run."""

    material: Material
    direct: Direct
    services: Services
    heard: Heard
    story: Story
    kafka: str
    """How the Kafka was come by; empty for a run in this process."""
    seconds: float


def main(console: Console | None = None, page: Path = PAGE) -> int:
    """Run the demo and return its exit status.

    Args:
        console: where it is shown; standard output by default.
        page: where the HTML page is written.
    """
    console = console or Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    errors = Console(stderr=True, highlight=False)
    try:
        with _terminated_as_interrupted():
            _demo(console, page)
    except KeyboardInterrupt:
        errors.print("stormfold demo: interrupted; everything that it started is gone")
        return INTERRUPTED
    except (
        *(BrokerError, DemoError, RecordingError, ReplayError, SettingsError, TooMuchHeld),
        OSError,
        OutputError,
    ) as error:
        errors.print(f"stormfold demo: {error}", markup=False, soft_wrap=True)
        return FAILED
    return DONE


def _demo(console: Console, page: Path) -> None:
    for needed in (RECORDING, CONFIG):
        if not needed.exists():
            raise DemoError(f"{needed} is missing: run the demo in a clone of the repository")
    # Told before the half minute in which the rest runs, not after it.
    page.parent.mkdir(parents=True, exist_ok=True)
    check_writable(page)
    try:
        with running_broker(
            say=lambda line: console.print(line, markup=False), brief=True
        ) as broker:
            asyncio.run(_run(console, page, broker))
    except NoBroker as none:
        console.print(str(none), markup=False)
        console.print("So the demo runs the same steps in this process, without a Kafka.\n")
        asyncio.run(_run(console, page, None))


async def _run(console: Console, page: Path, broker: Broker | None) -> None:
    async with _cancelled_by_sigterm(), Services() as services:
        namespace = f"demo-{uuid.uuid4().hex[:8]}"
        environ = services.environment(os.environ, namespace)
        if broker is not None:
            environ["KAFKA_BOOTSTRAP"] = broker.bootstrap
        settings = services.settings(CONFIG, environ)
        material = read_material(RECORDING, settings.fingerprinting())
        async with Direct(material) as direct:
            clock, heard = RecordedClock(material.first_ms), Heard(settings)
            parts = Parts(settings, material, clock, direct, services, heard)
            began = time.monotonic()
            with Progress(console, material, clock, direct, services) as progress:
                progress.begin(broker)
                if broker is None:
                    await _in_process(parts)
                else:
                    await _on_kafka(parts, environ)
            run = Run(
                material=material,
                direct=direct,
                services=services,
                heard=heard,
                story=story_of(material, heard, settings),
                kafka=broker.kind.value if broker is not None else "",
                seconds=time.monotonic() - began,
            )
            tell(run, write_page(run, page), console)


async def _on_kafka(parts: Parts, environ: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix="stormfold-demo-") as folder:
        log = Path(folder) / "run.log"
        environ = environ | {"TMPDIR": folder}
        async with running(parts.settings, CONFIG, environ, log, parts.heard) as (chain, watch):
            await _unless_it_fails(_play(parts, chain), watch)


async def _in_process(parts: Parts) -> None:
    chain = LocalChain(parts.settings, parts.heard)
    delivering = asyncio.create_task(chain.deliver())
    try:
        await _unless_it_fails(_play(parts, chain), delivering)
    finally:
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)


async def _play(parts: Parts, chain: Chain | LocalChain) -> None:
    """Play the recording to both; return once the services show the newest of everything."""
    await chain.start(parts.material.first_ms)
    parts.clock.start()
    feed = chain.feed(parts.material, parts.clock)
    await _together(feed, parts.direct.run(parts.clock))
    deadline = time.monotonic() + TOLD_WITHIN_S
    while waiting := parts.services.waiting(parts.heard.digests):
        if time.monotonic() > deadline:
            raise DemoError(f"{waiting} digests were not delivered within {TOLD_WITHIN_S:.0f} s")
        await asyncio.sleep(LOOK_EVERY_S)


async def _together(*parts: Coroutine[Any, Any, None]) -> None:
    """Run all; the first failure ends the others and is raised as it is."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _unless_it_fails(play: Coroutine[Any, Any, None], beside: asyncio.Task[None]) -> None:
    """Run `play` to its end, unless what runs beside it fails first."""
    task = asyncio.create_task(play)
    try:
        await asyncio.wait([task, beside], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            await beside
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Treat SIGTERM as Ctrl-C, so that what was started is taken down."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.asynccontextmanager
async def _cancelled_by_sigterm() -> AsyncIterator[None]:
    """Turn SIGTERM into SIGINT, which asyncio turns into a cancellation of the main task."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)

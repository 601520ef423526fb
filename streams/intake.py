"""The HTTP server for what comes in: Sentry's webhooks, checked and written untouched to
`sentry.events`, and what people do in PagerDuty, written as acts to `incident.deltas`.

A request is answered 200 only after Kafka has its body. Nothing is decoded here; what becomes of a
request is in `intake_door` and `intake_pagerduty`, which checks there are in `intake_checks`, how
the logs are written in `intake_log`.

    IntakeError     intake cannot start; one line says why
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiokafka.errors import KafkaError

from streams.intake_door import FINISH_WITHIN_S, Door, Log
from streams.intake_heartbeat import EveryLog, HeartbeatDoor
from streams.intake_log import ActLog, Acts, EventLog
from streams.intake_pagerduty import PagerDutyDoor, taken_of
from streams.intake_slack import SlackDoor, make_door
from streams.metrics import Metrics
from streams.metrics_http import metrics_handler
from streams.reload import FIXED_INTAKE, Reloads
from streams.settings import Clock, Loaded, Settings, SettingsError
from streams.topics import State, TopicsError, ensure, names
from streams.tracing import Tracer, tracer_of

_log = logging.getLogger(__name__)


class IntakeError(Exception):
    """Intake cannot start."""


class _Unquoted(logging.Filter):
    """Keeps the text of malformed requests out of the log: it holds the address, so the token."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, HttpProcessingError):
            record.exc_info = None
            record.msg = f"{record.msg}: {type(error).__name__}"
        return True


_http_log = logging.getLogger(f"{__name__}.http")
_http_log.addFilter(_Unquoted())

_DOOR: Final = web.AppKey("door", Door)
_PAGERDUTY: Final = web.AppKey("pagerduty", PagerDutyDoor)
_SLACK: Final = web.AppKey("slack", SlackDoor)


def make_app(
    settings: Settings,
    metrics: Metrics,
    log: Log,
    acts: ActLog | None = None,
    owned: Acts | None = None,
    every: EveryLog | None = None,
    tracer: Tracer | None = None,
) -> web.Application:
    """Return the server's routes; who listens where is the caller's.

    Args:
        settings: the clock, the limits, and the secrets, which are read here.
        metrics: of this process.
        log: started.
        acts: started; None: there is no way back from PagerDuty.
        owned: started; None: there is no way back from Slack.
        every: started; None: there is no way in for heartbeats.
        tracer: of this process; None: nothing is traced.

    Raises:
        SettingsError: a configured secret is not there, is empty, or is a token of a wrong form.
    """
    door = Door(settings, metrics, log, tracer)
    app = web.Application()
    app[_DOOR] = door
    app.router.add_post("/sentry", door.sentry)
    app.router.add_post("/sentry/legacy/{token}", door.legacy)
    app.router.add_post("/deploys", door.deploys)
    if every is not None and settings.clock is Clock.WALL:
        app.router.add_post("/heartbeat", HeartbeatDoor(door, every).post)
    if acts is not None:
        app[_PAGERDUTY] = pagerduty = PagerDutyDoor(door, taken_of(settings), metrics, acts)
        app.router.add_post("/pagerduty", pagerduty.webhook)
        app.on_cleanup.append(lambda _: pagerduty.close())
    slack = make_door(settings, metrics, owned) if owned is not None else None
    if slack is not None:
        app[_SLACK] = slack
        app.router.add_post("/slack", slack.post)
    app.router.add_get("/healthz", door.healthz)
    app.router.add_get("/readyz", door.readyz)
    app.router.add_get("/metrics", metrics_handler(metrics))
    return app


def make_runner(app: web.Application) -> web.AppRunner:
    """Return what serves the routes; no address of a request reaches a log."""
    # The signature is over the raw bytes, so no encoding is undone.
    return web.AppRunner(
        app,
        access_log=None,
        auto_decompress=False,
        logger=_http_log,
        shutdown_timeout=FINISH_WITHIN_S,
    )


async def serve(
    settings: Settings,
    *,
    loaded: Loaded | None = None,
    stop: asyncio.Event | None = None,
    listening: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve until SIGTERM, SIGINT or `stop`; then finish what is under way.

    SIGHUP has the configuration read again: other secrets are taken, and no request is dropped.

    Args:
        settings: of the installation; its topics must exist.
        loaded: what the settings were read from, to be read again; None and SIGHUP changes nothing.
        stop: ends it as a signal does.
        listening: told the address, as in `http://127.0.0.1:8080`, once requests are taken.

    Raises:
        SettingsError: a configured secret is not there or is empty.
        IntakeError: Kafka does not answer, lacks a topic that is written to, or the port is taken.
    """
    stop = stop or asyncio.Event()
    log, metrics = EventLog(settings), Metrics()
    tracer = tracer_of(settings, "intake")
    app = make_app(settings, metrics, log, log, log, log, tracer)
    await _check_topic(settings)
    try:
        await log.start()
    except (KafkaError, OSError) as error:
        at = settings.kafka.bootstrap
        raise IntakeError(f"Kafka at {at} does not answer: {type(error).__name__}") from None
    runner = make_runner(app)
    try:
        await runner.setup()
        listening(await _listen(runner, settings))
        if _SLACK in app:
            app[_SLACK].start()
        async with _counting(settings, metrics), _reloads(loaded, metrics, app):
            await _until(stop)
    finally:
        for site in runner.sites:
            await site.stop()
        # The runner's own clean-up drops bodies that are still arriving.
        await app[_DOOR].finish()
        if _SLACK in app:
            await app[_SLACK].finish(FINISH_WITHIN_S)
        await runner.cleanup()
        await log.stop()
        if tracer is not None:
            await asyncio.to_thread(tracer.close)


async def _listen(runner: web.AppRunner, settings: Settings) -> str:
    host, port = settings.intake.host, settings.intake.port
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise IntakeError(f"intake cannot listen on {host}:{port}: {why}") from None
    bound = runner.addresses[0]
    return f"http://{bound[0]}:{bound[1]}"


async def _check_topic(settings: Settings) -> None:
    """Refuse a missing topic, and one that would give the events another kind of time."""
    events, deltas = names(settings.namespace).events, names(settings.namespace).deltas
    try:
        findings = await ensure(settings, create=False)
    except TopicsError as error:
        raise IntakeError(str(error)) from None
    for finding in findings:
        # Kafka may make a topic that a producer asks for, with as many partitions as it likes.
        missing = finding.topic in (events, deltas) and finding.state is State.MISSING
        if missing or (finding.topic == events and finding.aspect == "message.timestamp.type"):
            raise IntakeError(f"{finding}; `stormfold topics` makes what is missing")
        if finding.wrong:
            _log.warning("%s", finding)


async def renew(app: web.Application, settings: Settings) -> None:
    """Have the routes take other secrets from the next request on, all of them or none.

    Raises:
        SettingsError: as of `make_app`, or only a restart changes it; the old ones stay.
    """
    if (settings.slack_in is None) is (_SLACK in app):
        raise SettingsError("slack_in: only a restart of intake begins or ends it")
    # What may be refused comes first.
    pagerduty = taken_of(settings)
    slack = app[_SLACK].prepare(settings) if _SLACK in app else None
    app[_DOOR].renew(settings)
    if slack is not None:
        slack()
    if _PAGERDUTY in app:
        await app[_PAGERDUTY].renew(pagerduty)


@contextlib.asynccontextmanager
async def _counting(settings: Settings, metrics: Metrics) -> AsyncIterator[None]:
    """Ask Sentry for its counts while the context lasts, where that is configured.

    Raises:
        SettingsError: the token is not there.
    """
    sentry = settings.sentry
    if sentry is None or not sentry.count_events:
        yield
        return
    from streams.intake_counts import SentryCounts, organisation_of  # takes long to import

    counts = SentryCounts(organisation_of(sentry), metrics)
    asking = asyncio.create_task(counts.serve())
    try:
        yield
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await counts.close()


@contextlib.asynccontextmanager
async def _reloads(
    loaded: Loaded | None, metrics: Metrics, app: web.Application
) -> AsyncIterator[None]:
    """Take a changed file on SIGHUP while the context lasts."""
    if loaded is None:
        yield
        return

    async def take(changed: Loaded) -> None:
        await renew(app, changed.settings)

    reloads = Reloads(
        loaded, os.environ, metrics, fixed=FIXED_INTAKE, missing=lambda _: [], take=take
    )
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, reloads.ask)
    serving = asyncio.create_task(reloads.serve())
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
        serving.cancel()


async def _until(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for one in signals:
        loop.add_signal_handler(one, stop.set)
    try:
        await stop.wait()
    finally:
        for one in signals:
            loop.remove_signal_handler(one)

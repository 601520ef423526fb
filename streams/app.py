"""Wiring: which handler, topics and configuration make each stage. `python -m streams.app STAGE`
runs one.

The parent (`streams.supervisor`) starts one such process per stage; it ends when its parent does.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import structlog

from streams import logs
from streams.accounts import partition_of_account
from streams.config_line import LINE_VARIABLE, first, follow
from streams.metrics import Metrics
from streams.processes import (
    EXIT_FAILED,
    EXIT_REFUSED,
    LIFELINE_VARIABLE,
    STOP_S,
    WORKER_VARIABLE,
    StageName,
    worker_name,
)
from streams.settings import Clock, Loaded, Settings, SettingsError, read
from streams.stage import Handler, Stage, wait_for_kafka
from streams.stage.app import make_app, run_app
from streams.topics import inputs, max_record_bytes, names
from streams.tracing import tracer_of


def make_handler(settings: Settings, name: StageName, metrics: Metrics) -> Handler:
    """Return the handler of a stage as configured.

    A process imports its own stage only: the clients of the sinks alone take half of a start.

    Raises:
        SettingsError: a secret that a sink needs is not there, or OpenTelemetry, for traces.
    """
    topics = names(settings.namespace)
    bootstrap = settings.kafka.bootstrap
    request_bytes = max_record_bytes(settings)
    tracer = tracer_of(settings, name.value)
    match name:
        case StageName.FINGERPRINT:
            from streams.agents.fingerprint import FingerprintHandler

            return FingerprintHandler(
                settings.fingerprinting(),
                bootstrap=bootstrap,
                clock=settings.clock,
                deltas_topic=topics.deltas,
                quarantine_topic=topics.quarantine,
                max_request_bytes=request_bytes,
                metrics=metrics,
                tracer=tracer,
            )
        case StageName.CORRELATE:
            from streams.agents.correlate import CorrelateHandler

            return CorrelateHandler(
                settings.correlation(),
                installation=settings.installation,
                source_topic=topics.events,
                deltas_topic=topics.deltas,
                foreign_topics=settings.kafka.sentry_topics,
                state_topic=topics.incidents,
                deliveries_topic=topics.deliveries,
                quarantine_topic=topics.quarantine,
                decisions_topic=topics.decisions,
                declares_stalls=settings.clock is Clock.WALL,
                partition_of=partition_of_account,
                max_request_bytes=request_bytes,
                metrics=metrics,
                tracer=tracer,
            )
        case StageName.DELIVER:
            from streams.agents.deliver import DeliverHandler
            from streams.agents.heart import heart_of
            from streams.sink_config import make_sinks

            return DeliverHandler(
                make_sinks(settings),
                installation=settings.installation,
                state_topic=topics.outbox,
                dead_topic=topics.dead,
                quarantine_topic=topics.quarantine,
                decisions_topic=topics.decisions,
                deliveries_topic=topics.deliveries,
                partition_of=partition_of_account,
                max_request_bytes=request_bytes,
                metrics=metrics,
                remind_every_ms=settings.pages.remind_every_ms,
                heart=heart_of(settings, metrics),
                tracer=tracer,
            )


def make_change(
    settings: Settings, name: StageName, handler: Handler
) -> Callable[[], Awaitable[None]]:
    """Return what has the handler of a stage go on with other settings.

    Raises:
        SettingsError: a secret that a sink needs is not there.
    """
    match name:
        case StageName.FINGERPRINT:
            from streams.agents.fingerprint import FingerprintHandler

            assert isinstance(handler, FingerprintHandler)
            return partial(handler.reconfigure, settings.fingerprinting())
        case StageName.CORRELATE:
            from streams.agents.correlate import CorrelateHandler

            assert isinstance(handler, CorrelateHandler)
            return partial(handler.reconfigure, settings.correlation())
        case StageName.DELIVER:
            from streams.agents.deliver import DeliverHandler
            from streams.agents.heart import heart_of
            from streams.sink_config import make_sinks

            assert isinstance(handler, DeliverHandler)
            remind_every_ms = settings.pages.remind_every_ms
            heart = heart_of(settings, handler.metrics)
            return partial(handler.reconfigure, make_sinks(settings), remind_every_ms, heart)


def make_stage(settings: Settings, name: StageName, parked: frozenset[tuple[str, int]]) -> Stage:
    """Return the names and limits of a stage."""
    return Stage(
        name=name.value,
        namespace=settings.namespace,
        bootstrap=settings.kafka.bootstrap,
        topics=inputs(settings)[name],
        progress_topic=names(settings.namespace).progress,
        configuration=settings.configuration,
        worker=os.environ.get(WORKER_VARIABLE) or worker_name(),
        isolation="read_committed" if name is StageName.DELIVER else "read_uncommitted",
        reads_much=name is StageName.FINGERPRINT,
        parked=parked,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage until SIGTERM. Returns the exit status where it does not exit itself."""
    parser = argparse.ArgumentParser(prog="python -m streams.app")
    parser.add_argument("stage", choices=[name.value for name in StageName])
    parser.add_argument("--config", type=Path, default=None)
    parser.add_argument("--parked", default=[], action="append", type=_parked)
    parser.add_argument("--number", default=0, type=int, help="among those of its stage")
    parser.add_argument("--json-log", action="store_true")
    parser.add_argument("--log-level", default="info")
    options = parser.parse_args(arguments)
    logs.configure(json=options.json_log, level=options.log_level)
    if options.number:
        structlog.contextvars.bind_contextvars(worker=options.number)
    for chatty in ("faust", "mode", "aiokafka"):
        logger = logging.getLogger(chatty)
        logger.setLevel(max(logger.level, logging.WARNING))
    # Against Kafka 4.1 the sender warns every few transactions of NOT_ENOUGH_REPLICAS, tries again
    # and succeeds, also with one replica: noise. What it cannot mend it raises.
    logging.getLogger("aiokafka.producer.sender").setLevel(logging.ERROR)
    _die_with_parent()
    metrics = Metrics()
    name = StageName(options.stage)
    try:
        line = os.environ.get(LINE_VARIABLE)
        loaded = first(int(line), os.environ) if line else read(options.config, os.environ)
        settings = loaded.settings
        handler = make_handler(settings, name, metrics)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return EXIT_REFUSED
    stage = make_stage(settings, name, frozenset(options.parked))
    app, source = make_app(stage, handler, metrics)
    if name is StageName.CORRELATE:
        from streams.agents.correlate import CorrelateHandler

        assert isinstance(handler, CorrelateHandler)
        topics = names(settings.namespace)
        handler.progress_topic = app.topic(
            topics.progress, value_type=bytes, value_serializer="raw"
        )
    if line:

        async def take(changed: Loaded) -> None:
            change = make_change(changed.settings, name, handler)
            await source.reconfigure(changed.settings.configuration, change)

        async def listen() -> None:
            await follow(int(line), os.environ, take, source.park)

        app.task(listen)
    wait_for_kafka(settings.kafka.bootstrap)
    # What is there by now stays: the collector need not look through it again and again.
    gc.collect()
    gc.freeze()
    run_app(app)
    return 0


def _parked(given: str) -> tuple[str, int]:
    """Read `topic:partition`."""
    topic, partition = given.rsplit(":", 1)
    return topic, int(partition)


def _die_with_parent() -> None:
    """End this process like SIGTERM once the parent's end of the lifeline is closed."""
    descriptor = os.environ.get(LIFELINE_VARIABLE)
    if not descriptor:
        return

    def wait() -> None:
        os.read(int(descriptor), 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_S)
        os._exit(EXIT_FAILED)  # its own way to stop hangs, and nobody else is left to end it

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


if __name__ == "__main__":
    sys.exit(main())

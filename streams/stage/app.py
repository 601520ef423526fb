"""One stage as a Faust app: an agent on a channel of ours, and one plain topic for progress."""

from __future__ import annotations

import os
import tempfile
import uuid
from importlib import import_module
from typing import Any, cast

import faust
import structlog
from mode.utils.queues import FlowControlEvent, ThrowableQueue

from streams import codec
from streams.metrics import Metrics
from streams.stage.source import QUEUED_BATCHES, Source
from streams.stage.types import Handler, Stage

log = structlog.get_logger(__name__)


class Steady(faust.Channel[Any]):
    """A channel whose queue outlives rebalances.

    Faust's own queue is cleared whenever flow control resumes, which loses what is in it and can
    leave both of its ends waiting; this one has a flow control of its own that is never suspended.
    """

    @property
    def queue(self) -> ThrowableQueue[Any]:
        """The queue of this channel."""
        if self._queue is None:
            self._queue = ThrowableQueue(
                maxsize=self.maxsize or QUEUED_BATCHES,
                flow_control=FlowControlEvent(initially_suspended=False),
                clear_on_resume=False,
            )
        return self._queue


def make_app(stage: Stage, handler: Handler, metrics: Metrics) -> tuple[faust.App, Source]:
    """Return the Faust app that runs this stage in this process, and the service that feeds it.

    Its id is its own, so that Faust's group never rebalances and a restart waits for nobody's
    session.
    """
    compiled = getattr(import_module("faust.streams"), "_CStreamIterator", None)
    assert compiled is not None, "Faust without its compiled streams acks stale messages"
    app = faust.App(
        f"{stage.namespace}.{stage.name}.{uuid.uuid4().hex}",
        broker=f"kafka://{stage.bootstrap.replace(',', ';')}",
        autodiscover=False,
        broker_request_timeout=40,
        broker_session_timeout=30,
        consumer_auto_offset_reset="latest",
        # Nothing is stored there; one folder for all processes, so that none is left per process.
        datadir=os.path.join(tempfile.gettempdir(), f"stormfold-faust-{os.getuid()}"),
        store="memory://",
        stream_wait_empty=True,
        table_standby_replicas=0,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )
    source = Source(stage, handler, metrics)
    source.channel = Steady(app, maxsize=QUEUED_BATCHES)
    # Faust takes a ready service as well as a class; its annotation knows the class only.
    app.service(cast("Any", source))

    @app.agent(source.channel, name=stage.name)
    async def work(stream: Any) -> None:
        source.listening.set()
        async for piece in stream:
            await source.work(piece)

    progress = app.topic(stage.progress_topic, value_type=bytes, value_serializer="raw")

    async def tell(raw: bytes) -> None:
        await progress.send(value=raw)

    source.tell = tell

    @app.agent(progress, name=f"{stage.name}.progress")
    async def hear(stream: Any) -> None:
        async for raw in stream:
            try:
                handler.progress(codec.told(raw))
            except codec.CodecError:  # of another version: the next ones will do
                log.debug("progress message not understood", stage=stage.name)

    return app, source


class _Worker(faust.Worker):
    """Ends once everything has stopped: the library waits for one more second then."""

    async def _sentinel_task(self) -> None:
        return


def run_app(app: faust.App) -> None:
    """Run the app until SIGTERM or SIGINT; exits the process."""
    worker = _Worker(
        app, quiet=True, loglevel="warning", redirect_stdouts=False, override_logging=False
    )
    worker.spinner = None  # it draws on standard output, which belongs to the console sink
    worker.execute_from_commandline()

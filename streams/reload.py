"""A file that changed while its process runs: read again, checked, and taken or refused.

The decision is here, for `run` and for `intake`; who asks (SIGHUP) and what taking it means are the
caller's. What is refused changes nothing: the old configuration goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from operator import attrgetter
from typing import Final

import structlog
from yaml.nodes import MappingNode, Node, ScalarNode

from streams.config_files import Reread
from streams.metrics import Metrics
from streams.references import SettingsError
from streams.settings import Loaded, Settings, read
from streams.yaml_reader import Reader

FIXED: Final = (
    "namespace",
    "clock",
    "kafka.bootstrap",
    "kafka.partitions",
    "kafka.replication",
    "kafka.sentry_topics",
    "intake.max_body_bytes",
    "tracing",
)
"""What the topics, their state and their producers are made of."""

FIXED_RUN: Final = (*FIXED, "metrics.host", "metrics.port")
FIXED_INTAKE: Final = (*FIXED, "intake.host", "intake.port")
"""Where each of the two listens."""

log = structlog.get_logger(__name__)


class Reloads:
    """Reads the configuration again whenever it is asked to, one time after the other."""

    def __init__(
        self,
        running: Loaded,
        environ: Mapping[str, str],
        metrics: Metrics,
        *,
        fixed: Sequence[str],
        missing: Callable[[Settings], list[str]],
        take: Callable[[Loaded], Awaitable[None]],
    ) -> None:
        """Prepare; nothing is read yet.

        Args:
            running: what runs now.
            environ: what references look in.
            metrics: of this process.
            fixed: what only a restart can change, as paths in the file.
            missing: returns a line for every secret that is needed and not there.
            take: goes on with a configuration; raises SettingsError when it cannot, having changed
                nothing.
        """
        self.running = running
        self._environ = environ
        self._metrics = metrics
        self._fixed = fixed
        self._missing = missing
        self._take = take
        self._asked = asyncio.Event()
        metrics.config_time_seconds.set(time.time())

    def ask(self) -> None:
        """Have the file read again soon: once, however often it is asked meanwhile."""
        self._asked.set()

    async def serve(self) -> None:
        """Read it again whenever asked, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self.again()

    async def again(self) -> Reread:
        """Read it again now, and return what became of it; what is wrong is logged."""
        try:
            outcome = await self._again()
        except SettingsError as error:
            outcome = Reread.REFUSED
            running = self.running.settings.configuration
            log.error("configuration refused", problems=list(error.problems), goes_on=running)
        except Exception as error:
            # A bug of ours in what reads it; also then the old one goes on.
            outcome = Reread.REFUSED
            why = type(error).__name__
            log.error("configuration refused", problems=[why], exc_info=True)
        self._metrics.config_reloads.labels(outcome=outcome.value).inc()
        self._metrics.config_refused.set(outcome is Reread.REFUSED)
        return outcome

    async def _again(self) -> Reread:
        before = self.running
        # The disk may be slow, and a thousand rules take their time: nothing waits for that.
        found = await asyncio.to_thread(read, before.path, self._environ)
        problems = [*changed(before, found, self._fixed), *self._missing(found.settings)]
        if problems:
            raise SettingsError(*problems)
        # Also where the file is the same: a secret that it names may be another.
        await self._take(found)
        self.running = found
        same = found.files == before.files
        self._metrics.config_time_seconds.set(time.time())
        log.info(
            "configuration taken",
            configuration=found.settings.configuration,
            before=before.settings.configuration,
        )
        return Reread.UNCHANGED if same else Reread.TAKEN


def changed(before: Loaded, after: Loaded, fixed: Sequence[str]) -> list[str]:
    """Return a line for everything that differs and that only a restart can change."""
    return [
        f"{_place(after, path)}: only a restart changes it"
        for path in fixed
        if attrgetter(path)(before.settings) != attrgetter(path)(after.settings)
    ]


def _place(loaded: Loaded, path: str) -> str:
    """Return where a key stands: `stormfold.yaml:3 kafka.partitions`, without a line if nowhere."""
    file = str(loaded.path)
    reader = Reader(file, {})
    node = reader.root(loaded.files[file]) if file in loaded.files else None
    found: Node | None = None
    for name in path.split("."):
        found = node = _below(node, name)
    return reader.place(found, path) if found is not None else f"{file} {path}"


def _below(node: Node | None, name: str) -> Node | None:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if isinstance(key, ScalarNode) and key.value == name:
                found: Node = value
                return found
    return None

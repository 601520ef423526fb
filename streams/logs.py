"""How Stormfold logs: structlog on top of the standard library's logging, to standard error.

`configure` is called once by each command. Our own lines and those of aiokafka, Faust and aiohttp
go the same way and look the same. In an outage of the brokers aiokafka and Faust write thousands of
lines a minute that differ in a number at most; `RepeatFilter` lets one of each pass per ten seconds
and says how many it held back. Their tracebacks of an outage become one line: they show the
libraries' ways, and the parent starts a stage again every few seconds.

Bodies, headers and secrets are never logged. Three things stand behind the callers, who name no
such thing: values under a key of `HIDDEN` are masked, tracebacks are printed without local
variables, and `QUIET` keeps libraries that write whole requests to their debug lines from it.
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any, Final, TextIO

import structlog

EVERY_S: Final = 10.0
"""One line of each kind passes per this many seconds."""

KINDS_KEPT: Final = 1_000
"""Kinds of lines remembered; the one not seen for longest makes room, and may then pass early."""

NOISY: Final = ("aiokafka", "faust", "mode", "kafka", "opentelemetry")
"""Loggers, with all below them, whose repetitions are held back."""

QUIET: Final = {
    "aiokafka": logging.INFO,
    "faust": logging.INFO,
    "mode": logging.INFO,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "slack_sdk": logging.WARNING,
    "urllib3": logging.WARNING,
}
"""Libraries that name bodies, addresses or headers below this level; never configured lower."""

LEVELS: Final = ("debug", "info", "warning", "error", "critical")

HIDDEN: Final = frozenset(
    {
        "authorization",
        "body",
        "cookie",
        "cookies",
        "headers",
        "password",
        "payload",
        "raw",
        "routing_key",
        "secret",
        "token",
        "value",
    }
)
"""Keys of a log line whose value is never written."""

_MASK: Final = "***"


class RepeatFilter(logging.Filter):
    """Lets the first line of each (logger, message template) pass, then one per `every_s`.

    The line that passes after a silence says how many like it were held back. It is put on a
    handler, not on a logger, whose filters do not see what comes from the loggers below it.
    """

    def __init__(
        self, *, every_s: float = EVERY_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Args: every_s: seconds, > 0. clock: seconds that never go back."""
        super().__init__()
        assert every_s > 0
        self._every_s = every_s
        self._clock = clock
        self._seen: OrderedDict[tuple[str, str], tuple[float, int]] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line passes; one that does carries the count of those held back."""
        if record.name.split(".", 1)[0] not in NOISY:
            return True
        kind = (record.name, _template(record))
        now = self._clock()
        passed_at, held = self._seen.get(kind, (now - self._every_s, 0))
        if now - passed_at < self._every_s:
            self._seen[kind] = (passed_at, held + 1)
            self._seen.move_to_end(kind)
            return False
        self._seen[kind] = (now, 0)
        self._seen.move_to_end(kind)
        if len(self._seen) > KINDS_KEPT:
            self._seen.popitem(last=False)
        if held:
            record.held_back = held
        return True


_NUMBERS: Final = re.compile(r"0x[0-9a-fA-F]+|\d+(?:\.\d+)?")


def _template(record: logging.LogRecord) -> str:
    """Return the message before its arguments, also where the caller had put them in already."""
    return _NUMBERS.sub("#", str(record.msg))[:200]


def without_outage_traces(record: logging.LogRecord) -> bool:
    """Let every line pass; a library's traceback of a failed connection becomes its last line."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None or record.name.split(".", 1)[0] not in NOISY:
        return True
    if isinstance(error, OSError) or type(error).__module__.startswith("aiokafka."):
        record.msg = f"{record.getMessage()}: {type(error).__name__}: {error}"
        record.args = ()
        record.exc_info = record.exc_text = None
    return True


def hide(_: object, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Return the log line with the values of `HIDDEN` keys masked."""
    for key in line.keys() & HIDDEN:
        line[key] = _MASK
    return line


def _held_back(_: object, __: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record = line.get("_record")
    held = getattr(record, "held_back", 0)
    if held:
        line["held_back"] = held
    return line


def configure(*, json: bool, level: str, stream: TextIO | None = None) -> None:
    """Send every log line of this process to standard error, from this level up.

    Called again, it replaces what was configured before.

    Args:
        json: one JSON object per line; else for a person at a terminal.
        level: one of `LEVELS`, in any case.
        stream: where to instead of standard error.

    Raises:
        ValueError: the level is none of `LEVELS`.
    """
    if level.lower() not in LEVELS:
        raise ValueError(f"log level: expected one of {', '.join(LEVELS)}, found {level!r}")
    out = stream if stream is not None else sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            _held_back,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_last(json=json, colors=out.isatty()),
        ],
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    handler.addFilter(RepeatFilter())
    handler.addFilter(without_outage_traces)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    lowest = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(lowest)
    for name, quiet in QUIET.items():
        logging.getLogger(name).setLevel(max(lowest, quiet))
    logging.captureWarnings(True)


def _last(*, json: bool, colors: bool) -> list[structlog.typing.Processor]:
    if json:
        return [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(sort_keys=True),
        ]
    # The default prints every frame's local variables: bodies and tokens among them.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]


@contextmanager
def kafka_clients_quiet() -> Iterator[None]:
    """Hold back aiokafka's log while failures are expected; the last one reaches the caller."""
    logger = logging.getLogger("aiokafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)

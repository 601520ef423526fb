"""What all tests share: Hypothesis profiles, one real Kafka, a namespace per test."""

from __future__ import annotations

import gc
import hashlib
import logging
import os
import signal
import sys
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import structlog
from hypothesis import settings

from streams.broker import (
    Broker,
    BrokerError,
    JvmBroker,
    NoBroker,
    Way,
    own_broker,
    running_broker,
    ways,
)
from streams.logs import QUIET
from tests.shares import BROKER, CHAOS, Shares, share_of

# `ci` draws the same examples every time, so more of them find nothing new the next time: the laws
# look further by HYPOTHESIS_PROFILE=deep, which `make soak` does.
settings.register_profile("ci", max_examples=50, derandomize=True, deadline=None, print_blob=True)
settings.register_profile("deep", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

SESSION = uuid.uuid4().hex[:6]
WHY_NO_BROKER = pytest.StashKey[str]()
LOGGERS = ("", *QUIET)
NEEDS_BROKER = {"kafka", "jvm"}


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """One real Kafka for all tests of the session, started by the first that asks for it."""
    try:
        with running_broker(say=_Say(request.config), brief=True) as broker:
            yield broker
    except BrokerError as error:
        _fail(request, error)


@pytest.fixture(scope="session")
def jvm(request: pytest.FixtureRequest) -> None:
    """Passes where a broker can be killed: only one of our own, as a process, can."""
    found = ways()
    opened = {each.way for each in found if each.open}
    if not opened:
        _fail(request, NoBroker(found))
    if Way.JVM not in opened:
        pytest.skip("killing a broker needs one of our own: Java 17 or newer and Maven")


@pytest.fixture
def own_kafka(request: pytest.FixtureRequest, jvm: None) -> Iterator[JvmBroker]:
    """A broker of the test's own, to kill and restart."""
    try:
        with own_broker(say=_Say(request.config), brief=True) as broker:
            yield broker
    except BrokerError as error:
        _fail(request, error)


def _fail(request: pytest.FixtureRequest, error: BrokerError) -> NoReturn:
    # Every Kafka test fails by this; the whole text is told once, by the summary.
    request.config.stash[WHY_NO_BROKER] = str(error)
    if (output := getattr(request.config, "workeroutput", None)) is not None:
        output["why_no_broker"] = str(error)
    raise pytest.fail.Exception("no Kafka broker: why, stands at the end", pytrace=False) from None


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> bool:
    """Whether cases are repeated as often as the table asks for."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> str:
    """A namespace that no other test, and no other session on the same Kafka, uses."""
    digest = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:8]
    return f"t{SESSION}{digest}"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Know what `make soak` says."""
    parser.addoption(
        "--soak",
        action="store_true",
        help="the chaos tests as often as the table asks for, and those that take long",
    )
    parser.addoption(
        "--table", type=Path, metavar="FOLDER", help="write the table of the chaos tests there"
    )


def pytest_configure() -> None:
    """Let the programs under test hear Ctrl-C: the background job of a shell ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let what a command says of its process's log end with the test that called the command."""
    root = logging.getLogger()
    before = structlog.get_config() if structlog.is_configured() else None
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in LOGGERS}
    done = yield
    if (structlog.get_config() if structlog.is_configured() else None) != before:
        structlog.reset_defaults()
        if before is not None:
            structlog.configure(**before)
        root.handlers[:] = handlers
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        logging.captureWarnings(False)
    return done


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Let the garbage collector leave alone what stays until the end: thousands of tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only a soak runs; run what needs a broker last, or beside all else.

    One by one, everything else has been told by then if there is none. With several processes those
    with a broker are one process's: `tests.shares`.
    """
    if not config.getoption("--soak"):
        long = [item for item in items if item.get_closest_marker("soak")]
        items[:] = [item for item in items if item not in long]
        if long:
            config.hook.pytest_deselected(items=long)
    items.sort(key=_needs_broker)
    for item in items:
        if _needs_broker(item) and share_of(item.nodeid) not in (CHAOS, BROKER):
            raise pytest.UsageError(f"{item.nodeid} needs a broker: tests/shares.py must say so")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    """Have several processes share the tests as `tests.shares` says."""
    return Shares(config, log)


def _needs_broker(item: pytest.Item) -> bool:
    return bool(NEEDS_BROKER & set(getattr(item, "fixturenames", ())))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from one of several processes why it had no broker."""
    if why := getattr(node, "workeroutput", {}).get("why_no_broker"):
        node.config.stash[WHY_NO_BROKER] = why


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Tell once, at the end, why there was no broker and which ways lead to one."""
    if why := config.stash.get(WHY_NO_BROKER, ""):
        terminalreporter.section("the Kafka tests could not run", red=True)
        terminalreporter.write_line(why)


class _Say:
    """Puts a line on the terminal, past pytest's capturing."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def __call__(self, line: str) -> None:
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        assert capture is not None
        with capture.global_and_fixture_disabled():
            if reporter is None:  # One of several processes: the terminal is another's.
                print(line, file=sys.stderr)
                return
            reporter.ensure_newline()
            reporter.write_line(line)

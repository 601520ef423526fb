"""The order in which a broker is looked for: given by the environment, Docker, a JVM of our own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Final

from streams.broker.answers import wait_until_answers
from streams.broker.container import NOT_INSTALLED, ContainerBroker, why_not_docker
from streams.broker.jars import java_program, resolved_jars, why_not_java
from streams.broker.jvm import JvmBroker
from streams.broker.types import Broker, BrokerFailed, NoBroker, Say, Way, WayFound

GIVEN_WITHIN_S: Final = 15.0
"""How long the broker named by KAFKA_BOOTSTRAP may take to let a group join, in seconds."""


class GivenBroker(Broker):
    """Somebody else's broker, named by KAFKA_BOOTSTRAP; it is left running."""

    kind = Way.GIVEN

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def stop(self) -> None:
        """Do nothing: the broker is not ours."""


def ways(environ: Mapping[str, str] = os.environ) -> list[WayFound]:
    """Return the three ways to a broker in the order they are tried, each with why it is closed.

    Takes at most 3 s when a Docker engine hangs. An open way may fail; `running_broker` tells.
    """
    given = environ.get("KAFKA_BOOTSTRAP", "")
    docker = why_not_docker(environ)
    java = why_not_java(environ)
    return [
        WayFound(Way.GIVEN, bool(given), given or "not set"),
        WayFound(Way.DOCKER, not docker, docker or "its engine answers"),
        WayFound(Way.JVM, not java, java or "both found"),
    ]


@contextlib.contextmanager
def running_broker(
    *,
    say: Say,
    environ: Mapping[str, str] = os.environ,
    given_within_s: float = GIVEN_WITHIN_S,
    brief: bool = False,
) -> Iterator[Broker]:
    """Yield a Kafka in which a consumer group has joined; one that we started is gone afterwards.

    Args:
        say: gets one line for each thing that takes time or fails on the way.
        environ: KAFKA_BOOTSTRAP, PATH, JAVA_HOME, XDG_CACHE_HOME, HOME and DOCKER_HOST are read.
        given_within_s: how long a given broker may take to answer, in seconds, > 0.
        brief: one that we start ends soon, and nobody measures it.

    Raises:
        NoBroker: none of the three ways is open; the message names them.
        BrokerFailed: KAFKA_BOOTSTRAP is set and does not answer, or the last open way failed.
    """
    broker = _found(say, environ, given_within_s, brief=brief)
    try:
        yield broker
    finally:
        broker.stop()


@contextlib.contextmanager
def own_broker(
    *, say: Say, environ: Mapping[str, str] = os.environ, brief: bool = False
) -> Iterator[JvmBroker]:
    """Yield a fresh broker of one's own as a process, to kill and restart, whatever else is there.

    Raises:
        NoBroker: Java 17 or Maven is missing.
        BrokerFailed: it did not start.
    """
    broker = _from_jars(say, environ, brief=brief)
    try:
        yield broker
    finally:
        broker.stop()


def _found(say: Say, environ: Mapping[str, str], given_within_s: float, *, brief: bool) -> Broker:
    if given := environ.get("KAFKA_BOOTSTRAP"):
        try:
            wait_until_answers(given, within_s=given_within_s)
        except BrokerFailed as error:
            raise BrokerFailed(f"KAFKA_BOOTSTRAP is set, but {error}") from None
        return GivenBroker(given)
    docker = why_not_docker(environ)
    if not docker:
        try:
            return ContainerBroker(say)
        except BrokerFailed as error:
            if why_not_java(environ):
                raise
            say(f"{str(error).splitlines()[0]}; starting one with Java instead.")
    elif docker != NOT_INSTALLED and not why_not_java(environ):
        say(f"{docker}; starting a Kafka with Java instead.")
    return _from_jars(say, environ, brief=brief)


def _from_jars(say: Say, environ: Mapping[str, str], *, brief: bool) -> JvmBroker:
    java = java_program(environ)
    if java is None or why_not_java(environ):
        raise NoBroker(ways(environ))
    return JvmBroker(java, resolved_jars(environ, say), brief=brief)

"""What is to be known of an outage before it is told: its services, its times, its visitors.

The programs are in folders beside this file; one module per outage fills in a `Plan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from recordings.labels import Causes
from recordings.traffic import Habit, Make
from recordings.webhooks import Account

Command = tuple[str, ...]
MINUTE_S: Final = 60.0
SETTLING_S: Final = 20.0
"""How long its last failures may still come in once it is back, in seconds of the story."""


class Service(NamedTuple):
    """One service: its name is that of its project, and of the process."""

    name: str
    release: str
    program: str
    """What `Plan.run` starts."""


class Times(NamedTuple):
    """When what happens, in seconds of the story."""

    length_s: float
    deploy_s: float
    hang_s: float
    death_s: float
    return_s: float
    loading_s: float

    @property
    def back_s(self) -> float:
        """Return when the dependency answers again."""
        return self.return_s + self.loading_s

    @property
    def broken(self) -> tuple[float, float]:
        """Return from when to when errors may belong to the outage."""
        return self.hang_s, self.back_s + SETTLING_S


class Plan(NamedTuple):
    """An outage of one program."""

    folder: str
    prepare: tuple[Command, ...]
    """Installs, with the caller's own environment."""
    build: tuple[Command, ...]
    """What turns the sources into a program, in each folder it is deployed to."""
    run: Command
    """Starts one program; `{program}` is its name."""
    sources: str
    """The folder, within the program's, that a newer release puts its files into."""
    dependency: Service
    services: tuple[Service, ...]
    """In the order in which they start: each may call those before it."""
    newer: Service
    """The next release of the last service, and in `releases/` what changed."""
    start_iso: str
    times: Times
    retries: float
    """How many times as many requests come while things are broken."""
    account: Account
    causes: Causes
    ordinary: Mapping[Make, int]
    ambient: tuple[Habit, ...]

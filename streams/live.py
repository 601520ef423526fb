"""What a running installation has in its state, for the commands that look at it and act on it.

Read whole from the topic `incidents`, committed records only. No group is joined and nothing is
written, so a running installation does not notice.

    LiveError       Kafka does not answer, or the state cannot be read
    └── NotThere    topics are missing, or another configuration wrote the state
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from aiokafka.errors import KafkaError

from correlators.acts import AddSilence
from correlators.deltas import tick_end_ms
from correlators.incidents import Incident
from correlators.judging import Config, Judge
from correlators.muted import Muted, muted_now
from correlators.silences import Silence
from correlators.silencing import environment_of, made, remembered, subject_of
from correlators.state import State
from correlators.storms import Storm
from streams.agents.batches import target_of
from streams.agents.stored import Installation, StateRefused, read_state
from streams.settings import Clock, Settings
from streams.stage.state import restore
from streams.topics import TopicsError, names, partitions_of, said_by

WITHIN_S: Final = 60.0
"""For the whole state."""

AT_ONCE: Final = 4
"""Partitions read at the same time."""


class LiveError(Exception):
    """The state cannot be read; one line says why."""


class NotThere(LiveError):
    """There is no such installation; one line says what is missing."""


class Part(NamedTuple):
    """One partition of the state."""

    number: int
    state: State
    tick: int
    """The last tick that it has applied and stored; -1 before the first."""


class Live:
    """The state of all partitions, as it stood when it was read."""

    def __init__(self, config: Config, parts: list[Part], now_ms: int) -> None:
        """Args: config: what decides; parts: by number; now_ms: time by the installation's
        clock."""
        self.config = config
        self.parts = parts
        self.now_ms = now_ms

    def owner_of(self, environment: str) -> Part:
        """Return the partition that owns an environment."""
        return self.parts[target_of(environment, len(self.parts))]

    def find(self, subject: str) -> tuple[Part, Storm | Incident] | None:
        """Return the open storm or incident of this id and where it is, or None."""
        return self._found(subject, subject_of)

    def find_remembered(self, subject: str) -> tuple[Part, Storm | Incident] | None:
        """Return the storm or incident of this id, open or over, and where it is, or None."""
        return self._found(subject, remembered)

    def _found(
        self, subject: str, find: Callable[[State, str], Storm | Incident | None]
    ) -> tuple[Part, Storm | Incident] | None:
        for part in self.parts:
            found = find(part.state, subject)
            if found is not None:
                return part, found
        return None

    def open(self) -> Iterator[tuple[Part, Storm | Incident]]:
        """Yield the open storms, and the open incidents that no storm tells, oldest first."""
        found: list[tuple[Part, Storm | Incident]] = []
        for part in self.parts:
            found += [(part, storm) for storm in part.state.open_storms()]
            found += [
                (part, one) for one in part.state.open_all() if part.state.storm_of(one) is None
            ]
        yield from sorted(found, key=lambda one: (one[1].first_ms, one[1].id))

    def mutes(self, part: Part, found: Storm | Incident) -> list[Silence]:
        """Return the silences that mute an open storm or incident now."""
        return [
            silence
            for silence in part.state.silences(environment_of(found))
            if found in (*(muted := self.muted(part, silence)).storms, *muted.incidents)
        ]

    def would_be(self, act: AddSilence) -> tuple[Part, Silence] | None:
        """Return the silence that an act would make now and where; None where it is of nothing
        that is open."""
        if act.when is not None:
            part = self.owner_of(act.environment)
            return part, made(part.state, act, None, self.now_ms)
        found = self.find(act.subject)
        if found is None:
            return None
        part, subject = found
        return part, made(part.state, act, subject, self.now_ms)

    def muted(self, part: Part, silence: Silence) -> Muted:
        """Return what a silence mutes now."""
        return muted_now(Judge(self.config, part.state), part.state, silence, part.tick)

    def silences(self) -> Iterator[tuple[Part, Silence]]:
        """Yield all silences, by environment and the moment they end."""
        found = [
            (part, entry)
            for part in self.parts
            for _, entry in part.state.entries()
            if isinstance(entry, Silence)
        ]
        yield from sorted(found, key=lambda one: (one[1].environment, one[1].to_ms, one[1].id))


async def part_of(
    number: int,
    place: str,
    stored: Mapping[str, bytes],
    installation: Installation,
    config: Config,
) -> Part:
    """Return one partition as it is stored, made beside the event loop, which goes on meanwhile:
    a large state takes seconds, and intake has webhooks to answer within one.

    Args:
        number: of the partition.
        place: topic and partition, for the error.
        stored: values by key.
        installation: who reads it.
        config: what decides.

    Raises:
        StateRefused: an entry does not read, or another installation wrote it.
    """

    def made() -> Part:
        progress, entries = read_state(place, stored, installation)
        tick = progress.applied_tick if progress is not None else -1
        return Part(number, State(config, entries), tick)

    return await asyncio.to_thread(made)


async def read(settings: Settings, clock_ms: int) -> Live:
    """Return the state of this installation.

    Args:
        settings: which one.
        clock_ms: what the clock shows; under `clock: data` its own time counts instead.

    Raises:
        NotThere: topics are missing, or another configuration wrote the state.
        LiveError: Kafka does not answer.
    """
    bootstrap, topic = settings.kafka.bootstrap, names(settings.namespace).incidents
    try:
        async with asyncio.timeout(WITHIN_S):
            found = (await partitions_of(settings, [topic]))[topic]
            if not found:
                raise NotThere(f"{topic} is missing at {bootstrap}; `stormfold topics` makes it")
            room = asyncio.Semaphore(AT_ONCE)
            installation = Installation(settings.installation, len(found))
            config = settings.correlation()

            async def part(number: int) -> Part:
                async with room:
                    stored = await restore(bootstrap, topic, number)
                    place = f"{topic}-{number}"
                    return await part_of(number, place, stored, installation, config)

            parts = await asyncio.gather(*map(part, found))
    except TopicsError as error:
        raise LiveError(str(error)) from None
    except StateRefused as error:
        raise NotThere(str(error)) from None
    except TimeoutError:
        raise LiveError(
            f"Kafka at {bootstrap} did not give the state within {WITHIN_S:.0f} s"
        ) from None
    except (KafkaError, OSError) as error:
        raise LiveError(f"Kafka at {bootstrap} cannot be read: {said_by(error)}") from None
    applied = max(one.tick for one in parts)
    recorded = settings.clock is Clock.DATA and applied >= 0
    return Live(config, list(parts), tick_end_ms(applied) if recorded else clock_ms)

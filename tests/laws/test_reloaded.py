"""The laws hold over reloads: any configuration after any other, between any two ticks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.configurations import decided
from correlators.entries import PROGRESS_KEY
from correlators.incidents import Incident
from correlators.partition import Partition
from correlators.rules import Pages
from correlators.telling import Config
from correlators.ticks import Progress
from correlators.types import DeltaBatch, PageAction
from streams import codec
from tests.examples import examples
from tests.laws.logs import (
    CONFIG,
    MINUTE_MS,
    Outcome,
    Rec,
    first_progress,
    logs,
    plain_messages,
    run,
    split_messages,
)
from tests.laws.test_ruled import configs

WINDOWS = st.sampled_from(
    [
        CONFIG.windows,
        # None is longer than the usual one, so that everything ends within the log.
        msgspec.structs.replace(
            CONFIG.windows, settle_ms=1_000, quiet_for_ms=MINUTE_MS, update_every_ms=5_000
        ),
        msgspec.structs.replace(
            CONFIG.windows,
            max_life_ms=5 * MINUTE_MS,
            remember_ms=5 * MINUTE_MS,
            reopen_within_ms=2 * MINUTE_MS,
        ),
    ]
)
LINKING = st.sampled_from(
    [
        CONFIG.linking,
        msgspec.structs.replace(CONFIG.linking, link_within_ms=5_000, storm_quiet_ms=20_000),
        msgspec.structs.replace(CONFIG.linking, link_within_ms=4 * MINUTE_MS, burst_services=2),
    ]
)
PAGES = st.sampled_from(
    [
        CONFIG.pages,
        Pages(environments=("staging",), events=1, within_ms=10 * MINUTE_MS),
        Pages(environments=(), events=2, within_ms=20_000),
    ]
)
RANDOMS = st.integers(0, 2**32 - 1).map(Random)


@st.composite
def changes(draw: st.DrawFn) -> list[Config]:
    """Draw configurations that follow one another, with and without rules."""
    found = []
    for number in range(draw(st.integers(2, 6))):
        ruled = draw(st.one_of(st.just(CONFIG), configs()))
        found.append(
            msgspec.structs.replace(
                ruled,
                windows=draw(WINDOWS),
                linking=draw(LINKING),
                pages=draw(PAGES),
                name=f"c{number}",
            )
        )
    return found


class Reloaded:
    """A log under configurations that follow one another between any two ticks."""

    def __init__(
        self,
        messages: Sequence[DeltaBatch],
        configurations: Sequence[Config],
        random: Random,
        *,
        restarted: bool = False,
    ) -> None:
        """Args: restarted: each begins from the stored bytes instead of the live partition."""
        self.outcome = Outcome()
        self.names: dict[int, str] = {}
        """Of the configuration that was there, by tick that had work."""
        sources = len({batch.partition for batch in messages})
        self.progress = first_progress(sources)
        self._messages = messages
        self._left = list(configurations)
        self._config = self._left.pop(0)
        self._restarted = restarted
        self._partition = Partition(self._config, self.progress)
        for offset, batch in enumerate(messages):
            self._partition.receive(offset, batch)
            self._apply(random, offset, lambda: random.random() < 0.3)
        self._apply(random, len(messages) - 1, lambda: False)

    def _apply(self, random: Random, offset: int, reloads: Callable[[], bool]) -> None:
        while self._partition.ready():
            if self._left and reloads():
                self._reload(offset)
                continue
            self._step()

    def _step(self) -> None:
        step = self._partition.step(most_ticks=1)
        assert not step.frozen
        self.outcome.take(step)
        self.progress = step.progress
        if step.ticks:
            tick = step.progress.applied_tick
            self.names[tick] = self._config.name
            assert decided(step.progress.configurations, tick) == self._config.name
        incidents = [one for _, one in self._partition.state_entries if isinstance(one, Incident)]
        keys = [one.key for one in incidents if one.open]
        assert len(keys) == len(set(keys))

    def _reload(self, offset: int) -> None:
        self._config = self._left.pop(0)
        if self._restarted:
            stored = [codec.entry(raw) for raw in self.outcome.state.values()]
            progress = codec.entry(codec.encode(self.progress))
            assert isinstance(progress, Progress)
            self._partition = Partition(self._config, progress, stored)
        else:
            self._partition = self._partition.under(self._config)
        for again in range(self._partition.progress().input_offset, offset + 1):
            self._partition.receive(again, self._messages[again])


@given(logs(min_size=2, max_size=20), changes(), st.integers(1, 3), RANDOMS)
@examples(80)
def test_a_reload_goes_on_as_a_restart_with_that_configuration_would(
    log: list[Rec], configurations: list[Config], partitions: int, random: Random
) -> None:
    messages = split_messages(log, partitions, random)
    seed = random.random()
    live = Reloaded(messages, configurations, Random(seed))
    restarted = Reloaded(messages, configurations, Random(seed), restarted=True)
    assert live.outcome == restarted.outcome
    assert live.progress == restarted.progress


@given(logs(min_size=2, max_size=20), changes(), RANDOMS)
@examples(80)
def test_the_progress_names_the_one_configuration_that_decided_each_tick(
    log: list[Rec], configurations: list[Config], random: Random
) -> None:
    done = Reloaded(plain_messages(log), configurations, random)
    for tick, name in done.names.items():
        assert decided(done.progress.configurations, tick) == name


@given(logs(min_size=2, max_size=20), changes(), RANDOMS)
@examples(80)
def test_revisions_never_go_back_and_every_page_that_was_opened_is_resolved_where_it_was(
    log: list[Rec], configurations: list[Config], random: Random
) -> None:
    digests = Reloaded(plain_messages(log), configurations, random).outcome.digests
    told: dict[tuple[str, str], int] = {}
    for digest in digests:
        place = (digest.id, digest.destination)
        assert digest.revision > told.get(place, 0)
        told[place] = digest.revision
    paged = [(one.page, one.page_key, one.destination) for one in digests]
    opened = {page[1:] for page in paged if page[0] is PageAction.TRIGGER}
    assert opened == {page[1:] for page in paged if page[0] is PageAction.RESOLVE}


@given(logs(min_size=2, max_size=20), st.integers(1, 3), RANDOMS)
@examples(60)
def test_a_file_that_decides_the_same_changes_nothing_however_often_it_is_taken(
    log: list[Rec], partitions: int, random: Random
) -> None:
    same = [msgspec.structs.replace(CONFIG, name=f"c{number}") for number in range(20)]
    messages = split_messages(log, partitions, random)
    assert Reloaded(messages, same, random).outcome == run(messages, partitions=partitions)


def test_what_is_written_of_a_reload_stands_in_the_entry_of_progress() -> None:
    partition = Partition(msgspec.structs.replace(CONFIG, name="one"), first_progress(1))
    partition.receive(0, DeltaBatch(topic="events", partition=0, watermark_ms=100_000))
    partition.step(most_ticks=1)
    step = partition.under(msgspec.structs.replace(CONFIG, name="two")).step(most_ticks=1)
    written = step.entries[PROGRESS_KEY]
    assert isinstance(written, Progress)
    assert written.configurations == ((0, "one"), (100, "two"))
    assert written.applied_tick == 99

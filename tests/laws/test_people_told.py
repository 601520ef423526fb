"""The laws of telling what people do: every acknowledgement of something told is told once, and
reaches every pager that holds the page, which hears where it came from; a repeated act tells
nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.acts import (
    Acknowledge,
    Act,
    ActDone,
    ActOutcome,
    AddSilence,
    ExpireSilence,
    Unacknowledge,
    silence_id,
)
from correlators.entries import Entry, Episode, episode_place
from correlators.incidents import Incident
from correlators.partition import Partition, Step
from correlators.rules import Pages, Routes
from correlators.silences import Silence
from correlators.storms import Storm
from correlators.telling import Config
from correlators.types import DeltaBatch, Digest, DigestKind, PageAction
from tests.examples import examples
from tests.laws.logs import CONFIG, MINUTE_MS, START_MS, Rec, first_progress, logs, split_messages
from tests.laws.test_acts import Message, apply, drawn
from tests.laws.test_ruled import CHATS, PAGERS, configs

ACKED = DigestKind.ACKNOWLEDGED
TAKEN_BACK = DigestKind.UNACKNOWLEDGED
PEOPLE = (ACKED, TAKEN_BACK)
WAKING = msgspec.structs.replace(
    CONFIG,
    pages=Pages(environments=("production",), events=1, within_ms=MINUTE_MS),
    routes=Routes(tell=CHATS[:2], page=PAGERS),
)
CONFIGS = st.one_of(st.just(CONFIG), st.just(WAKING), configs())


@dataclass
class Tick:
    """One tick: the state before, what people did and what was told in it."""

    before: dict[str, Entry]
    after: dict[str, Entry]
    done: list[ActDone]
    digests: list[Digest]


@dataclass
class Heard:
    """What has been told so far, read off the digests alone."""

    chats: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Chats by incident or storm."""
    pages: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Who holds a page that is open, by its key."""
    paged: set[str] = field(default_factory=set)
    """Incidents and storms of which a digest said that they were paged."""

    def copy(self) -> Heard:
        copied = Heard(paged={*self.paged})
        for one, found in self.chats.items():
            copied.chats[one] = {*found}
        for one, found in self.pages.items():
            copied.pages[one] = {*found}
        return copied

    def take_all(self, digests: Iterable[Digest]) -> None:
        for one in digests:
            self.take(one)

    def take(self, digest: Digest) -> None:
        if digest.destination not in PAGERS:
            self.chats[digest.id].add(digest.destination)
        elif digest.page is PageAction.TRIGGER:
            self.pages[digest.page_key].add(digest.destination)
            self.paged.add(digest.id)
        elif digest.page is PageAction.RESOLVE:
            self.pages[digest.page_key].discard(digest.destination)


def act(random: Random, ids: list[str], before: list[Act]) -> Act:
    """Return any act, mostly one that is told; now and then one that was given before."""
    who: dict[str, Any] = {
        "actor": random.choice(["anna", "ben"]),
        "source": random.choice(["cli", "slack", "pagerduty"]),
        "at_ms": START_MS + random.randrange(3),
    }
    subject = random.choice(ids)
    match random.randrange(8):
        case 0 | 1 | 2:
            for_ms = random.choice([0, 0, 1_000, 2 * MINUTE_MS])
            return Acknowledge(**who, subject=subject, for_ms=for_ms)
        case 3:
            return Unacknowledge(**who, subject=subject)
        case 4:
            to_ms = START_MS + random.choice([5, 30, 120, 600]) * MINUTE_MS
            return AddSilence(**who, subject=subject, to_ms=to_ms)
        case 5 if silences := [one for one in before if isinstance(one, AddSilence)]:
            return ExpireSilence(**who, subject=silence_id(random.choice(silences)))
        case _:
            return drawn(random, ids, before)


def peopled(records: list[Rec], config: Config, random: Random) -> list[Message]:
    """Return the log with people in it, who act on what is open then."""
    acts: list[Act] = []
    log: list[Message] = []
    partition = Partition(config, first_progress(1))
    for message in split_messages(records, 1, random):
        for _ in range(random.choice([0, 1, 1, 2])):
            acts.append(act(random, _open(partition), acts))
            _take(partition, len(log), acts[-1])
            log.append(acts[-1])
        _take(partition, len(log), message)
        log.append(message)
        while partition.ready():
            partition.step(most_ticks=1_000)
        partition.ticks.pass_to(partition.ticks.complete_tick())
    return log


def ticks(records: list[Rec], config: Config, seed: int) -> Iterator[Tick]:
    """Yield the ticks of a log with people in it."""
    partition = Partition(config, first_progress(1))
    for offset, one in enumerate(peopled(records, config, Random(seed))):
        _take(partition, offset, one)
        while partition.ready():
            before = dict(partition.state_entries)
            step = partition.step(most_ticks=1)
            yield Tick(before, dict(partition.state_entries), _done(step), step.digests)
        partition.ticks.pass_to(partition.ticks.complete_tick())


def _take(partition: Partition, offset: int, one: Message) -> None:
    if isinstance(one, DeltaBatch):
        partition.receive(offset, one)
    else:
        assert partition.receive_act(offset, one)


def _open(partition: Partition) -> list[str]:
    """Return the ids of what is open, mostly of what was told."""
    entries = [one for _, one in partition.state_entries if isinstance(one, Incident | Storm)]
    found = [one for one in entries if one.open]
    told = [one for one in found if one.told.revision]
    return [one.id for one in (*told, *told, *found)] or ["inc-0"]


def _done(step: Step) -> list[ActDone]:
    found = [one for one in step.entries.values() if isinstance(one, ActDone)]
    return [one for one in found if one.outcome is ActOutcome.DONE]


def by_revision(digests: Iterable[Digest]) -> dict[tuple[str, int], list[Digest]]:
    """Return the digests by id and revision, in the order in which they were decided."""
    found: dict[tuple[str, int], list[Digest]] = defaultdict(list)
    for one in digests:
        found[one.id, one.revision].append(one)
    return found


def of_people(tick: Tick) -> dict[tuple[str, int], list[Digest]]:
    """Return the digests that tell an acknowledgement, or the end of one, by id and revision."""
    return by_revision(one for one in tick.digests if is_word(one))


def is_word(digest: Digest) -> bool:
    """Return whether a person said it; that one ended by itself was said by nobody."""
    return digest.kind is ACKED or (digest.kind is TAKEN_BACK and digest.acked_by != "")


def teller(entries: dict[str, Entry], subject: str) -> tuple[str, str, tuple[str, ...]]:
    """Return who tells the subject, as the state has it, its page, and who holds that."""
    found = entries.get("storm:" + subject)
    incident = entries.get("incident:" + subject)
    if isinstance(incident, Incident):
        found = entries.get("storm:" + incident.storm_id)
    while isinstance(found, Storm) and found.merged_into:
        found = entries.get("storm:" + found.merged_into)
    if isinstance(found, Storm) and (found.open or not isinstance(incident, Incident)):
        return found.id, found.page_key, found.page_to
    assert isinstance(incident, Incident)
    episode = entries[episode_place(incident.key)]
    while isinstance(episode, Episode) and episode.joined:
        key = msgspec.structs.replace(incident.key, fingerprint=episode.joined)
        episode = entries[episode_place(key)]
    assert isinstance(episode, Episode)
    left = episode.page_left_by
    page = (episode.page_key, episode.page_to) if not left else ("", ())
    return episode.lead or incident.id, *page


@given(logs(min_size=8, max_size=30), CONFIGS, st.integers(0, 2**32 - 1))
@examples(60)
def test_every_acknowledgement_of_something_told_is_told_once_and_reaches_every_pager(
    records: list[Rec], config: Config, seed: int
) -> None:
    heard = Heard()
    for tick in ticks(records, config, seed):
        told = of_people(tick)
        acks = [one for one in tick.done if one.kind in ("acknowledge", "unacknowledge")]
        assert len(told) <= len(acks)
        # As each stands when it is told: another act of the same tick may open or end a page.
        so_far = heard.copy()
        for (subject, _), found in by_revision(tick.digests).items():
            if not is_word(found[0]):
                so_far.take_all(found)
                continue
            chats = [one.destination for one in found if one.destination not in PAGERS]
            pagers = [one.destination for one in found if one.destination in PAGERS]
            first = found[0]
            assert {one.kind for one in found} == {first.kind}
            assert sorted(chats) == sorted(so_far.chats[subject])
            holders = sorted(so_far.pages[first.page_key]) if first.page_key else []
            assert sorted(pagers) == holders
        if len(tick.done) == len(acks) == 1:
            (only,) = acks
            subject, key, paged = teller(tick.before, only.subject)
            reaches = {*heard.chats[subject], *(paged if key else ())}
            assert heard.pages[key] == {*paged} if key else not paged
            hear = [one for one in tick.digests if is_word(one)]
            assert sorted(one.destination for one in hear) == sorted(reaches)
            assert {(one.id, one.acked_by, one.acked_in) for one in hear} == (
                {(subject, only.actor, only.source)} if reaches else set()
            )
        if not acks:
            assert not told
        for digest in tick.digests:
            heard.take(digest)
            assert digest.paged or digest.id not in heard.paged


@given(logs(min_size=8, max_size=30), CONFIGS, st.integers(0, 2**32 - 1))
@examples(60)
def test_every_message_says_who_has_it_while_that_stands(
    records: list[Rec], config: Config, seed: int
) -> None:
    for tick in ticks(records, config, seed):
        last = {one.id: one for one in tick.digests}
        for digest in last.values():
            found = tick.after.get(("storm:" if digest.storm else "incident:") + digest.id)
            if digest.kind in (*PEOPLE, DigestKind.JOINED, DigestKind.PARTED) or digest.resolved:
                continue
            if isinstance(found, Storm) and found.open:
                by = (found.ack.actor, found.ack.source) if found.ack is not None else ("", "")
                assert (digest.acked_by, digest.acked_in) == by
            elif isinstance(found, Incident) and found.open and digest.page_key == "":
                episode = tick.after[episode_place(found.key)]
                storm = tick.after.get("storm:" + found.storm_id)
                if isinstance(episode, Episode) and not episode.joined and storm is None:
                    assert (digest.acked_by, digest.acked_in) == episode.acked_by


@given(logs(min_size=8, max_size=30), CONFIGS, st.integers(0, 2**32 - 1))
@examples(60)
def test_a_silence_is_told_once_of_what_was_told_while_it_mutes_it(
    records: list[Rec], config: Config, seed: int
) -> None:
    heard = Heard()
    said: dict[str, tuple[str, int]] = {}
    for tick in ticks(records, config, seed):
        # What is acknowledged says who mutes it before another act of the same tick ends that.
        both = (*tick.before.values(), *tick.after.values())
        silences = [one for one in both if isinstance(one, Silence)]
        known = {(one.author, one.to_ms) for one in silences}
        for digest in tick.digests:
            if digest.silenced_by:
                assert digest.kind in (*PEOPLE, DigestKind.NOTED, DigestKind.SILENCED)
                assert (digest.silenced_by, digest.silenced_until_ms) in known
                assert digest.at_ms < digest.silenced_until_ms
            if digest.kind is not DigestKind.SILENCED:
                continue
            assert digest.destination in heard.chats[digest.id]
            assert digest.page is PageAction.NONE
        for digest in {(one.id, one.revision): one for one in tick.digests}.values():
            now = (digest.silenced_by, digest.silenced_until_ms)
            if digest.kind is DigestKind.SILENCED:
                # Another act of the same person until the same end is another silence.
                anew = any(one.kind == "add_silence" for one in tick.done)
                assert anew or said.get(digest.id) != now
                said[digest.id] = now
            elif digest.kind not in PEOPLE and digest.destination not in PAGERS:
                said.pop(digest.id, None)
        for digest in tick.digests:
            heard.take(digest)


@given(logs(min_size=8, max_size=30), CONFIGS, st.integers(0, 2**32 - 1))
@examples(40)
def test_laws_5_and_6_restarts_and_redelivery_change_nothing_of_what_people_did(
    records: list[Rec], config: Config, seed: int
) -> None:
    random = Random(seed)
    log = peopled(records, config, random)
    plain = apply(log, partitions=1, config=config, random=random)
    crashed = apply(log, partitions=1, config=config, random=random, eager=0.6, crash=0.2)
    assert crashed == plain

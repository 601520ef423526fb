"""The laws of what people do by hand: told twice it is once, a page by hand is the only one, and
what is resolved is over for whoever heard of it."""

from __future__ import annotations

from collections import defaultdict
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from correlators.acts import Act, ActOutcome, FalseAlarm, act_id
from correlators.entries import Episode
from correlators.incidents import Incident
from correlators.partition import Partition
from correlators.storms import Storm
from correlators.telling import Config
from correlators.types import DeltaBatch, Digest, DigestKind, PageAction, PageReason
from streams import codec
from tests.examples import examples
from tests.laws.logs import Outcome, Rec, first_progress, logs
from tests.laws.test_acts import Message, settle
from tests.laws.test_people_told import CONFIGS, Tick, peopled, ticks
from tests.laws.test_ruled import PAGERS


def lived(log: list[Message], config: Config) -> Outcome:
    partition, outcome = Partition(config, first_progress(1)), Outcome()
    for offset, one in enumerate(log):
        if isinstance(one, DeltaBatch):
            partition.receive(offset, one)
        else:
            settle(partition, outcome, at_once=1_000)
            assert partition.receive_act(offset, one)
    settle(partition, outcome, at_once=1_000)
    return outcome


def without_offsets(outcome: Outcome) -> dict[str, bytes]:
    return {key: raw for key, raw in outcome.state.items() if key != "@progress"}


@given(logs(min_size=4, max_size=20), CONFIGS, st.integers(0, 2**32 - 1))
@examples(40)
def test_an_act_that_stands_twice_on_the_log_at_once_or_later_changes_nothing(
    records: list[Rec], config: Config, seed: int
) -> None:
    random = Random(seed)
    log = peopled(records, config, random)
    twice: list[Message] = []
    before: list[Act] = []
    for one in log:
        twice.append(one)
        if isinstance(one, DeltaBatch):
            continue
        before.append(one)
        twice.append(random.choice([one, random.choice(before)]))
    plain, again = lived(log, config), lived(twice, config)
    assert again.digests == plain.digests
    assert without_offsets(again) == without_offsets(plain)


@given(logs(min_size=8, max_size=30), CONFIGS, st.integers(0, 2**32 - 1))
@examples(40)
def test_a_page_by_hand_is_never_opened_beside_another_of_the_same_thing(
    records: list[Rec], config: Config, seed: int
) -> None:
    opened: dict[tuple[str, str], set[str]] = defaultdict(set)
    for tick in ticks(records, config, seed):
        errors = [one for one in tick.before.values() if isinstance(one, Episode)]
        left = {one.page_key for one in errors if one.page_left_by}
        for one in tick.digests:
            if one.destination not in PAGERS:
                continue
            keys = opened[one.id, one.destination]
            if one.page is PageAction.TRIGGER:
                if one.page_reason is PageReason.BY_HAND:
                    # One that is over by quiet and left to whoever has it is taken over.
                    assert keys <= {one.page_replaces} & left
                keys.add(one.page_key)
            elif one.page is PageAction.RESOLVE:
                keys.discard(one.page_key)


@given(logs(min_size=8, max_size=30), CONFIGS, st.integers(0, 2**32 - 1))
@examples(60)
def test_what_a_person_ends_is_told_as_over_by_whom_and_its_page_is_resolved(
    records: list[Rec], config: Config, seed: int
) -> None:
    for tick in ticks(records, config, seed):
        ends = [one for one in tick.done if one.kind in ("resolve", "false_alarm")]
        if len(tick.done) != 1 or len(ends) != 1:
            continue
        (only,) = ends
        was = tick.before.get("storm:" + only.subject) or tick.before.get(
            "incident:" + only.subject
        )
        while isinstance(was, Storm) and was.merged_into:
            was = tick.before.get("storm:" + was.merged_into)
        if isinstance(was, Storm) and was.open:
            told = _ending(tick, was.id)
            if was.told.revision and not was.told.resolved:
                assert {(one.act, one.act_by, one.act_in) for one in told} == {
                    (only.kind, only.actor, only.source)
                }
                assert {one.destination for one in told} >= {*was.told.to}
            if was.page_key:
                assert {one.destination for one in told if one.page_key == was.page_key} >= {
                    *was.page_to
                }
        elif isinstance(was, Incident) and was.open and only.outcome is ActOutcome.DONE:
            after = tick.after["incident:" + was.id]
            assert isinstance(after, Incident)
            assert not after.open or after.reopened == was.reopened + 1


@given(logs(min_size=4, max_size=20), CONFIGS, st.integers(0, 2**32 - 1))
@examples(40)
def test_an_error_remembers_no_more_false_alarms_than_people_gave(
    records: list[Rec], config: Config, seed: int
) -> None:
    log = peopled(records, config, Random(seed))
    entries = [codec.entry(raw) for raw in lived(log, config).state.values()]
    said = {act_id(one) for one in log if isinstance(one, FalseAlarm)}
    assert all(one.false_alarms <= len(said) for one in entries if isinstance(one, Episode))


def _ending(tick: Tick, id: str) -> list[Digest]:
    return [one for one in tick.digests if one.id == id and one.kind is DigestKind.RESOLVED]

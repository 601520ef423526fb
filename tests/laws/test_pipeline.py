"""Laws 1 and 3 to 6 of the design: what is decided is a function of the log, of nothing else."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from correlators.incidents import Incident
from correlators.partition import Partition
from correlators.storms import Storm
from correlators.types import DigestKind, PageAction
from streams import codec
from tests.examples import examples
from tests.laws.logs import (
    CONFIG,
    Outcome,
    Rec,
    first_progress,
    logs,
    plain_messages,
    run,
    run_interrupted,
    split_messages,
)

RANDOMS = st.integers(0, 2**32 - 1).map(Random)


@given(logs())
def test_law_3_the_same_log_gives_the_same_ids_and_digests(log: list[Rec]) -> None:
    assert run(plain_messages(log)) == run(plain_messages(log))


@given(logs())
def test_law_4_at_most_one_incident_per_key_is_open(log: list[Rec]) -> None:
    partition = Partition(CONFIG, first_progress(1))
    for offset, batch in enumerate(plain_messages(log)):
        partition.receive(offset, batch)
        while partition.ready():
            partition.step(most_ticks=1)
            found = [entry for _, entry in partition.state_entries if isinstance(entry, Incident)]
            keys = [incident.key for incident in found if incident.open]
            assert len(keys) == len(set(keys))


@given(logs())
def test_law_4_one_digest_per_id_revision_and_destination(log: list[Rec]) -> None:
    digests = run(plain_messages(log)).digests
    places = [(one.id, one.revision, one.destination) for one in digests]
    assert len(places) == len(set(places))
    told: dict[tuple[str, str], int] = {}
    for digest in digests:
        place = (digest.id, digest.destination)
        assert digest.revision > told.get(place, 0)
        told[place] = digest.revision


@given(logs())
def test_law_4_an_incident_inside_a_storm_is_told_by_the_storm(log: list[Rec]) -> None:
    partition = Partition(CONFIG, first_progress(1))
    for offset, batch in enumerate(plain_messages(log)):
        partition.receive(offset, batch)
        while partition.ready():
            step = partition.step(most_ticks=1)
            entries = dict(partition.state_entries)
            for digest in step.digests:
                incident = entries.get(f"incident:{digest.id}")
                if not isinstance(incident, Incident) or not incident.storm_id:
                    continue
                storm = entries.get(f"storm:{incident.storm_id}")
                while isinstance(storm, Storm) and storm.merged_into:
                    storm = entries.get(f"storm:{storm.merged_into}")
                inside = isinstance(storm, Storm) and storm.open
                assert (
                    not inside
                    or digest.kind is DigestKind.JOINED
                    or digest.page is PageAction.RESOLVE
                )


@given(logs())
def test_law_1_nothing_told_of_is_left_open_at_the_end(log: list[Rec]) -> None:
    outcome = run(plain_messages(log))
    chats = [one for one in outcome.digests if not one.destination.startswith("pagerduty:")]
    last = {(one.id, one.destination): one for one in chats}
    for digest in last.values():
        assert digest.resolved or digest.kind is DigestKind.JOINED
    opened = {d.page_key for d in outcome.digests if d.page is PageAction.TRIGGER}
    resolved = {d.page_key for d in outcome.digests if d.page is PageAction.RESOLVE}
    assert opened == resolved


@given(logs(min_size=2), st.integers(1, 4), RANDOMS)
@examples(60)
def test_law_5_splits_batches_order_and_redelivery_change_nothing(
    log: list[Rec], partitions: int, random: Random
) -> None:
    messages = split_messages(log, partitions, random)
    assert run(messages, partitions=partitions) == run(plain_messages(log))


@given(logs(min_size=2), st.integers(1, 4), RANDOMS)
@examples(60)
def test_law_5_restarts_at_any_point_change_nothing(
    log: list[Rec], partitions: int, random: Random
) -> None:
    messages = split_messages(log, partitions, random)
    interrupted = run_interrupted(messages, partitions=partitions, random=random, crash=0.2)
    assert interrupted == run(plain_messages(log))


@given(logs())
def test_law_6_a_restored_state_equals_the_live_one_byte_for_byte(log: list[Rec]) -> None:
    partition = Partition(CONFIG, first_progress(1))
    outcome = Outcome()
    for offset, batch in enumerate(plain_messages(log)):
        partition.receive(offset, batch)
        while partition.ready():
            outcome.take(partition.step(most_ticks=1))
            live = {key: codec.encode(entry) for key, entry in partition.state_entries}
            assert live == outcome.state

"""The laws of the design hold over a switch of the signature version, at any tick, with any mix of
FINGERPRINTs of either configuration."""

from __future__ import annotations

from collections import Counter
from random import Random

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from correlators.deltas import merge, place_of
from correlators.incidents import Incident, may_reopen
from correlators.names import named, taken
from correlators.partition import Partition
from correlators.types import Delta, DeltaBatch, Digest, PageAction
from streams import codec
from streams.local import final_mark_ms
from tests.correlators.drawn import QUICK
from tests.correlators.law_4 import keeps_law_4
from tests.correlators.score import Push, Score, batches, event, first_progress, ms
from tests.correlators.switching import apply, signed, tick_at
from tests.examples import examples
from tests.stand_in import NEW, OLD

RANDOMS = st.integers(0, 2**32 - 1).map(Random)
SECONDS = st.integers(0, 900)

ERRORS = (("E", "E"), ("F", "F1"), ("F", "F2"), ("G", "GH"), ("H", "GH"))
"""Names of an error under the old version and the new one: one is one, one is two, two are one."""


@st.composite
def scores(draw: st.DrawFn, errors: tuple[tuple[str, str], ...] = ERRORS) -> list[Push]:
    """Draw events that open, link, close, reopen and forget within minutes."""
    at = 0.0
    found: list[Push] = []
    for number in range(draw(st.integers(2, 25))):
        at += draw(st.sampled_from([0, 0, 1, 2, 5, 11, 25, 31, 70, 250]))
        made = event(
            at,
            draw(st.sampled_from(["a", "b", "c"])),
            release=draw(st.sampled_from(["1", "1", "2", ""])),
            trace=draw(st.sampled_from(["", "", "x"])),
            user=f"u{number % 3}",
            happened=at - draw(st.sampled_from([0, 0, 0, 0, 150])),
            event_id=f"{number:032x}",
        )
        found.append(Push(made.at_ms, made.event, signed(*draw(st.sampled_from(errors)))))
    return found


def made_by(push: Push, version: int) -> Push:
    """Return the event as a FINGERPRINT of this configuration signs it."""
    assert push.signature is not None
    names = {push.signature.version: push.signature.fingerprint, **dict(push.signature.aliases)}
    signature = msgspec.structs.replace(
        push.signature,
        version=version,
        fingerprint=names.pop(version),
        aliases=tuple(sorted(names.items())),
    )
    return Push(push.at_ms, push.event, signature)


def end_of(pushes: list[Push]) -> float:
    """Return the second at which nothing is open any more."""
    return (final_mark_ms(pushes[-1].at_ms, QUICK) - ms(0)) / 1000


def switch(pushes: list[Push], *versions: tuple[int, int]) -> Score:
    log = batches(pushes, until=end_of(pushes), config=QUICK)
    return apply(log, [(tick_at(second), one) for second, one in versions], config=QUICK)


def in_parts(pushes: list[Push], random: Random, sources: int) -> list[DeltaBatch]:
    """Return an input log in which each source partition has a FINGERPRINT that is restarted with
    the other version at some event, flushes when it likes, and repeats messages."""
    of_source: list[list[Push]] = [[] for _ in range(sources)]
    for push in pushes:
        random.choice(of_source).append(push)
    queues: list[list[DeltaBatch]] = []
    for source, some in enumerate(of_source):
        at = random.randint(0, len(some))
        first, then = random.sample([OLD, NEW], 2)
        queue: list[DeltaBatch] = []
        for version, part in ((first, some[:at]), (then, some[at:])):
            signed_so = [made_by(one, version) for one in part]
            for batch in batches(signed_so, until=0, config=QUICK) if part else ():
                # The last flush of a part knows no later time.
                watermark_ms = batch.watermark_ms if batch.watermark_ms > ms(0) else -1
                queue.append(
                    msgspec.structs.replace(batch, partition=source, watermark_ms=watermark_ms)
                )
        end_ms = ms(end_of(pushes))
        queue.append(DeltaBatch(topic="events", partition=source, watermark_ms=end_ms))
        queues.append(queue)
    written: list[DeltaBatch] = []
    while any(queues):
        written.append(random.choice([queue for queue in queues if queue]).pop(0))
        if random.random() < 0.2:
            written.append(random.choice(written))
    return written


def outcome(score: Score) -> tuple[list[Digest], dict[str, bytes], object]:
    assert not score.poison
    entries = {key: codec.encode(entry) for key, entry in score.entries}
    return score.digests, entries, (score.suppressed, score.pages)


# Law 2


@given(scores(), RANDOMS)
def test_law_2_deltas_of_any_versions_merge_to_the_same_bytes_under_the_one_that_is_taken(
    pushes: list[Push], random: Random
) -> None:
    def merged(log: list[DeltaBatch]) -> dict[object, bytes]:
        found: dict[object, Delta] = {}
        for batch in log:
            for delta in batch.deltas:
                one = taken(delta, NEW)
                place = place_of(one)
                found[place] = merge(found[place], one) if place in found else one
        return {place: codec.encode(delta) for place, delta in found.items()}

    plain = merged(batches(pushes, until=0, config=QUICK))
    assert merged(in_parts(pushes, random, random.randint(1, 4))) == plain


@given(scores())
def test_law_2_a_delta_loses_no_name_when_it_takes_another(pushes: list[Push]) -> None:
    for batch in batches(pushes, until=0, config=QUICK):
        for delta in batch.deltas:
            other = taken(delta, NEW)
            assert (other.version, delta.version) == (NEW, OLD)
            assert taken(other, OLD) == named(other, delta.key.fingerprint) == delta
            assert taken(delta, 7) == delta


# Laws 3 to 6


@given(scores(), SECONDS, SECONDS, st.integers(1, 3), RANDOMS)
@examples(60)
def test_law_5_splits_order_redelivery_and_the_versions_of_fingerprint_change_nothing(
    pushes: list[Push], at: int, back_at: int, sources: int, random: Random
) -> None:
    versions = [(0, OLD), (tick_at(at), NEW), (tick_at(at + back_at), OLD)]
    plain = apply(batches(pushes, until=end_of(pushes), config=QUICK), versions, config=QUICK)
    log = in_parts(pushes, random, sources)
    mixed = apply(log, versions, config=QUICK, progress=first_progress(sources))
    assert outcome(mixed) == outcome(plain)


@given(scores(), SECONDS, SECONDS)
def test_laws_1_and_4_hold_over_a_switch_and_back(
    pushes: list[Push], at: int, back_at: int
) -> None:
    score = switch(pushes, (0, OLD), (at, NEW), (at + back_at, OLD))
    keeps_law_4(score.digests)
    assert not score.poison
    incidents = [one for _, one in score.entries if isinstance(one, Incident)]
    assert not any(one.open for one in incidents)
    opened = {one.page_key for one in score.digests if one.page is PageAction.TRIGGER}
    ended = {one.page_key for one in score.digests if one.page is PageAction.RESOLVE}
    assert opened == ended


@given(scores(), SECONDS)
def test_a_switch_splits_nothing_that_is_open_or_may_return(pushes: list[Push], at: int) -> None:
    before: dict[str, Incident] = {}

    def look(partition: Partition) -> None:
        tick = partition.ticks.applied
        found = [one for _, one in partition.state_entries if isinstance(one, Incident)]
        now = {one.id: one for one in found}
        for new in (one for one in found if one.id not in before and one.opened_tick == tick):
            for old in before.values():
                key = msgspec.structs.replace(new.key, fingerprint=old.key.fingerprint)
                if key != old.key or old.key.fingerprint not in new.aliases:
                    continue
                stood = old.open and old.id in now and now[old.id].open
                returns = not old.open and may_reopen(old, tick=tick, windows=QUICK.windows)
                returns = returns and not new.delayed  # belated events reopen nothing
                assert not stood
                assert not returns
        before.clear()
        before.update(now)

    log = batches(pushes, until=end_of(pushes), config=QUICK)
    apply(log, [(0, OLD), (tick_at(at), NEW)], config=QUICK, after_tick=look)


@given(scores(errors=(("E", "E"), ("F", "F"))), SECONDS)
def test_where_every_name_has_one_other_a_switch_tells_the_same_at_the_same_time(
    pushes: list[Push], at: int
) -> None:
    def told(score: Score) -> Counter[object]:
        return Counter(
            (one.at_ms, one.kind, one.destination, one.storm, one.page, one.events, one.users)
            for one in score.digests
        )

    one, two = switch(pushes, (0, OLD), (at, NEW)), switch(pushes, (0, OLD))
    # How long the end of what flaps is held hangs on the changes of each name by itself.
    assume(not any(digest.flapping for digest in (*one.digests, *two.digests)))
    assert told(one) == told(two)


@given(scores(), SECONDS)
def test_law_3_the_same_switch_gives_the_same_ids_and_digests(pushes: list[Push], at: int) -> None:
    first, second = (switch(pushes, (0, OLD), (at, NEW)) for _ in range(2))
    assert outcome(first) == outcome(second)

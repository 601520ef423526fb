"""The laws of the outbox, over schedules, faults and crashes that Hypothesis draws."""

from __future__ import annotations

from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.types import Digest, PageAction
from sinks.base import (
    Answer,
    Attempt,
    Delivered,
    Gone,
    Limit,
    NotFound,
    Receipt,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.entries import DeadLetter, DeadReason, DropReason, Status, decode
from sinks.outbox import Outbox
from tests.sinks.make import EDIT, PAGE, POST, POSTS, TARGETS, Service, digest
from tests.sinks.world import START_MS, World


@st.composite
def schedules(draw: st.DrawFn) -> list[tuple[int, Digest]]:
    """Digests in the order in which CORRELATE decides them: revisions of one id only go up."""
    revisions: Counter[tuple[str, str]] = Counter()
    at_ms = START_MS
    found: list[tuple[int, Digest]] = []
    for _ in range(draw(st.integers(1, 14))):
        at_ms += draw(st.sampled_from([0, 1, 400, 3_000, 60_000]))
        destination = draw(st.sampled_from(sorted(TARGETS)))
        id = draw(st.sampled_from(["x", "y", "z"]))
        resolved = draw(st.booleans())
        revisions[destination, id] += 1
        page = PageAction.NONE
        if destination.startswith("pagerduty"):
            page = PageAction.RESOLVE if resolved else PageAction.TRIGGER
        one = digest(
            destination,
            id=id,
            revision=revisions[destination, id],
            resolved=resolved,
            page=page,
            at_ms=at_ms + 1_000 * len(found),
        )
        found.append((at_ms, one))
    return found


FAULTS = st.lists(st.sampled_from([0, 0, 1, 2, 3, 4, 5, 6]), max_size=25)
CRASHES = st.lists(st.integers(1, 40), max_size=5)


@given(schedules(), FAULTS, CRASHES)
def test_the_newest_revision_of_everything_is_told_whatever_fails(
    schedule: list[tuple[int, Digest]], faults: list[int], crashes: list[int]
) -> None:
    world = World(Service(faults), crashes)
    world.run(schedule)
    newest = {(one.destination, one.id): one for _, one in schedule}
    for (destination, id), last in newest.items():
        done = [
            one
            for _, one in world.service.done
            if (one.destination, one.digest.id) == (destination, id)
        ]
        if destination.startswith("slack"):
            told = {one.digest.revision for one in done if one.step is not Step.EDIT}
            assert last.revision in told
            shown = [one.digest.revision for one in done if one.step in (Step.POST, Step.EDIT)]
            assert shown[-1] == last.revision
        elif last.page is PageAction.TRIGGER:
            assert done[-1].step is Step.TRIGGER
        elif done:
            assert done[-1].step is Step.RESOLVE


@given(schedules(), FAULTS, CRASHES)
def test_no_message_is_sent_twice_whatever_fails(
    schedule: list[tuple[int, Digest]], faults: list[int], crashes: list[int]
) -> None:
    world = World(Service(faults), crashes)
    world.run(schedule)
    sent = Counter(
        (one.destination, one.digest.id, one.step, one.digest.revision)
        for _, one in world.service.done
        if one.step in (Step.POST, Step.REPLY)
    )
    assert not [name for name, times in sent.items() if times > 1]
    posts = Counter(name[:2] for name in sent if name[2] is Step.POST)
    assert not [name for name, times in posts.items() if times > 1]


@given(schedules(), FAULTS, CRASHES)
def test_no_window_holds_more_calls_than_its_bucket_allows(
    schedule: list[tuple[int, Digest]], faults: list[int], crashes: list[int]
) -> None:
    world = World(Service(faults), crashes)
    world.run(schedule)
    calls = [(at_ms, one) for at_ms, one in world.service.calls if not one.find]
    for limit, steps, per_account in (
        (POST, {Step.POST, Step.REPLY}, False),
        (POSTS, {Step.POST, Step.REPLY}, True),
        (EDIT, {Step.EDIT}, True),
        (PAGE, {Step.TRIGGER, Step.RESOLVE}, False),
    ):
        times: dict[str, list[int]] = {}
        for at_ms, one in calls:
            if one.step in steps:
                whose = TARGETS[one.destination].account if per_account else one.destination
                times.setdefault(whose, []).append(at_ms)
        for found in times.values():
            _assert_within(found, limit)


def _assert_within(times: list[int], limit: Limit) -> None:
    for first, start_ms in enumerate(times):
        for last in range(first, len(times)):
            allowed = limit.burst + (times[last] - start_ms) / limit.every_ms
            assert last - first + 1 <= allowed


@given(schedules(), st.lists(st.sampled_from([0, 3, 4, 5]), max_size=25), CRASHES)
def test_nothing_is_sent_inside_a_penalty_that_was_heard(
    schedule: list[tuple[int, Digest]], faults: list[int], crashes: list[int]
) -> None:
    world = World(Service(faults), crashes)
    world.run(schedule)
    for from_ms, until_ms, scope, whose, method in world.service.silent:
        for at_ms, one in world.service.calls:
            target = TARGETS[one.destination]
            of = one.destination if scope is Scope.DESTINATION else target.account
            if of == whose and target.plan.steps[one.step][0].name == method and not one.find:
                assert not from_ms <= at_ms < until_ms


@given(schedules(), FAULTS, CRASHES)
def test_a_resolve_never_overtakes_its_trigger(
    schedule: list[tuple[int, Digest]], faults: list[int], crashes: list[int]
) -> None:
    world = World(Service(faults), crashes)
    world.run(schedule)
    attempted: set[str] = set()
    for one in world.written_down:
        if one.step is Step.TRIGGER:
            attempted.add(one.key)
        if one.step is Step.RESOLVE:
            assert one.key in attempted
    opened: set[str] = set()
    for _, one in world.service.done:
        if one.step is Step.TRIGGER:
            opened.add(one.key)
        elif one.step is Step.RESOLVE:
            opened.discard(one.key)
    wanted = {f"{one.destination}|{one.id}": one for _, one in schedule if one.page_key}
    still = {key for key, one in wanted.items() if one.page is PageAction.TRIGGER}
    assert opened == still


@given(schedules(), FAULTS, st.lists(st.integers(0, 13), max_size=10))
def test_delivered_twice_is_sent_once(
    schedule: list[tuple[int, Digest]], faults: list[int], again: list[int]
) -> None:
    once = World(Service(list(faults)))
    once.run(schedule)
    twice = World(Service(list(faults)))
    repeats = [schedule[place] for place in again if place < len(schedule)]
    twice.run(sorted([*schedule, *repeats], key=lambda one: one[0]))
    once_done = [(at_ms, one) for at_ms, one in once.service.done]
    twice_done = [(at_ms, one) for at_ms, one in twice.service.done]
    assert once_done == twice_done


@given(schedules(), st.lists(st.sampled_from([0, 1, 2, 3, 4, 6, 7]), max_size=25), CRASHES)
def test_every_revision_ends_told_dropped_by_name_or_a_dead_letter(
    schedule: list[tuple[int, Digest]], faults: list[int], crashes: list[int]
) -> None:
    world = World(Service(faults), crashes)
    world.run(schedule)
    told = {
        (one.destination, one.digest.id, one.digest.revision)
        for _, one in world.service.done
        if one.step is not Step.EDIT
    }
    dead = [one for changes in world.written for one in changes.dead if one.step is not Step.EDIT]
    dropped = [one for changes in world.written for one in changes.dropped]
    assert not [one for one in dropped if one.reason is DropReason.REPEATED]
    assert len(told) + len(dead) + len(dropped) >= len(schedule)
    finished = [decode(entry).status for entry in world.store.values()]
    assert set(finished) <= {Status.DELIVERED, Status.DROPPED, Status.DEAD}


def test_one_dead_destination_delays_no_other() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    for number in range(500):
        outbox.accept(digest("slack:a", id=f"dead-{number}"), 10_000)
    outbox.accept(digest("slack:b", id="alive"), 10_000)
    page = digest("pagerduty:p", id="page", page=PageAction.TRIGGER)
    outbox.accept(page, 10_000)
    first = outbox.due(10_000, room=4)
    assert {one.destination for one in first} == set(TARGETS)
    assert first[0].step is Step.TRIGGER
    outbox.accept(digest("slack:b", id="alive-2"), 11_500)
    alive = next(one for one in first if one.destination == "slack:b")
    outbox.receive(_delivered(alive.key, alive.number), 11_500)
    assert "slack:b|alive-2" in {one.key for one in outbox.due(11_500, room=4)}


def test_the_order_in_a_bucket_is_first_digests_then_resolves_then_updates() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    for id in ("old-1", "old-2"):
        outbox.accept(digest(id=id), 10_000)
    now_ms = 10_000
    for _ in range(2):
        now_ms += 1_000
        (one,) = outbox.due(now_ms, room=4)
        outbox.receive(_delivered(one.key, one.number), now_ms)
    outbox.accept(digest(id="old-1", revision=2), now_ms)
    outbox.accept(digest(id="old-2", revision=2, resolved=True), now_ms)
    outbox.accept(digest(id="new"), now_ms)
    seen = []
    for _ in range(6):
        now_ms += 1_500
        for one in outbox.due(now_ms, room=4):
            seen.append((one.digest.id, one.step))
            outbox.receive(_delivered(one.key, one.number), now_ms)
    assert seen == [
        ("new", Step.POST),
        ("old-2", Step.REPLY),
        ("old-1", Step.REPLY),
        ("old-2", Step.EDIT),
        ("old-1", Step.EDIT),
    ]


def test_a_page_that_was_never_sent_and_is_over_is_dropped_by_name() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest("pagerduty:p", page=PageAction.TRIGGER, at_ms=1), 100)
    outbox.accept(digest("pagerduty:p", page=PageAction.RESOLVE, revision=2, at_ms=2), 100)
    assert outbox.due(50_000, room=4) == []
    reasons = [one.reason for one in outbox.take_changes().dropped]
    assert reasons == [DropReason.SUPERSEDED, DropReason.RESOLVED_BEFORE_SENT]


def test_a_page_is_resolved_under_its_key_by_another_digest() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    trigger = digest("pagerduty:p", id="inc", page=PageAction.TRIGGER, at_ms=5)
    outbox.accept(trigger, 10_000)
    (opened,) = outbox.due(10_000, room=4)
    outbox.receive(_delivered(opened.key, opened.number), 10_100)
    storm = digest("pagerduty:p", id="storm", page=PageAction.RESOLVE, at_ms=6)
    outbox.accept(msgspec.structs.replace(storm, page_key="inc"), 20_000)
    (closed,) = outbox.due(20_000, room=4)
    assert (closed.key, closed.step) == (opened.key, Step.RESOLVE)


def test_a_page_that_comes_back_after_a_resolve_of_unknown_outcome_is_triggered_again() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest("pagerduty:p", page=PageAction.TRIGGER, at_ms=1), 10_000)
    (opened,) = outbox.due(10_000, room=4)
    outbox.receive(_delivered(opened.key, opened.number), 10_100)
    over = digest("pagerduty:p", page=PageAction.RESOLVE, revision=2, at_ms=2)
    outbox.accept(over, 20_000)
    (closed,) = outbox.due(20_000, room=4)
    again = digest("pagerduty:p", page=PageAction.TRIGGER, revision=3, at_ms=3)
    outbox.accept(again, 20_050)
    unknown = Unknown(UnknownReason.CONNECTION_LOST)
    outbox.receive(Answer(key=closed.key, number=closed.number, outcome=unknown), 20_100)
    assert [one.step for one in outbox.due(90_000, room=4)] == [Step.TRIGGER]


def test_a_resolve_is_sent_after_a_trigger_that_was_given_up_without_certainty() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest("pagerduty:p", page=PageAction.TRIGGER, at_ms=1), 10_000)
    now_ms, dead = 10_000, False
    while not dead:
        for one in outbox.due(now_ms, room=4):
            unknown = Unknown(UnknownReason.TIMED_OUT)
            outbox.receive(Answer(key=one.key, number=one.number, outcome=unknown), now_ms)
        dead = bool(outbox.take_changes().dead)
        now_ms += 60_000
    over = digest("pagerduty:p", page=PageAction.RESOLVE, revision=2, at_ms=2)
    outbox.accept(over, now_ms)
    assert [one.step for one in outbox.due(now_ms, room=4)] == [Step.RESOLVE]


def test_a_permanent_error_is_a_dead_letter_at_once_and_a_newer_revision_tries_again() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest(), 10_000)
    (one,) = outbox.due(10_000, room=4)
    rejected = Rejected(RejectReason.NO_SUCH_PLACE, "channel_not_found")
    outbox.receive(Answer(key=one.key, number=one.number, outcome=rejected), 10_100)
    (dead,) = outbox.take_changes().dead
    assert (dead.reason, dead.detail) == (DeadReason.NO_SUCH_PLACE, "channel_not_found")
    assert outbox.next_due_ms(10_100) == 10_100 + TARGETS["slack:a"].plan.keep_ms
    outbox.accept(digest(revision=2), 20_000)
    assert [one.step for one in outbox.due(20_000, room=4)] == [Step.POST]


def test_a_message_that_fails_where_others_pass_ends_in_a_dead_letter() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest(id="bad"), 10_000)
    now_ms, calls, dead = 10_000, 0, list[DeadLetter]()
    while not dead:
        assert calls < 100
        outbox.accept(digest(id=f"good-{now_ms}"), now_ms)
        for one in outbox.due(now_ms, room=4):
            outcome: Retry | Delivered = Delivered(Receipt(place="C1", id="1"))
            if one.digest.id == "bad":
                outcome = Retry(RetryReason.UNAVAILABLE)
                calls += 1
            outbox.receive(Answer(key=one.key, number=one.number, outcome=outcome), now_ms)
        dead = list(outbox.take_changes().dead)
        now_ms += 2_000
    assert calls == TARGETS["slack:a"].plan.tries
    assert dead[0].reason is DeadReason.RETRIES_EXHAUSTED
    assert dead[0].attempts == calls


def test_a_destination_that_is_down_for_hours_costs_no_message() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    for number in range(40):
        outbox.accept(digest(id=f"i{number}"), 10_000)
    now_ms, calls = 10_000, 0
    while now_ms < 10 * 3_600_000:
        for one in outbox.due(now_ms, room=64):
            calls += 1
            retry = Retry(RetryReason.NOT_CONNECTED)
            outbox.receive(Answer(key=one.key, number=one.number, outcome=retry), now_ms)
        assert outbox.take_changes().dead == ()
        due_ms = outbox.next_due_ms(now_ms)
        assert due_ms is not None
        now_ms = max(due_ms, now_ms + 1)
    # Probed one call at a time, not by each of the 40.
    assert 10 * 3_600 / 15 <= calls <= 10 * 3_600 / 7
    told = set()
    for _ in range(60):
        now_ms += 1_000
        for one in outbox.due(now_ms, room=64):
            told.add(one.digest.id)
            outbox.receive(_delivered(one.key, one.number), now_ms)
    assert len(told) == 40


def test_what_cannot_be_delivered_for_a_week_is_a_dead_letter() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest(), 10_000)
    give_up_ms = TARGETS["slack:a"].plan.give_up_ms
    dead: list[tuple[int, DeadReason]] = []
    now_ms = 10_000
    while not dead:
        for one in outbox.due(now_ms, room=4):
            retry = Retry(RetryReason.UNAVAILABLE)
            outbox.receive(Answer(key=one.key, number=one.number, outcome=retry), now_ms)
        dead = [(now_ms, one.reason) for one in outbox.take_changes().dead]
        now_ms += 3_600_000
    assert dead[0][1] is DeadReason.RETRIES_EXHAUSTED
    assert give_up_ms <= dead[0][0] <= give_up_ms + 2 * 3_600_000


def test_a_look_up_that_never_tells_ends_in_a_marked_repeat() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest(), 10_000)
    (one,) = outbox.due(10_000, room=4)
    unknown = Unknown(UnknownReason.TIMED_OUT)
    outbox.receive(Answer(key=one.key, number=one.number, outcome=unknown), 10_100)
    now_ms, finds = 10_100, 0
    repeats: list[Attempt] = []
    while not repeats:
        due_ms = outbox.next_due_ms(now_ms)
        assert due_ms is not None
        now_ms = max(due_ms, now_ms + 1)
        found = outbox.due(now_ms, room=4)
        finds += sum(one.find for one in found)
        repeats = [one for one in found if not one.find]
    assert finds >= 3
    assert repeats[0].possible_repeat


def test_a_look_up_that_began_too_late_is_made_again_and_nothing_is_sent_for_it() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest(), 10_000)
    (one,) = outbox.due(10_000, room=4)
    unknown = Unknown(UnknownReason.TIMED_OUT)
    outbox.receive(Answer(key=one.key, number=one.number, outcome=unknown), 10_100)
    (find,) = outbox.due(20_000, room=4)
    expired = Retry(RetryReason.EXPIRED)
    outbox.receive(Answer(key=find.key, number=find.number, outcome=expired), 30_000)
    (again,) = outbox.due(40_000, room=4)
    assert (find.find, again.find) == (True, True)


def test_an_attempt_of_a_dead_owner_is_looked_up_only_after_its_deadline() -> None:
    before = Outbox(TARGETS, started_ms=0)
    before.accept(digest(), 10_000)
    (one,) = before.due(10_000, room=4)
    after = Outbox(TARGETS, started_ms=10_050)
    after.load(before.entries().values())
    assert after.due(one.deadline_ms, room=4) == []
    (found,) = after.due(one.deadline_ms + 1_500, room=4)
    assert found.find


def test_answers_that_wait_past_their_deadlines_count_where_nobody_can_be_asked() -> None:
    blind = {
        name: msgspec.structs.replace(one, plan=msgspec.structs.replace(one.plan, find=()))
        for name, one in TARGETS.items()
    }
    outbox = Outbox(blind, started_ms=0)
    for destination in ("slack:a", "slack:b"):
        outbox.accept(digest(destination), 10_000)
    calls = outbox.due(10_000, room=4)
    assert len(calls) == 2
    late_ms = max(one.deadline_ms for one in calls) + 5_000
    for one in calls:
        outbox.receive(_delivered(one.key, one.number), late_ms)
    assert outbox.due(late_ms + 60_000, room=4) == []
    assert {one.status for one in outbox.entries().values()} == {Status.DELIVERED}


def test_a_look_up_of_too_early_is_not_believed_because_its_answer_waited() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest(), 10_000)
    (one,) = outbox.due(10_000, room=4)
    unknown = Unknown(UnknownReason.TIMED_OUT)
    outbox.receive(Answer(key=one.key, number=one.number, outcome=unknown), 10_100)
    (find,) = outbox.due(one.deadline_ms + 1_000, room=4)
    waited_ms = find.deadline_ms + 10_000
    early = Answer(
        key=find.key, number=find.number, outcome=NotFound(), began_ms=one.deadline_ms + 1_000
    )
    outbox.receive(early, waited_ms)
    (again,) = outbox.due(waited_ms + 2_000, room=4)
    assert (find.find, again.find) == (True, True)
    sure = Answer(key=again.key, number=again.number, outcome=NotFound(), began_ms=waited_ms)
    outbox.receive(sure, again.deadline_ms + 10_000)
    (sent,) = outbox.due(again.deadline_ms + 20_000, room=4)
    assert (sent.find, sent.possible_repeat) == (False, False)


def test_finished_entries_are_kept_and_then_forgotten() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest(), 10_000)
    (one,) = outbox.due(10_000, room=4)
    outbox.receive(_delivered(one.key, one.number), 10_100)
    outbox.take_changes()
    keep_ms = TARGETS["slack:a"].plan.keep_ms
    outbox.due(10_100 + keep_ms - 1, room=4)
    outbox.accept(digest(), 10_100 + keep_ms - 1)
    assert [one.reason for one in outbox.take_changes().dropped] == [DropReason.REPEATED]
    outbox.due(10_100 + keep_ms, room=4)
    assert outbox.take_changes().entries == {one.key: None}


def test_at_the_cap_the_oldest_finished_entry_goes_and_a_full_outbox_refuses_by_name() -> None:
    outbox = Outbox(TARGETS, started_ms=0, max_entries=2)
    outbox.accept(digest(id="first"), 10_000)
    (one,) = outbox.due(10_000, room=4)
    outbox.receive(_delivered(one.key, one.number), 10_100)
    outbox.accept(digest(id="second"), 10_200)
    outbox.accept(digest(id="third"), 10_200)
    outbox.accept(digest(id="fourth"), 10_200)
    changes = outbox.take_changes()
    assert [one.reason for one in changes.dropped] == [DropReason.FORGOTTEN_EARLY]
    assert [one.reason for one in changes.dead] == [DeadReason.OUTBOX_FULL]
    assert set(outbox.entries()) == {"slack:a|second", "slack:a|third"}


def test_what_has_no_configured_destination_is_a_dead_letter() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    outbox.accept(digest("email:ops"), 1)
    before = Outbox(TARGETS, started_ms=0)
    before.accept(digest(), 1)
    without = Outbox({}, started_ms=0)
    without.load(before.entries().values())
    for one in (outbox, without):
        assert [letter.reason for letter in one.take_changes().dead] == [
            DeadReason.UNKNOWN_DESTINATION
        ]


def test_a_deleted_first_message_is_posted_afresh_once_per_revision() -> None:
    outbox = Outbox(TARGETS, started_ms=0)
    now_ms = 10_000
    seen = []
    for revision in (1, 2, 3):
        outbox.accept(digest(revision=revision), now_ms)
        for _ in range(4):
            now_ms += 5_000
            for one in outbox.due(now_ms, room=4):
                seen.append((revision, one.step))
                gone = one.step is not Step.POST
                outcome = Gone() if gone else Delivered(Receipt(place="C1", id="1"))
                outbox.receive(Answer(key=one.key, number=one.number, outcome=outcome), now_ms)
    assert seen == [
        (1, Step.POST),
        (2, Step.REPLY),
        (2, Step.POST),
        (3, Step.REPLY),
        (3, Step.POST),
    ]


def test_500_messages_for_one_channel_are_all_told_at_one_a_second() -> None:
    world = World(Service([]))
    world.run([(START_MS, digest(id=f"i{number}")) for number in range(500)])
    assert len(world.service.done) == 500
    assert world.now_ms - START_MS <= 501_000


def _delivered(key: str, number: int) -> Answer:
    return Answer(key=key, number=number, outcome=Delivered(Receipt(place="C1", id="1")))

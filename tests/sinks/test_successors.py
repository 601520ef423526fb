"""A resolve waits for the page that goes on for its own: over schedules, faults and crashes."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.types import Digest, PageAction
from sinks.base import Answer, Attempt, Delivered, Receipt, Rejected, RejectReason, Step, Target
from sinks.entries import DropReason, Held, HoldReason, decode, encode
from sinks.outbox import Outbox
from sinks.successors import SUCCESSOR_MS
from tests.sinks.make import PAGER, TARGETS, Service, digest
from tests.sinks.world import START_MS, World

HERE = "pagerduty:p"
TWO_PAGERS = {**TARGETS, "pagerduty:q": Target(account="pagerduty:q", plan=PAGER)}
GIVEN_UP = Held(HERE, HoldReason.SUCCESSOR_GIVEN_UP)
UNSEEN = Held(HERE, HoldReason.SUCCESSOR_UNSEEN)

T = PageAction.TRIGGER
R = PageAction.RESOLVE


def page(action: PageAction, key: str, at_ms: int, *, to: str = HERE, after: str = "") -> Digest:
    """Return a page digest of a storm, as CORRELATE decides it."""
    made = digest(to, id=key.partition(".")[0], page=action, at_ms=at_ms)
    return msgspec.structs.replace(made, revision=at_ms % 1_000, page_key=key, page_after=after)


class Desk:
    """An outbox whose calls are answered by hand."""

    def __init__(self) -> None:
        self.outbox = Outbox(TARGETS, started_ms=0)
        self.stored: dict[str, bytes] = {}
        self.held: list[Held] = []
        self.dropped: list[DropReason] = []

    def accept(self, now_ms: int, *digests: Digest) -> None:
        for one in digests:
            self.outbox.accept(one, now_ms)

    def calls(self, now_ms: int) -> dict[tuple[str, str], Attempt]:
        """Return the calls that are due, by step and page."""
        due = self.outbox.due(now_ms, room=8)
        self._write()
        return {(one.step.value, one.digest.page_key): one for one in due}

    def answer(self, one: Attempt, now_ms: int, *, rejected: bool = False) -> None:
        outcome = Rejected(RejectReason.INVALID) if rejected else Delivered(Receipt(id="x"))
        self.outbox.receive(Answer(key=one.key, number=one.number, outcome=outcome), now_ms)
        self._write()

    def restore(self, now_ms: int) -> None:
        self.outbox = Outbox(TARGETS, started_ms=now_ms)
        # In the worst order: what waits before what it waits for.
        self.outbox.load(map(decode, self.stored.values()))
        assert self.outbox.take_changes().held == ()

    def _write(self) -> None:
        changes = self.outbox.take_changes()
        self.held += changes.held
        self.dropped += [one.reason for one in changes.dropped]
        for key, entry in changes.entries.items():
            if entry is None:
                del self.stored[key]
            else:
                self.stored[key] = encode(entry)


def opened(*keys: str) -> Desk:
    """Return a desk at which these pages are open."""
    desk = Desk()
    for key in keys:
        desk.accept(10_000, page(T, key, 1))
    for one in desk.calls(20_000).values():
        desk.answer(one, 20_000)
    return desk


def test_the_old_page_is_resolved_once_the_new_one_is_delivered() -> None:
    for restored in (False, True):
        desk = opened("s.1")
        desk.accept(30_000, page(T, "s.2", 2), page(R, "s.1", 3, after="s.2"))
        calls = desk.calls(30_000)
        assert list(calls) == [("trigger", "s.2")]
        now_ms = 30_100
        if restored:
            desk.restore(now_ms)
            assert desk.calls(now_ms) == {}
            assert desk.calls(40_000) == {}  # its call is over: the trigger waits to be repeated
            now_ms = 50_000
            calls = desk.calls(now_ms)
            assert list(calls) == [("trigger", "s.2")]
        desk.answer(calls["trigger", "s.2"], now_ms)
        assert list(desk.calls(now_ms)) == [("resolve", "s.1")]
        assert desk.held == []


def test_the_order_in_which_both_are_heard_does_not_matter() -> None:
    desk = opened("s.1")
    desk.accept(30_000, page(R, "s.1", 3, after="s.2"))
    assert desk.calls(30_000) == {}
    desk.accept(31_000, page(T, "s.2", 2))
    calls = desk.calls(31_000)
    assert list(calls) == [("trigger", "s.2")]
    desk.answer(calls["trigger", "s.2"], 31_100)
    assert list(desk.calls(31_100)) == [("resolve", "s.1")]


def test_a_page_that_is_open_already_holds_nobody() -> None:
    desk = opened("s.1", "inc.1")
    desk.accept(30_000, page(R, "inc.1", 2, after="s.1"))
    assert list(desk.calls(30_000)) == [("resolve", "inc.1")]


def test_what_goes_on_elsewhere_is_waited_for_no_longer_than_a_minute() -> None:
    for restored in (False, True):
        desk = opened("inc.1")
        desk.accept(30_000, page(R, "inc.1", 2, after="s.1"))
        assert desk.calls(30_000) == {}
        if restored:
            desk.restore(40_000)
        assert desk.outbox.next_due_ms(40_000) == 30_000 + SUCCESSOR_MS
        assert desk.calls(30_000 + SUCCESSOR_MS - 1) == {}
        assert list(desk.calls(30_000 + SUCCESSOR_MS)) == [("resolve", "inc.1")]
        assert desk.held == [UNSEEN]


def test_when_the_new_page_is_given_up_the_old_one_stays_until_the_storm_is_over() -> None:
    for restored in (False, True):
        desk = opened("s.1")
        desk.accept(30_000, page(T, "s.2", 2), page(R, "s.1", 3, after="s.2"))
        desk.answer(desk.calls(30_000)["trigger", "s.2"], 30_100, rejected=True)
        assert desk.calls(30_100) == {}
        assert desk.held == [GIVEN_UP]
        if restored:
            desk.restore(40_000)
        day_ms = 86_400_000
        assert desk.calls(day_ms) == {}
        desk.accept(day_ms, page(R, "s.2", 4))
        assert list(desk.calls(day_ms)) == [("resolve", "s.1")]
        assert desk.dropped == [DropReason.RESOLVED_BEFORE_SENT]
        assert desk.held == [GIVEN_UP]


def test_a_new_page_that_is_given_up_before_the_resolve_is_heard_leaves_the_old_one_too() -> None:
    desk = opened("s.1")
    desk.accept(30_000, page(T, "s.2", 2))
    desk.answer(desk.calls(30_000)["trigger", "s.2"], 30_100, rejected=True)
    desk.accept(31_000, page(R, "s.1", 3, after="s.2"))
    assert desk.calls(200_000) == {}
    assert desk.held == [GIVEN_UP]


def test_of_three_pages_the_first_waits_for_the_last_where_the_second_was_never_sent() -> None:
    desk = opened("s.1")
    desk.accept(30_000, page(T, "s.2", 2), page(R, "s.1", 3, after="s.2"))
    desk.accept(30_000, page(T, "s.3", 4), page(R, "s.2", 5, after="s.3"))
    calls = desk.calls(30_000)
    assert list(calls) == [("trigger", "s.3")]
    desk.answer(calls["trigger", "s.3"], 30_100)
    assert list(desk.calls(30_100)) == [("resolve", "s.1")]


def test_a_storm_that_is_over_before_its_new_page_was_sent_ends_the_old_one() -> None:
    desk = opened("s.1")
    desk.accept(30_000, page(T, "s.2", 2), page(R, "s.1", 3, after="s.2"), page(R, "s.2", 4))
    assert list(desk.calls(30_000)) == [("resolve", "s.1")]


def test_pages_that_name_each_other_wait_no_longer_than_a_minute() -> None:
    desk = opened("a.1", "b.1")
    desk.accept(30_000, page(R, "a.1", 2, after="a.1"))
    assert desk.calls(30_000) == {}
    assert list(desk.calls(30_000 + SUCCESSOR_MS)) == [("resolve", "a.1")]


def test_a_page_given_up_for_which_another_stays_open_is_not_forgotten_early() -> None:
    desk = Desk()
    desk.outbox = Outbox(TARGETS, started_ms=0, max_entries=3)
    desk.accept(10_000, page(T, "s.1", 1), digest("slack:a"))
    for one in desk.outbox.due(20_000, room=4):
        desk.answer(one, 20_000)
    desk.accept(30_000, page(T, "s.2", 2))
    desk.answer(desk.calls(30_000)["trigger", "s.2"], 30_100, rejected=True)
    desk.accept(30_200, page(R, "s.1", 3, after="s.2"))
    desk.accept(40_000, digest("slack:b"))
    desk.accept(40_000, digest("slack:b", id="one too many"))
    assert f"{HERE}|s.2" in desk.outbox.entries()
    assert ("resolve", "s.1") not in desk.calls(200_000)


# The law


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[int, Digest]]:
    """Storms that page anew, join one another, and end; the log of one pager may run behind that
    of another."""
    found: list[tuple[int, Digest]] = []
    open_: list[tuple[str, str]] = []
    at_ms = START_MS
    number = 0

    def ask(action: PageAction, key: str, to: str, after: str = "") -> None:
        found.append((at_ms, page(action, key, START_MS + 1_000 * len(found), to=to, after=after)))

    for _ in range(draw(st.integers(2, 10))):
        at_ms += draw(st.sampled_from([0, 1, 200, 5_000, 90_000]))
        what = draw(st.sampled_from(["open", "replace", "join", "end"]))
        if what == "open" or not open_:
            number += 1
            key, to = f"s{number}.1", draw(st.sampled_from([HERE, HERE, "pagerduty:q"]))
            ask(T, key, to)
            open_.append((key, to))
            continue
        place = draw(st.integers(0, len(open_) - 1))
        key, to = open_.pop(place)
        if what == "replace":
            storm, _, generation = key.partition(".")
            new = f"{storm}.{int(generation) + 1}"
            for action in draw(st.permutations([T, R])):
                if action is T:
                    ask(T, new, to)
                else:
                    ask(R, key, to, after=new)
            open_.append((new, to))
        elif what == "join" and open_:
            ask(R, key, to, after=draw(st.sampled_from(open_))[0])
        else:
            ask(R, key, to)
    at_ms += draw(st.sampled_from([0, 1_000, 600_000]))
    for key, to in open_:
        ask(R, key, to)
    return found


CRASHES = st.lists(st.integers(1, 40), max_size=5)


def play(
    schedule: list[tuple[int, Digest]], faults: Iterable[int], crashes: Iterable[int]
) -> World:
    world = World(Service(list(faults)), crashes, TWO_PAGERS)
    world.run(schedule)
    return world


@given(lives(), st.lists(st.sampled_from([0, 0, 1, 2, 3, 4, 6, 7]), max_size=25), CRASHES)
def test_no_resolve_is_sent_before_the_page_that_goes_on_was_delivered_or_is_over(
    schedule: list[tuple[int, Digest]], faults: list[int], crashes: list[int]
) -> None:
    world = play(schedule, faults, crashes)
    heard = [(at_ms, one) for at_ms, one in schedule]

    def may_end(name: str, to: str, since_ms: int, now_ms: int) -> bool:
        """Return whether nobody is left without a page when what `name` goes on for ends now."""
        said = [one for at_ms, one in heard if at_ms <= now_ms and one.destination == to]
        of_it = [one for one in said if one.page_key == name]
        if not of_it:
            return now_ms >= since_ms + SUCCESSOR_MS
        if any(
            one.step is Step.TRIGGER and one.key == f"{to}|{name}" and at_ms <= now_ms
            for at_ms, one in world.service.done
        ):
            return True
        last = max(of_it, key=lambda one: (one.at_ms, one.page is R))
        if last.page is T:
            return False
        return not last.page_after or may_end(last.page_after, to, since_ms, now_ms)

    for now_ms, call in world.service.calls:
        after = call.digest.page_after
        if call.step is Step.RESOLVE and after:
            since_ms = next(at_ms for at_ms, one in heard if one == call.digest)
            assert may_end(after, call.destination, since_ms, now_ms), call.key


@given(lives(), st.lists(st.sampled_from([0, 0, 1, 2, 3, 4, 6]), max_size=25), CRASHES)
def test_in_the_end_no_page_is_left_open(
    schedule: list[tuple[int, Digest]], faults: list[int], crashes: list[int]
) -> None:
    world = play(schedule, faults, crashes)
    open_: set[str] = set()
    for _, one in world.service.done:
        if one.step is Step.TRIGGER:
            open_.add(one.key)
        else:
            open_.discard(one.key)
    assert open_ == set()


@given(lives(), st.integers(1, 30))
def test_a_restored_outbox_makes_the_same_calls_at_the_same_time(
    schedule: list[tuple[int, Digest]], cut: int
) -> None:
    live, restored = Outbox(TWO_PAGERS, started_ms=0), Outbox(TWO_PAGERS, started_ms=0)
    for now_ms, one in schedule[:cut]:
        live.accept(one, now_ms)
        for call in live.due(now_ms, room=4):
            receipt = Delivered(Receipt(id="x"))
            live.receive(Answer(key=call.key, number=call.number, outcome=receipt), now_ms)
    restored.load(live.entries().values())
    later_ms = START_MS + 10_000_000
    assert live.next_due_ms(later_ms) == restored.next_due_ms(later_ms)
    assert live.due(later_ms, room=64) == restored.due(later_ms, room=64)

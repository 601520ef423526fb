"""Dead letters that are sent again: told once, never after what is newer, and nobody is woken for
what is over."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from correlators.types import Digest, PageAction
from sinks.base import (
    Answer,
    Attempt,
    Delivered,
    NotFound,
    Receipt,
    Rejected,
    RejectReason,
    Step,
    Target,
    Unknown,
    UnknownReason,
)
from sinks.entries import DeadLetter, DeadReason, Status, decode, encode
from sinks.marks import Redrive, RedriveOutcome
from sinks.outbox import Outbox
from tests.sinks.make import CHAT, TARGETS, digest

PAGER = "pagerduty:p"


def page(revision: int, *, over: bool = False) -> Digest:
    action = PageAction.RESOLVE if over else PageAction.TRIGGER
    return digest(PAGER, revision=revision, page=action, at_ms=1_000 * revision, resolved=over)


@dataclasses.dataclass
class Hand:
    """An outbox whose calls are answered as the test says, and whose letters are kept."""

    outbox: Outbox = dataclasses.field(default_factory=lambda: Outbox(TARGETS, started_ms=0))
    now_ms: int = 10_000
    sent: list[Attempt] = dataclasses.field(default_factory=list)
    """Carried out."""
    letters: list[DeadLetter] = dataclasses.field(default_factory=list)
    outcomes: list[RedriveOutcome] = dataclasses.field(default_factory=list)
    store: dict[str, bytes] = dataclasses.field(default_factory=dict)

    def take(self) -> None:
        changes = self.outbox.take_changes()
        self.letters += changes.dead
        self.outcomes += [one.outcome for one in changes.taken]
        for key, entry in changes.entries.items():
            if entry is None:
                self.store.pop(key, None)
            else:
                self.store[key] = encode(entry)

    def restart(self) -> None:
        self.outbox = Outbox(TARGETS, started_ms=self.now_ms)
        self.outbox.load(decode(one) for one in self.store.values())
        self.take()

    def call(self, *, fails: bool = False) -> list[Step]:
        """Answer every call that is due until none is, and return the steps."""
        steps = []
        for _ in range(20):
            self.now_ms += 5_000
            made = self.outbox.due(self.now_ms, room=1)
            for one in made:
                steps.append(one.step)
                outcome: Rejected | Delivered = Rejected(RejectReason.NO_SUCH_PLACE, "gone")
                if not fails:
                    self.sent.append(one)
                    outcome = Delivered(Receipt(place="C1", id=str(self.now_ms)))
                self.outbox.receive(Answer(key=one.key, number=one.number, outcome=outcome), 0)
            self.take()
        return steps

    def redrive(self, which: int = 0, *, to: str = "", id: str = "") -> RedriveOutcome:
        one = self.letters[which]
        again = msgspec.msgpack.decode(one.digest, type=Digest)
        if to:
            again = msgspec.structs.replace(again, destination=to)
        mark = Redrive(
            letter=id or f"dl-{which}", step=one.step, possible_repeat=one.possible_repeat
        )
        self.outbox.accept(again, self.now_ms, mark)
        self.take()
        return self.outcomes[-1]


def test_a_letter_that_is_sent_again_is_told_once_and_a_second_time_refused() -> None:
    hand = Hand()
    hand.outbox.accept(digest(), hand.now_ms)
    hand.call(fails=True)
    assert hand.redrive() is RedriveOutcome.TAKEN
    assert hand.redrive() is RedriveOutcome.REPEATED
    assert hand.call() == [Step.POST]
    assert hand.redrive() is RedriveOutcome.REPEATED
    assert hand.redrive(id="dl-of-another-command") is RedriveOutcome.REPEATED
    assert hand.call() == []


def test_a_reply_that_died_goes_into_its_thread() -> None:
    hand = Hand()
    hand.outbox.accept(digest(), hand.now_ms)
    hand.call()
    hand.outbox.accept(digest(revision=2), hand.now_ms)
    assert hand.call(fails=True) == [Step.REPLY]
    hand.restart()
    assert hand.redrive() is RedriveOutcome.TAKEN
    assert hand.call() == [Step.REPLY, Step.EDIT]
    assert hand.sent[1].root == Receipt(place="C1", id="15000")


def test_an_edit_that_died_is_made_again_and_tells_nobody_anything_twice() -> None:
    hand = Hand()
    for revision in (1, 2):
        hand.outbox.accept(digest(revision=revision), hand.now_ms)
        if revision == 1:
            hand.call()
    (reply,) = hand.outbox.due(hand.now_ms + 5_000, room=1)
    done = Delivered(Receipt(place="C1", id="2"))
    hand.outbox.receive(Answer(key=reply.key, number=reply.number, outcome=done), 0)
    assert hand.call(fails=True) == [Step.EDIT]
    assert hand.redrive() is RedriveOutcome.TAKEN
    assert hand.call() == [Step.EDIT]
    assert hand.redrive() is RedriveOutcome.REPEATED


def test_an_older_letter_is_never_told_after_a_newer_revision() -> None:
    hand = Hand()
    hand.outbox.accept(digest(), hand.now_ms)
    hand.call(fails=True)
    hand.outbox.accept(digest(revision=2), hand.now_ms)
    assert hand.redrive() is RedriveOutcome.SUPERSEDED
    hand.call()
    assert hand.redrive() is RedriveOutcome.SUPERSEDED
    assert [one.digest.revision for one in hand.sent] == [2]


def test_nobody_is_woken_for_what_is_over() -> None:
    hand = Hand()
    hand.outbox.accept(page(1), hand.now_ms)
    hand.call(fails=True)
    hand.outbox.accept(page(2, over=True), hand.now_ms)
    assert hand.redrive() is RedriveOutcome.OVER
    assert hand.call() == []


def test_a_page_that_died_pages_and_its_end_is_told() -> None:
    hand = Hand()
    hand.outbox.accept(page(1), hand.now_ms)
    hand.call(fails=True)
    assert hand.redrive() is RedriveOutcome.TAKEN
    assert hand.call() == [Step.TRIGGER]
    hand.outbox.accept(page(2, over=True), hand.now_ms)
    hand.call(fails=True)
    assert hand.redrive(1) is RedriveOutcome.TAKEN
    assert hand.call() == [Step.RESOLVE]


def test_the_end_of_a_page_is_told_although_its_delivery_is_forgotten() -> None:
    hand = Hand()
    hand.outbox.accept(page(1), hand.now_ms)
    hand.call()
    hand.outbox.accept(page(2, over=True), hand.now_ms)
    hand.call(fails=True)
    hand.now_ms += TARGETS[PAGER].plan.keep_ms + 60_000
    hand.call()
    assert hand.store == {}
    assert hand.redrive() is RedriveOutcome.TAKEN
    assert hand.call() == [Step.RESOLVE]


def test_a_page_is_not_opened_where_it_is_open() -> None:
    hand = Hand()
    hand.outbox.accept(page(1), hand.now_ms)
    hand.call(fails=True)
    hand.outbox.accept(page(2), hand.now_ms)
    hand.call()
    assert hand.redrive() is RedriveOutcome.SUPERSEDED
    hand.outbox.accept(page(3), hand.now_ms)
    assert hand.call() == []


def test_a_letter_goes_to_another_destination_and_keeps_to_what_that_one_knows() -> None:
    hand = Hand()
    hand.outbox.accept(digest(), hand.now_ms)
    hand.call(fails=True)
    assert hand.redrive(to="slack:b") is RedriveOutcome.TAKEN
    assert hand.call() == [Step.POST]
    assert hand.sent[0].destination == "slack:b"
    hand.outbox.accept(digest("slack:b", revision=3), hand.now_ms)
    hand.call()
    assert hand.redrive(to="slack:b", id="dl-x") is RedriveOutcome.SUPERSEDED


def test_a_call_that_runs_there_keeps_its_own_and_the_letter_follows_in_its_thread() -> None:
    hand = Hand()
    hand.outbox.accept(digest(revision=2), hand.now_ms)
    hand.call(fails=True)
    hand.outbox.accept(digest("slack:b"), hand.now_ms)
    (running,) = hand.outbox.due(hand.now_ms + 5_000, room=1)
    assert hand.redrive(to="slack:b") is RedriveOutcome.TAKEN
    done = Delivered(Receipt(place="C1", id="1"))
    hand.outbox.receive(Answer(key=running.key, number=running.number, outcome=done), 0)
    assert hand.call() == [Step.REPLY, Step.EDIT]


@pytest.mark.parametrize(
    ("to", "outcome"),
    [
        ("email:ops", RedriveOutcome.UNKNOWN_DESTINATION),
        (PAGER, RedriveOutcome.NO_PAGE),
    ],
)
def test_where_it_cannot_go_is_said_by_name(to: str, outcome: RedriveOutcome) -> None:
    hand = Hand()
    hand.outbox.accept(digest(), hand.now_ms)
    hand.call(fails=True)
    assert hand.redrive(to=to) is outcome
    again = [one.reason for one in hand.letters[1:]]
    unknown = outcome is RedriveOutcome.UNKNOWN_DESTINATION
    assert again == ([DeadReason.UNKNOWN_DESTINATION] if unknown else [])


def test_a_full_outbox_takes_no_letter_and_keeps_it_as_one() -> None:
    hand = Hand(outbox=Outbox(TARGETS, started_ms=0, max_entries=1))
    hand.outbox.accept(digest(), hand.now_ms)
    hand.call(fails=True)
    hand.outbox.accept(digest(id="another"), hand.now_ms)
    assert hand.redrive() is RedriveOutcome.OUTBOX_FULL
    assert [one.reason for one in hand.letters[1:]] == [DeadReason.OUTBOX_FULL]


def test_what_was_orphaned_is_sent_once_its_destination_is_there_again() -> None:
    hand = Hand()
    hand.outbox.accept(digest(), hand.now_ms)
    hand.outbox.due(hand.now_ms, room=1)
    hand.take()
    hand.outbox = Outbox({}, started_ms=hand.now_ms)
    hand.outbox.load(decode(one) for one in hand.store.values())
    hand.take()
    assert hand.letters[0].possible_repeat
    hand.now_ms += 7_200_000  # longer than any step is tried
    hand.restart()
    assert hand.redrive() is RedriveOutcome.TAKEN
    (one,) = hand.outbox.due(hand.now_ms + 5_000, room=1)
    assert one.possible_repeat
    assert one.started_ms == hand.now_ms + 5_000


def test_what_may_have_arrived_is_marked_when_it_is_sent_again() -> None:
    soon = Target(account="slack", plan=msgspec.structs.replace(CHAT, give_up_ms=300_000))
    hand = Hand(outbox=Outbox({"slack:a": soon}, started_ms=0))
    hand.outbox.accept(digest(), hand.now_ms)
    lost = True
    while not hand.letters:
        due_ms = hand.outbox.next_due_ms(hand.now_ms)
        assert due_ms is not None
        hand.now_ms = max(due_ms, hand.now_ms + 1)
        for one in hand.outbox.due(hand.now_ms, room=1):
            said = NotFound() if one.find else Unknown(UnknownReason.TIMED_OUT)
            if one.find and lost:
                continue  # nobody can tell of the first: it is repeated, and marked
            lost = lost and not one.possible_repeat
            answer = Answer(key=one.key, number=one.number, outcome=said)
            hand.outbox.receive(answer, hand.now_ms)
        hand.take()
    assert hand.letters[0].reason is DeadReason.RETRIES_EXHAUSTED
    assert hand.letters[0].possible_repeat
    assert hand.redrive() is RedriveOutcome.TAKEN
    (again,) = hand.outbox.due(hand.now_ms + 5_000, room=1)
    assert again.possible_repeat


# ---------------------------------------------------------------- whatever happens

PLACES = st.sampled_from(["slack:a", PAGER, "slack:b"])
DEED = st.one_of(
    st.tuples(st.just("digest"), PLACES, st.booleans()),
    st.tuples(st.just("dies"), PLACES, st.booleans()),
    st.tuples(st.just("told"), PLACES, st.booleans()),
    st.tuples(st.just("call"), st.sampled_from([7, 0, 1]), st.booleans()),
    st.tuples(st.just("redrive"), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("restart"), st.just(0), st.just(False)),
)
DEEDS = st.lists(DEED, min_size=12, max_size=40)


@dataclasses.dataclass
class Answered:
    """A service whose answers may take until the next call."""

    hand: Hand
    late: list[Answer] = dataclasses.field(default_factory=list)

    def call(self, fault: int, *, later: bool) -> None:
        """Make every call that is due: 0 carried out, 1 carried out and unheard of, 7 refused."""
        answers, self.late = self.late, []
        for made in self.hand.outbox.due(self.hand.now_ms, room=8):
            outcome: Rejected | Delivered | NotFound | Unknown = Rejected(RejectReason.INVALID)
            if made.find:
                there = [one for one in self.hand.sent if _said(one) == _said(made)]
                outcome = Delivered(Receipt(place="C1", id="found")) if there else NotFound()
            elif fault != 7:
                self.hand.sent.append(made)
                outcome = Delivered(Receipt(place="C1", id=str(len(self.hand.sent))))
                if fault == 1:
                    outcome = Unknown(UnknownReason.CONNECTION_LOST)
            answers.append(Answer(key=made.key, number=made.number, outcome=outcome))
        if later:
            self.late = answers
        else:
            for one in answers:
                self.hand.outbox.receive(one, self.hand.now_ms)
        self.hand.take()
        self.hand.now_ms += 3_000


def _said(one: Attempt) -> tuple[str, str, Step, int]:
    return (one.destination, one.digest.id, one.step, one.digest.revision)


@settings(max_examples=max(300, settings().max_examples))
@given(DEEDS)
def test_whatever_dies_and_is_sent_again_is_told_once_and_in_order(
    deeds: Iterable[tuple[str, object, bool]],
) -> None:
    """Letters of one digest are sent again in any order, twice, and to another channel; meanwhile
    calls run, answers are late or lost, and the process dies."""
    hand, revision = Hand(), 0
    service = Answered(hand)
    for deed, which, flag in deeds:
        if deed in ("digest", "dies", "told"):
            revision += 1
            paged = str(which) == PAGER
            new = page(revision, over=flag) if paged else digest(str(which), revision=revision)
            hand.outbox.accept(new, hand.now_ms)
            if deed != "digest":
                service.call(7 if deed == "dies" else 0, later=False)
        elif deed == "redrive" and isinstance(which, int) and hand.letters:
            number = which % len(hand.letters)
            chat = hand.letters[number].destination.startswith("slack")
            hand.redrive(number, to="slack:b" if flag and chat else "")
        elif deed == "call" and isinstance(which, int):
            service.call(which, later=flag)
        elif deed == "restart":
            hand.restart()
            service.late = []
        hand.take()
        live = {key: encode(entry) for key, entry in hand.outbox.entries().items()}
        assert live == hand.store
    for _ in range(30):
        service.call(0, later=False)
    for destination in TARGETS:
        told = [one for one in hand.sent if one.destination == destination]
        said = [one.digest.revision for one in told if one.step in (Step.POST, Step.REPLY)]
        assert said == sorted(set(said)), destination
        shown = [one.digest.revision for one in told if one.step in (Step.POST, Step.EDIT)]
        assert shown == sorted(shown), destination
    ended = 0
    for made in hand.sent:
        if made.step is Step.TRIGGER:
            assert made.digest.revision > ended
        elif made.step is Step.RESOLVE:
            ended = made.digest.revision
    finished = {Status.DELIVERED, Status.DROPPED, Status.DEAD}
    assert {one.status for one in hand.outbox.entries().values()} <= finished

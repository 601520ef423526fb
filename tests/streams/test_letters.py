"""Dead letters as they stand on their topic: what was noted about each, and how they are shown."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from aiokafka import ConsumerRecord

from correlators.issue_change import IssueChange, IssueDoes
from correlators.types import Digest, PageAction
from sinks.base import Step
from sinks.entries import DeadReason, letter
from sinks.marks import MARK_HEADER, Mark, PutAside, RedriveOutcome, SentAgain, Taken, encode
from streams.codec import CodecError
from streams.letter_lines import lines, shown_case
from streams.letter_records import (
    Letter,
    headers_of,
    mark_of,
    read_letter,
    redrive_headers,
    redrive_of,
)
from streams.letters import Case, LetterState, cases, failed, in_order, over
from streams.why_read import given_up as still_given_up
from tests.sinks.ephemeral_case import shaped
from tests.sinks.make import digest

AT_MS = 1_790_000_000_000


def record(
    value: bytes, headers: list[tuple[str, bytes]], offset: int = 0
) -> ConsumerRecord[Any, Any]:
    return ConsumerRecord(
        topic="deliveries.dead",
        partition=2,
        offset=offset,
        timestamp=AT_MS + 1,
        timestamp_type=0,
        key=None,
        value=value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=len(value),
        headers=headers,
    )


def given_up(
    one: Digest | None = None,
    *,
    reason: DeadReason = DeadReason.NOT_ALLOWED,
    at_ms: int = AT_MS,
    offset: int = 0,
    step: Step | None = Step.POST,
    possible_repeat: bool = False,
) -> Letter:
    """Return a letter as it is read back from what DELIVER writes."""
    dead = letter(
        one or digest(),
        reason,
        at_ms,
        detail="not_in_channel",
        step=step,
        attempts=3,
        possible_repeat=possible_repeat,
    )
    found = read_letter(record(dead.digest, headers_of(dead), offset))
    assert found is not None
    return found


def sent(to: str = "slack:a", *, of: Letter, at_ms: int = AT_MS + 10) -> SentAgain:
    return SentAgain(letter=of.id, partition=2, destination=to, by="ada", at_ms=at_ms)


def taken(outcome: RedriveOutcome, *, of: Letter) -> Taken:
    return Taken(
        letter=of.id, partition=2, destination="slack:a", outcome=outcome, at_ms=AT_MS + 20
    )


def test_a_letter_comes_back_as_it_was_written_and_its_id_is_its_own() -> None:
    one = given_up(possible_repeat=True)
    assert (one.partition, one.offset, one.at_ms) == (2, 0, AT_MS)
    assert (one.destination, one.reason, one.detail) == (
        "slack:a",
        "not_allowed",
        "not_in_channel",
    )
    assert (one.step, one.attempts, one.possible_repeat) == ("post", 3, True)
    assert one.digest == digest()
    ids = {one.id, given_up(offset=1).id, given_up(at_ms=AT_MS + 1).id}
    assert len(ids) == 3
    assert given_up(possible_repeat=True).id == one.id


def test_a_record_without_anything_is_a_letter_that_cannot_be_read() -> None:
    one = read_letter(record(b"", []))
    assert one is not None
    assert (one.digest, one.attempts, one.at_ms) == (None, 0, AT_MS + 1)
    case = Case(letter=one)
    assert str(shown_case(case)).endswith("not readable by this version")
    assert lines(case)[-1] == "what it says cannot be read by this version"
    assert "a later version gave it up" in " ".join(lines(case))


def test_a_mark_is_no_letter_and_one_of_a_later_version_says_nothing() -> None:
    one = given_up()
    of_record = record(encode(sent(of=one)), [(MARK_HEADER, b"1")])
    assert read_letter(of_record) is None
    assert mark_of(of_record) == sent(of=one)
    assert mark_of(record(b"\xc1", [(MARK_HEADER, b"1")])) is None


def test_what_travels_with_a_letter_names_it_and_elsewhere_nothing_is_known_of_its_call() -> None:
    one = given_up(step=Step.EDIT, possible_repeat=True)
    there = redrive_of(redrive_headers(one, "slack:a"))
    elsewhere = redrive_of(redrive_headers(one, "slack:b"))
    assert there is not None
    assert elsewhere is not None
    assert (there.letter, there.partition, there.step) == (one.id, 2, Step.EDIT)
    assert there.possible_repeat
    assert (elsewhere.step, elsewhere.possible_repeat) == (None, False)
    assert redrive_of([]) is None
    with pytest.raises(CodecError, match="sent again"):
        redrive_of([("redrive", b"\xc1")])


@pytest.mark.parametrize(
    ("marks", "state", "is_failed"),
    [
        ([], LetterState.OPEN, True),
        (["sent"], LetterState.SENT_AGAIN, True),
        (["sent", RedriveOutcome.TAKEN], LetterState.ANSWERED, False),
        (["sent", RedriveOutcome.SUPERSEDED], LetterState.ANSWERED, False),
        (["sent", RedriveOutcome.OVER], LetterState.ANSWERED, False),
        (["sent", RedriveOutcome.OUTBOX_FULL], LetterState.ANSWERED, True),
        (["sent", RedriveOutcome.NO_PAGE], LetterState.OPEN, True),
        (["sent", RedriveOutcome.NO_PAGE, "sent"], LetterState.SENT_AGAIN, True),
        (["aside"], LetterState.PUT_ASIDE, False),
        (["sent", RedriveOutcome.NO_PAGE, "aside"], LetterState.PUT_ASIDE, False),
        (["aside", "sent"], LetterState.SENT_AGAIN, True),
    ],
)
def test_the_marks_behind_a_letter_say_what_became_of_it(
    marks: list[str], state: LetterState, is_failed: bool
) -> None:
    one = given_up()
    noted: list[Mark] = [PutAside(letter="dl-older", by="ben", at_ms=0)]
    for name in marks:
        if name == "sent":
            noted.append(sent(of=one))
        elif name == "aside":
            aside = PutAside(letter=one.id, partition=2, by="ben", at_ms=AT_MS + 30, why="known")
            noted.append(aside)
        else:
            noted.append(taken(RedriveOutcome(name), of=one))
    (case,) = cases([one], noted)
    assert (case.state, failed(case)) == (state, is_failed)
    assert case.open == (state is LetterState.OPEN)
    text = str(shown_case(case))
    if state is LetterState.PUT_ASIDE:
        assert text.endswith("dropped by ben: known")
    if state is LetterState.SENT_AGAIN:
        assert "sent again by ada" in text


def test_one_that_was_given_up_once_more_names_the_letter_that_it_became() -> None:
    first = given_up()
    other = given_up(digest("slack:b"), at_ms=AT_MS + 25, offset=3)
    second = given_up(at_ms=AT_MS + 25, offset=4)
    marks: list[Mark] = [sent(of=first), taken(RedriveOutcome.TAKEN, of=first)]
    found = {one.letter.id: one for one in cases([first, other, second], marks)}
    assert list(found) == [second.id, other.id, first.id]
    assert found[first.id].again == second.id
    assert found[second.id].again == found[other.id].again == ""
    assert failed(found[first.id])
    assert str(shown_case(found[first.id])).endswith(f"given up again as {second.id}")


def test_letters_are_sent_again_in_the_order_in_which_they_were_decided() -> None:
    late = given_up(digest(revision=2, at_ms=AT_MS + 5), at_ms=AT_MS, offset=1)
    early = given_up(digest(at_ms=AT_MS), at_ms=AT_MS + 9, offset=2)
    found = in_order(cases([late, early], []))
    assert [one.letter.id for one in found] == [early.id, late.id]


def test_a_page_is_over_once_the_state_has_it_no_more() -> None:
    trigger = given_up(digest("pagerduty:p", id="inc-9", page=PageAction.TRIGGER))
    resolve = given_up(digest("pagerduty:p", id="inc-9", page=PageAction.RESOLVE))
    assert over(trigger, {"inc-8"})
    assert not over(trigger, {"inc-9"})
    assert not over(resolve, set())
    assert not over(given_up(), set())


@pytest.mark.parametrize("reason", list(DeadReason))
def test_of_every_reason_it_is_said_what_to_do_and_what_would_have_been_told(
    reason: DeadReason,
) -> None:
    said = lines(Case(letter=given_up(reason=reason, possible_repeat=True)))
    assert said[1] == f"given up: {reason} not_in_channel, 3 calls (post)"
    assert said[2].startswith("it may have arrived")
    assert said[3].startswith("what to do: ")
    assert len(said[3]) > 60
    assert any("payment-db refused the connection" in line for line in said)


def test_what_the_service_itself_asks_for_is_what_is_said_to_do() -> None:
    one = given_up(reason=DeadReason.NOT_ALLOWED)
    detail = "is_archived: #pay is archived: unarchive it or configure another"
    said = lines(Case(letter=msgspec.structs.replace(one, detail=detail)))[2]
    assert said.startswith("what to do: #pay is archived: unarchive it or configure another, then ")
    assert "/invite" not in said
    odd = msgspec.structs.replace(one, detail="Bad: Thing")
    assert "/invite" in lines(Case(letter=odd))[2]


def test_why_not_hears_of_no_letter_that_was_sent_again_or_dropped() -> None:
    def dead(offset: int) -> tuple[Letter, ConsumerRecord[Any, Any]]:
        one = letter(digest(revision=offset + 1), DeadReason.NOT_ALLOWED, AT_MS + offset)
        found = record(one.digest, headers_of(one), offset)
        read = read_letter(found)
        assert read is not None
        return read, found

    def noted(mark: Mark, offset: int) -> ConsumerRecord[Any, Any]:
        return record(encode(mark), [(MARK_HEADER, b"1")], offset)

    (first, one), (again, two), (dropped, three), (last, four) = map(dead, range(4))
    aside = PutAside(letter=dropped.id, partition=2, by="ada", why="gone", at_ms=AT_MS + 20)
    records = [one, two, three, four, noted(sent(of=again), 4), noted(aside, 5)]
    assert [one.id for one in still_given_up(records)] == [first.id, last.id]


def test_a_change_that_sentry_did_not_take_says_what_it_is_and_where_to_look() -> None:
    change = IssueChange(issue_id="41", does=IssueDoes.ASSIGN, subject="inc-1", assignee="team:pay")
    made = msgspec.structs.replace(digest("sentry:default", id="isu-1"), issue_change=change)
    said = lines(Case(letter=given_up(made, reason=DeadReason.NOT_AUTHORISED)))
    assert "docs/sentry-api.md" in said[2]
    assert said[-1] == ("what it says: issue 41 of Sentry: assign to team:pay, decided about inc-1")


def test_changes_of_several_issues_of_one_incident_are_told_apart_in_the_list() -> None:
    change = IssueChange(issue_id="41", does=IssueDoes.RESOLVE, subject="inc-1")
    shown = []
    for number in ("41", "42"):
        of = msgspec.structs.replace(change, issue_id=number)
        made = msgspec.structs.replace(digest("sentry:default", id="isu-1"), issue_change=of)
        shown.append(str(shown_case(Case(letter=given_up(made)))))
    assert [" · issue 41 of Sentry: resolve · " in line for line in shown] == [True, False]
    assert [" · issue 42 of Sentry: resolve · " in line for line in shown] == [False, True]
    assert "of Sentry" not in str(shown_case(Case(letter=given_up(digest()))))


def test_what_could_not_be_told_to_one_person_says_what_it_is() -> None:
    made = shaped(digest("slack_ephemeral:default", id="inc-1"), outcome="no_pager")
    said = lines(Case(letter=given_up(made, reason=DeadReason.NO_SUCH_PLACE)))
    assert said[-1].startswith("what it says, to whoever pressed: ⚠️ Not as you were told: `inc-1`")
    assert "U0ADA" not in str(said)


def test_hostile_text_stays_on_its_line() -> None:
    hostile = digest(title="up\x1b[2J\nand\u2028away", services=())
    hostile = msgspec.structs.replace(hostile, id="inc-\x1b]0;x\x07")
    one = given_up(hostile)
    one = msgspec.structs.replace(one, detail="a\nb\x1b[1m")
    for line in [str(shown_case(Case(letter=one))), *lines(Case(letter=one))]:
        assert line.isprintable(), line

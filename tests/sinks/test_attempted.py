"""What is kept of a call names the delivery that it was of."""

from __future__ import annotations

from correlators.types import DigestKind, PageAction
from sinks.attempted import attempted
from sinks.base import Answer, Delivered, Receipt
from tests.sinks.desks import A, Desks, P, T, page, refuses
from tests.sinks.make import digest
from tests.sinks.world import START_MS


def _deliveries(desks: Desks) -> list[tuple[str, str]]:
    found = []
    for one in desks.done:
        there = Delivered(Receipt(id="x"))
        answer = Answer(key=one.attempt.key, number=one.attempt.number, outcome=there)
        said = attempted(one.attempt, answer, one.at_ms)
        assert said.subject == "inc-1"
        found.append((said.step.value, said.delivery))
    return found


def test_a_page_at_a_chat_is_told_apart_from_the_message_and_from_its_reminders() -> None:
    desks = Desks()
    first = digest(A, id="inc-1", revision=1, at_ms=START_MS)
    desks.run(400, (0, first), (0, page(T, to=A)))
    assert _deliveries(desks) == [
        ("post", "inc-1.1"),
        ("post", ""),
        ("post", "inc-1.1~reminder"),
    ]


def test_so_is_what_is_said_of_a_page_that_did_not_get_through() -> None:
    desks = refuses(P)
    desks.run(30, (0, page(T)))
    assert ("post", f"inc-1.1~trouble.{P}") in _deliveries(desks)
    kinds = {one.attempt.digest.kind for one in desks.done}
    assert DigestKind.PAGE_TROUBLE in kinds
    assert PageAction.TRIGGER in {one.attempt.digest.page for one in desks.done}

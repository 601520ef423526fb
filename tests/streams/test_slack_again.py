"""What is over is resolved from Slack again: its page was left, or Sentry did not take it."""

from __future__ import annotations

from correlators.acts import Acknowledge, Assign, Resolve
from correlators.incidents import Incident
from correlators.types import Level, tick_of
from streams.live import Live, Part
from tests.correlators.acted import ANNA, Stage
from tests.correlators.score import MINUTE, PAGING, event, ms
from tests.streams.slack_stand import SENTRY, Stand, stand


def over(*, acknowledged: bool) -> tuple[Live, str]:
    """Return a state with an error that paged and went quiet, and its id."""
    stage = Stage()
    stage.run(20, event(0, "mail", "EM", level=Level.FATAL))
    id = stage.incident("mail").id
    stage.run(20 * MINUTE, acts=[(25, Acknowledge(subject=id, **ANNA))] if acknowledged else [])
    (mail,) = (one for _, one in stage.state.entries() if isinstance(one, Incident))
    assert (mail.open, mail.page_left) == (False, acknowledged)
    return Live(PAGING, [Part(0, stage.state, tick_of(ms(stage.now)) - 1)], ms(stage.now)), id


async def said(it: Stand, text: str) -> str:
    return str((await it.ada.command(text)).body["text"])


async def test_a_page_that_was_left_is_resolved_by_command() -> None:
    async with stand() as it:
        it.live, mail = over(acknowledged=True)
        assert (await said(it, f"resolve {mail}")).startswith(f"`{mail}` is resolved")
        assert await said(it, f"assign {mail} ben") == f"Nothing was done: `{mail}` is over."
        assert [type(one) for one in it.acts.acts] == [Resolve]


async def test_what_sentry_may_not_have_taken_is_asked_again() -> None:
    async with stand(sentry=SENTRY) as it:
        it.live, mail = over(acknowledged=False)
        await said(it, f"resolve {mail}")
        await said(it, f"assign {mail} ben")
        assert await said(it, f"ack {mail}") == f"Nothing was done: `{mail}` is over."
        assert [type(one) for one in it.acts.acts] == [Resolve, Assign]


async def test_of_what_is_over_nothing_else_is_left_to_resolve() -> None:
    async with stand() as it:
        it.live, mail = over(acknowledged=False)
        assert await said(it, f"resolve {mail}") == f"Nothing was done: `{mail}` is over."
        assert it.acts.told == []

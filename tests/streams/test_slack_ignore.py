"""What is ignored from Slack is asked of Sentry."""

from __future__ import annotations

import pytest

from correlators.acts import IGNORE_MOST_MS, Ignore, Unignore
from correlators.incidents import Incident
from correlators.types import tick_of
from streams.live import Live, Part
from tests.correlators.acted import Stage
from tests.correlators.score import MINUTE, PAGING, event, ms
from tests.streams.slack_stand import SENTRY, outage_and_mail, stand


async def test_what_is_ignored_is_asked_of_sentry_for_so_long_as_was_said() -> None:
    async with stand(sentry=SENTRY) as it:
        it.live, storm, mail = outage_and_mail()
        said = [
            str((await it.ada.command(one)).body["text"])
            for one in (f"ignore {storm}", f"archive {mail} for 30d", f"unignore {storm}")
        ]
        assert said[0].startswith(
            f"Sentry is asked to archive what is in `{storm}` until it escalates; once Sentry says "
            "that it is, it is told no more. The thread says so"
        )
        assert said[1].startswith(f"Sentry is asked to archive what is in `{mail}` for 30d;")
        assert said[2].startswith(f"Sentry is asked to unresolve what is in `{storm}` again.")
        first, second, third = it.acts.acts
        assert isinstance(first, Ignore)
        assert isinstance(second, Ignore)
        assert isinstance(third, Unignore)
        assert (first.subject, first.for_ms, first.actor, first.source) == (
            storm,
            0,
            "ada",
            "slack",
        )
        assert (second.subject, second.for_ms) == (mail, 30 * 86_400_000)


@pytest.mark.parametrize(
    ("length", "says"),
    [
        ("90s", "expected whole minutes, such as 2h"),
        ("366d", f"expected at most {IGNORE_MOST_MS // 86_400_000}d"),
        ("0m", "expected at most"),
        ("soon", 'found "soon" behind it'),
    ],
)
async def test_a_length_that_sentry_does_not_know_is_refused(length: str, says: str) -> None:
    async with stand(sentry=SENTRY) as it:
        it.live, storm, _ = outage_and_mail()
        answered = await it.ada.command(f"ignore {storm} {length}")
        assert says in str(answered.body["text"])
        assert it.acts.told == []


async def test_what_is_over_may_be_ignored_too() -> None:
    stage = Stage()
    stage.run(20 * MINUTE, event(5, "mail", "EM"))
    (mail,) = (one for _, one in stage.state.entries() if isinstance(one, Incident))
    assert not mail.open
    async with stand(sentry=SENTRY) as it:
        it.live = Live(PAGING, [Part(0, stage.state, tick_of(ms(stage.now)) - 1)], ms(stage.now))
        await it.ada.command(f"ignore {mail.id}")
        await it.ada.command(f"unignore {mail.id}")
        assert [type(one) for one in it.acts.acts] == [Ignore, Unignore]


async def test_without_sentry_it_is_counted_as_that() -> None:
    async with stand() as it:
        it.live, storm, _ = outage_and_mail()
        await it.ada.command(f"ignore {storm}")
        assert it.counted() == {("command", "no_sentry"): 1}

"""Dialogs: they ask before an act, show what it would do, and say what happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from correlators.acts import AddSilence, Assign, MergeInto, Separate
from sinks.peers.serve import Fault
from streams.intake_slack import now_ms
from streams.live import Live
from tests.correlators.score import PAGING
from tests.sinks.make import digest
from tests.streams.slack_stand import Stand, outage_and_mail, stand


@pytest.fixture
async def it() -> AsyncIterator[Stand]:
    async with stand() as running:
        yield running


async def completed(it: Stand) -> Any:
    """Return the modal that ada sees once the state was read."""
    await it.slack.until(lambda: any(one.method == "views.update" for one in it.slack.taken))
    return it.ada.modal()


async def test_a_silence_asks_how_long_and_shows_what_it_would_mute(it: Stand) -> None:
    it.live, storm, _ = outage_and_mail()
    await it.ada.press(await it.post(digest("slack:incidents", id=storm)), "Silence…")
    view = await completed(it)
    shown = str(view.content)
    assert "This mutes now, of what is open:" in shown
    assert "checkout, payment, cart · 3 incidents" in shown
    answered = await it.ada.submit(
        view,
        {
            "for": {"for": {"selected_option": {"value": "7200000"}}},
            "what": {"what": {"selected_option": {"value": "this"}}},
            "why": {"why": {"value": "database & cache are restored"}},
        },
    )
    (act,) = it.acts.acts
    assert isinstance(act, AddSilence)
    assert (act.subject, act.to_ms - act.at_ms) == (storm, 7_200_000)
    assert act.comment == "database & cache are restored"
    assert f"`{storm}` is silent for 2h" in str(answered.body["view"])


async def test_everything_of_a_service_may_be_silenced_in_its_place(it: Stand) -> None:
    it.live, _, mail = outage_and_mail()
    await it.ada.press(await it.post(digest("slack:incidents", id=mail)), "Silence…")
    view = await completed(it)
    shown = [one["elements"][0]["text"] for one in view.content["blocks"][-2:]]
    assert [one.split("\n")[0] for one in shown] == [
        "This mutes now, of what is open:",
        "Everything of `mail` mutes now, of what is open:",
    ]
    assert all(mail in one for one in shown)
    given = {
        "for": {"for": {"selected_option": {"value": "1800000"}}},
        "what": {"what": {"selected_option": {"value": "service:mail"}}},
    }
    await it.ada.submit(view, given)
    (act,) = it.acts.acts
    assert isinstance(act, AddSilence)
    assert act.when is not None
    assert (act.subject, act.environment, act.when.service) == ("", "production", ("mail",))


async def test_a_modal_sent_without_what_it_asks_says_so_and_stays(it: Stand) -> None:
    await it.ada.press(await it.post(), "Assign…")
    answered = await it.ada.submit(it.ada.modal(), {"text": {"text": {"value": " "}}})
    assert answered.body["errors"] == {"text": "expected a team or a person"}
    await it.ada.submit(it.ada.modal(), {"text": {"text": {"value": "team-pay"}}})
    (act,) = it.acts.acts
    assert isinstance(act, Assign)
    assert act.assignee == "team-pay"


async def test_merge_lists_what_is_open_and_not_part_of_this_what_is_in_it(it: Stand) -> None:
    it.live, storm, mail = outage_and_mail()
    message = await it.post(digest("slack:incidents", id=storm))
    await it.ada.press(message, "Merge into…")
    view = await completed(it)
    assert mail in str(view.content)
    await it.ada.submit(view, {"text": {"text": {"selected_option": {"value": mail}}}})
    await it.ada.press(message, "Not part of this…")
    await it.slack.until(lambda: sum(one.method == "views.update" for one in it.slack.taken) == 2)
    view = it.ada.modal()
    options = view.content["blocks"][1]["element"]["options"]
    assert len(options) == 3
    chosen = options[1]["value"]
    await it.ada.submit(view, {"text": {"text": {"selected_option": {"value": chosen}}}})
    merged, apart = it.acts.acts
    assert isinstance(merged, MergeInto)
    assert (merged.subject, merged.into) == (storm, mail)
    assert isinstance(apart, Separate)
    assert apart.subject == chosen


async def test_what_is_younger_than_the_last_reading_is_found_all_the_same(it: Stand) -> None:
    it.live = Live(PAGING, [], now_ms())
    await it.ada.command("status")
    it.live, storm, _ = outage_and_mail()
    await it.ada.press(await it.post(digest("slack:incidents", id=storm)), "Silence…")
    shown = str((await completed(it)).content)
    assert "checkout, payment, cart · 3 incidents" in shown
    assert "not open any more" not in shown


async def test_without_the_state_a_modal_says_so_and_a_silence_still_works(it: Stand) -> None:
    message = await it.post()
    await it.ada.press(message, "Silence…")
    view = await completed(it)
    assert "The state cannot be read now" in str(view.content)
    await it.ada.submit(view, {"for": {"for": {"selected_option": {"value": "3600000"}}}})
    assert [type(one) for one in it.acts.acts] == [AddSilence]


async def test_a_dialog_that_slack_does_not_open_is_told(it: Stand) -> None:
    it.slack.fail(Fault.REFUSED, method="views.open", word="expired_trigger_id")
    await it.ada.press(await it.post(), "Assign…")
    assert "Slack did not open the dialog" in (await it.heard(it.ada))[0]


async def test_a_modal_of_somebody_else_is_let_be(it: Stand) -> None:
    payload = {"type": "view_submission", "user": {"id": "U0ADA"}, "view": {"callback_id": "x"}}
    assert (await it.app.send("interactive", payload)).status == 200
    assert it.counted() == {("modal", "ignored"): 1}

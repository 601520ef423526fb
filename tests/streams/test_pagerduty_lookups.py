"""Webhooks that name no key: which page they are about is asked of PagerDuty, and nothing is lost
meanwhile."""

from __future__ import annotations

import asyncio
import time

from correlators.acts import Comment
from sinks.pagerduty_rest import PagerDutyRest
from sinks.peers.faults import Fault
from sinks.peers.pagerduty_said import webhook
from sinks.peers.pagerduty_webhooks import Sent
from streams.intake import renew
from streams.intake_pagerduty import GIVE_UP_MS
from streams.pagerduty_lookups import AT_ONCE, CALLS_MOST, Lookups, Unsaid
from tests.streams.pagerduty_world import (
    OTHER,
    PAGE,
    SECRETS,
    TOKEN,
    settings_with,
    world,
)


async def test_an_incident_with_grouped_alerts_is_found_by_their_keys() -> None:
    async with world(keys=False, token=TOKEN) as here:
        first, second = here.page(PAGE), here.page(OTHER)
        here.account.group(second, into=first)
        for kind in ("acknowledged", "unacknowledged"):
            here.webhooks.does(kind, first)
        here.webhooks.does("annotated", second, note="both")
        await here.webhooks.deliver()
        assert here.webhooks.waiting == []
        subjects = sorted((type(one).__name__, one.subject) for one in here.acts.told)
        assert subjects == [
            (kind, page)
            for kind in ("Acknowledge", "Comment", "Unacknowledge")
            for page in (OTHER, PAGE)
        ]
        assert [one.outcome for one in here.rest.calls] == ["ok"]


async def test_without_a_token_a_note_is_for_the_page_that_another_webhook_named() -> None:
    async with world() as here:
        key = here.page(PAGE)
        here.webhooks.does("annotated", key, note="too early")
        here.webhooks.does("acknowledged", key)
        here.webhooks.does("annotated", key, note="known now")
        await here.webhooks.deliver()
        assert [one.answers for one in here.webhooks.all] == [[200]] * 4
        comments = [one.text for one in here.acts.told if isinstance(one, Comment)]
        assert comments == ["known now"]
        assert here.counted("annotated", "no_token") == 1


async def test_a_look_up_that_fails_loses_nothing() -> None:
    async with world(keys=False, token=TOKEN) as here:
        sent = here.webhooks.does("acknowledged", here.page(PAGE))
        here.rest.fail(Fault.ERROR_503)
        assert await here.webhooks.send(sent) == 503
        here.rest.heal()
        assert here.acts.told == []
        assert not sent.dropped
        assert await here.webhooks.send(sent) == 200
        assert [one.subject for one in here.acts.told] == [PAGE]
        assert here.counted("acknowledged", "not_taken") == 1


async def test_a_slow_look_up_is_waited_for_no_longer_than_pagerduty_waits() -> None:
    async with world(keys=False, token=TOKEN) as here:
        sent = here.webhooks.does("acknowledged", here.page(PAGE))
        here.rest.fail(Fault.SLOW_BEFORE)
        assert await here.webhooks.send(sent) == 503
        here.rest.heal()
        assert await here.webhooks.send(sent) == 200
        assert len(here.rest.calls) == 1


async def test_what_asking_again_cannot_help_is_let_go() -> None:
    async with world(keys=False, token="another") as here:
        sent = here.webhooks.does("acknowledged", here.page(PAGE))
        for _ in range(2):
            assert await here.webhooks.send(sent) == 200
        assert here.counted("acknowledged", "cannot_tell") == 2
        assert len(here.rest.calls) == 1


async def test_what_asking_did_not_help_for_long_is_let_go() -> None:
    async with world(keys=False, token=TOKEN) as here:
        here.page(PAGE)
        here.rest.fail(Fault.ERROR_503)
        now_s, incident = time.time(), here.webhooks.all[0].incident_id
        for age_ms, status in ((GIVE_UP_MS - 60_000, 503), (GIVE_UP_MS + 60_000, 200)):
            raw = webhook("acknowledged", incident, event_id="9", at_s=now_s - age_ms / 1000)
            assert await here.webhooks.send(Sent("acknowledged", incident, raw, "9")) == status
        assert here.counted("acknowledged", "cannot_tell") == 1


async def test_an_incident_that_is_none_of_ours_is_asked_for_once() -> None:
    async with world(keys=False, token=TOKEN) as here:
        key = here.page(PAGE)
        here.account.pages[0].dedup_key = "somebody-elses"
        for _ in range(3):
            await here.webhooks.send(here.webhooks.does("acknowledged", "somebody-elses"))
        assert key
        assert here.counted("acknowledged", "not_ours") == 3
        assert len(here.rest.calls) == 1


async def test_look_ups_are_bounded_and_one_for_an_incident() -> None:
    async with world(keys=False, token=TOKEN) as here:
        here.page(PAGE)
        lookups = Lookups(PagerDutyRest(token=TOKEN, api_url=here.rest.base_url), wait_s=5.0)
        incident = here.webhooks.all[0].incident_id
        asked = await asyncio.gather(*(lookups.pages(incident) for _ in range(20)))
        assert asked == [frozenset({PAGE})] * 20
        assert len(here.rest.calls) == 1
        many = await asyncio.gather(*(lookups.pages(f"Q{n}") for n in range(20)))
        assert many.count(Unsaid.NOT_YET) == 20 - AT_ONCE
        assert many.count(Unsaid.REFUSED) == AT_ONCE
        for number in range(100, 100 + CALLS_MOST):
            await lookups.pages(f"Q{number}")
        assert len(here.rest.calls) == CALLS_MOST
        assert await lookups.pages("Q999") is Unsaid.NOT_YET
        await lookups.close()


async def test_an_answer_holds_for_a_while_since_alerts_may_join_an_incident() -> None:
    async with world(keys=False, token=TOKEN) as here:
        first = here.page(PAGE)
        incident = here.webhooks.all[0].incident_id
        rest = PagerDutyRest(token=TOKEN, api_url=here.rest.base_url)
        kept, forgets = Lookups(rest, wait_s=5.0), Lookups(rest, wait_s=5.0, fresh_s=0.0)
        for lookups in (kept, forgets):
            assert await lookups.pages(incident) == frozenset({PAGE})
        here.account.group(here.page(OTHER), into=first)
        assert await kept.pages(incident) == frozenset({PAGE})
        assert await forgets.pages(incident) == frozenset({PAGE, OTHER})
        await rest.close()


async def test_a_limit_that_pagerduty_tells_is_kept() -> None:
    async with world(keys=False, token=TOKEN) as here:
        here.page(PAGE)
        for _ in range(960):
            here.rest._window.take(time.time())
        lookups = Lookups(PagerDutyRest(token=TOKEN, api_url=here.rest.base_url), wait_s=5.0)
        assert await lookups.pages("Q1") is Unsaid.NOT_YET
        assert await lookups.pages("Q2") is Unsaid.NOT_YET
        assert [one.outcome for one in here.rest.calls] == ["rate_limited"]
        await lookups.close()


async def test_alerts_are_read_page_by_page() -> None:
    async with world(keys=False, token=TOKEN) as here:
        first = here.page(PAGE)
        keys = [here.page(f"inc-{number:016x}.1") for number in range(60)]
        for key in keys:
            here.account.group(key, into=first)
        rest = PagerDutyRest(token=TOKEN, api_url=here.rest.base_url)
        found = await rest.alert_keys(here.webhooks.all[0].incident_id)
        assert found == (first, *keys)
        assert len(here.rest.calls) == 3
        await rest.close()


async def test_another_configuration_forgets_no_page_that_a_webhook_named() -> None:
    async with world() as here:
        key = here.page(PAGE)
        here.webhooks.does("acknowledged", key)
        await here.webhooks.deliver()
        await renew(here.app, settings_with(*SECRETS))
        here.webhooks.does("annotated", key, note="after the reload")
        await here.webhooks.deliver()
        assert [one.text for one in here.acts.told if isinstance(one, Comment)] == [
            "after the reload"
        ]
        assert here.counted("annotated", "no_token") == 0


async def test_what_another_token_was_refused_is_asked_again_with_the_new_one() -> None:
    async with world(keys=False, token="a-wrong-token") as here:
        key = here.page(PAGE)
        here.webhooks.does("acknowledged", key)
        await here.webhooks.deliver()
        assert here.counted("acknowledged", "cannot_tell") == 1
        right = settings_with(*SECRETS, token=TOKEN, api_url=here.rest.base_url)
        await renew(here.app, right)
        here.webhooks.does("annotated", key, note="known now")
        await here.webhooks.deliver()
        assert [type(one) for one in here.acts.told] == [Comment]

"""Forms on Teams' cards, through a local workflow."""

from __future__ import annotations

import json

import msgspec

from correlators.types import Digest
from sinks.base import Delivered, Receipt, Step
from sinks.form_names import CRITICAL, Form, Templates
from sinks.formed import TEAMS, Formed
from sinks.forms import Forms
from sinks.notes import Notes
from sinks.peers.teams import TeamsPeer
from sinks.teams import TeamsSink
from sinks.teams_card import MESSAGE_BYTES, message_of
from tests.sinks.make import attempt, digest

BAD = Form("bad.j2", "{{ d.services[99].service }}")
FORMS = Templates(forms={"bad": BAD}, by_rule={"loud": CRITICAL, "bad": "bad"})


def of(rule: str, **changed: object) -> Digest:
    values = {"rule": rule, "runbook": "https://wiki.test/pay", **changed}
    return msgspec.structs.replace(digest("teams:shop"), **values)


async def test_a_card_has_the_words_of_its_form_and_what_is_new_its_own() -> None:
    async with TeamsPeer(workflows=["shop"]) as peer:
        sink = TeamsSink(workflows={"shop": peer.workflow_url("shop")}, forms=Forms(FORMS))
        first = of("loud", notes=("Ada: on it",), title="**b** <at>all</at>")
        assert isinstance(await sink.send(attempt(Step.POST, first)), Delivered)
        second = attempt(Step.POST, of("loud", revision=2), root=Receipt(id="x"))
        assert isinstance(await sink.send(second), Delivered)
        assert peer.failed == []
        card, news = peer.posted
        assert "Impact: 2 services · 412 events · 97 users" in card.text
        assert "Ada: on it" in card.text
        assert "**b** <at>all</at>" in card.text
        assert "actions" not in card.card
        assert '"url": "https://wiki.test/pay"' in json.dumps(card.card)
        assert "Impact:" not in news.text
        await sink.close()


async def test_a_form_that_fails_leaves_the_card_as_it_would_be_without_it() -> None:
    async with TeamsPeer(workflows=["shop"]) as peer:
        sink = TeamsSink(workflows={"shop": peer.workflow_url("shop")}, forms=Forms(FORMS))
        for rule in ("bad", "other"):
            assert isinstance(await sink.send(attempt(Step.POST, of(rule))), Delivered)
        failed, plain = peer.posted
        assert failed.card == plain.card
        assert sink.notes.take_forms() == {"bad": 1}
        await sink.close()


async def test_the_longest_form_is_a_card_that_teams_takes() -> None:
    source = "{% for a in d.title %}{{ d.title|truncate(60) }}\n{% endfor %}"
    forms = Forms(Templates(forms={"default": Form("f.j2", source)}))
    what = of("x", title="\U0001f525" * 300, notes=("n" * 1_400,) * 6)
    form = await Formed(forms, Notes(), TEAMS).said(what, None, possible_repeat=False)
    assert form is not None
    made = message_of(what, form=form[0])
    assert len(made.body) <= MESSAGE_BYTES
    assert "lines" in made.cuts

"""Forms in a local Slack on a real socket: called once, edited silently, never in the way."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from correlators.types import Digest, PageAction
from sinks.base import Delivered, Step
from sinks.form_names import CRITICAL, Form, Templates
from sinks.forms import Forms
from sinks.peers.slack import SlackPeer
from sinks.slack import SlackSink
from tests.sinks.conftest import TOKEN
from tests.sinks.hostile import ACTS
from tests.sinks.make import attempt, digest

BAD = Form("bad.j2", "{{ d.services[99].service }}")


class Ada:
    """Is on call in production."""

    async def __call__(self, digest: Digest) -> tuple[str, ...]:
        return ("Ada Lovelace",) if digest.environment == "production" else ()

    async def close(self) -> None: ...


@pytest.fixture
async def sink(slack: SlackPeer) -> AsyncIterator[SlackSink]:
    templates = Templates(forms={"bad": BAD}, by_rule={"loud": CRITICAL, "bad": "bad"})
    made = SlackSink(
        token=TOKEN,
        channels={"incidents": "C0INC"},
        buttons=True,
        forms=Forms(templates, Ada()),
        base_url=slack.base_url,
    )
    yield made
    await made.close()


def of(rule: str, **changed: object) -> Digest:
    return msgspec.structs.replace(
        digest("slack:incidents", page=PageAction.TRIGGER), rule=rule, **changed
    )


async def test_the_channel_is_called_once_and_the_edit_calls_nobody(
    slack: SlackPeer, sink: SlackSink
) -> None:
    made = await sink.send(attempt(Step.POST, of("loud")))
    assert isinstance(made, Delivered)
    (post,) = slack.posts("incidents")
    assert "<!channel> *ERROR* in *production*" in str(post.blocks)
    assert "*On call:* Ada Lovelace" in str(post.blocks)
    assert post.text.startswith("📟 Page: payment +1")
    kinds = [one["type"] for one in post.blocks]
    assert kinds[0] == "header"
    assert kinds[-2:] == ["actions", "context"]
    later = of("loud", revision=2, users=98)
    edited = await sink.send(attempt(Step.EDIT, later, root=made.receipt))
    assert isinstance(edited, Delivered)
    (post,) = slack.posts("incidents")
    assert "98 users" in str(post.blocks)
    assert "<!channel>" not in str(post.blocks) + post.text


async def test_a_form_that_fails_leaves_the_message_as_it_would_be_without_it(
    slack: SlackPeer, sink: SlackSink
) -> None:
    for rule in ("bad", "other"):
        what = msgspec.structs.replace(of(rule), id=f"inc-{rule}")
        assert isinstance(await sink.send(attempt(Step.POST, what)), Delivered)
    failed, plain = slack.posts("incidents")
    assert str(failed.blocks).replace("inc-bad", "inc-other") == str(plain.blocks)
    assert sink.notes.take_forms() == {"bad": 1}


@pytest.mark.parametrize("text", ACTS)
async def test_slack_takes_the_critical_form_of_whatever_an_event_says(
    slack: SlackPeer, sink: SlackSink, text: str
) -> None:
    what = of("loud", title=text, culprit=text, owners=(text,), origin=text, releases=(text,) * 9)
    assert isinstance(await sink.send(attempt(Step.POST, what)), Delivered)
    (post,) = slack.posts("incidents")
    assert str(post.blocks).count("<!channel>") == 1

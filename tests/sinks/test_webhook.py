"""Webhooks against local receivers on real sockets: signed, once or marked, never inside."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from standardwebhooks import Webhook
from standardwebhooks.exceptions import WebhookVerificationError
from structlog.testing import capture_logs

from correlators.types import DigestKind
from sinks.base import (
    CannotTell,
    Delivered,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Unknown,
)
from sinks.peers.serve import Fault
from sinks.peers.webhook import WebhookPeer
from sinks.webhook import TIMEOUT_MS, Endpoint, WebhookSink
from sinks.webhook_body import id_of
from sinks.webhook_signature import key_of, signature
from tests.sinks.drive import Driver
from tests.sinks.make import attempt, digest
from tests.sinks.webhook_case import HERE, secret

AT = "webhook:mender"
OLD, NEW = secret("old"), secret("new")


@pytest.fixture
async def peer() -> AsyncIterator[WebhookPeer]:
    async with WebhookPeer(secrets={"mender": OLD}) as made:
        yield made


@pytest.fixture
async def sink(peer: WebhookPeer) -> AsyncIterator[WebhookSink]:
    made = sink_of(peer)
    yield made
    await made.close()


def sink_of(peer: WebhookPeer, *secrets: str, **how: Any) -> WebhookSink:
    endpoint = Endpoint(url=peer.url("mender"), secrets=secrets or (OLD,))
    return WebhookSink(**{"endpoints": {"mender": endpoint}, "internal": HERE, **how})


# ---------------------------------------------------------------- what arrives


async def test_every_revision_is_a_message_of_its_own(peer: WebhookPeer, sink: WebhookSink) -> None:
    driver = Driver(sink)
    await driver.run(digest(AT))
    await driver.run(digest(AT, revision=2))
    await driver.run(digest(AT, revision=3, resolved=True))
    assert [one.message["type"] for one in peer.arrived] == [
        "storm.opened",
        "storm.updated",
        "storm.resolved",
    ]
    assert len(peer.messages) == 3
    assert peer.rejected == []


async def test_what_may_have_arrived_comes_again_under_its_id_and_says_so(
    peer: WebhookPeer, sink: WebhookSink
) -> None:
    peer.fail_next("hook", Fault.DROP_AFTER)
    await Driver(sink).run(digest(AT), within_s=30)
    first, second = peer.arrived
    assert first.id == second.id
    assert [one.message["data"]["possible_repeat"] for one in (first, second)] == [False, True]
    assert len(peer.messages) == 1


def test_an_id_is_of_one_message_alone() -> None:
    one = digest(AT)
    others = [
        digest(AT, revision=2),
        digest(AT, revision=3),
        digest("webhook:other"),
        digest(AT, id="inc-2"),
        msgspec.structs.replace(one, kind=DigestKind.REMINDER, notice="nobody has it"),
    ]
    ids = [id_of(attempt(Step.POST, each)) for each in (one, *others)]
    assert len(set(ids)) == 6
    assert id_of(attempt(Step.POST, one, number=9, possible_repeat=True)) == ids[0]
    assert all(each.replace("_", "").isalnum() for each in ids)  # no dot: dots part what is signed


# ---------------------------------------------------------------- signatures


async def test_while_a_secret_is_replaced_both_receivers_take_it(peer: WebhookPeer) -> None:
    sink = sink_of(peer, NEW, OLD)
    assert isinstance(await sink.send(attempt(Step.POST, digest(AT))), Delivered)
    peer.replace_secret("mender", NEW)
    assert isinstance(await sink.send(attempt(Step.POST, digest(AT, revision=2))), Delivered)
    assert [len(one.signatures) for one in peer.arrived] == [2, 2]
    await sink.close()
    only_old = sink_of(peer, OLD)
    outcome = await only_old.send(attempt(Step.POST, digest(AT)))
    assert isinstance(outcome, Retry)
    assert outcome.detail.startswith("status 401: it does not take our signature")
    await only_old.close()


def test_the_library_of_the_standard_takes_what_is_signed() -> None:
    body, at_s = json.dumps({"type": "storm.opened"}).encode(), int(time.time())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at_s),
        "webhook-signature": signature([key_of(OLD), key_of(NEW)], "msg_1", at_s, body),
    }
    for one in (OLD, NEW):
        assert Webhook(one).verify(body, headers) == {"type": "storm.opened"}
    for wrong in ({"webhook-id": "msg_2"}, {"webhook-timestamp": str(at_s + 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(OLD).verify(body, headers | wrong)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret("third")).verify(body, headers)


async def test_each_call_is_signed_at_its_own_time(peer: WebhookPeer) -> None:
    """A repeat an hour later is taken by a receiver that takes nothing old."""
    now = [time.time()]
    peer.clock = lambda: now[0]
    sink = sink_of(peer, clock=lambda: now[0])
    one = attempt(Step.POST, digest(AT))
    assert isinstance(await sink.send(one), Delivered)
    now[0] += 3_600
    assert isinstance(await sink.send(one), Delivered)
    assert len(peer.messages) == 1
    await sink.close()


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "whsec_",
        "plain text that is long enough",
        "whsec_not base64!",
        "whsec_" + base64.b64encode(b"x" * 23).decode(),
        "whsec_" + base64.b64encode(b"x" * 65).decode(),
        base64.b64encode(b"x" * 32).decode(),
    ],
)
def test_what_is_no_secret_is_refused_unseen(wrong: str) -> None:
    with pytest.raises(ValueError, match="expected whsec_ and base64 of 24 to 64 bytes") as error:
        Endpoint(url="https://a.test/", secrets=(wrong,))
    assert wrong == "" or wrong == "whsec_" or wrong not in str(error.value)
    with pytest.raises(ValueError, match="needs a secret"):
        Endpoint(url="https://a.test/", secrets=())


# ---------------------------------------------------------------- answers


async def test_410_ends_it_without_another_call(peer: WebhookPeer, sink: WebhookSink) -> None:
    peer.want_no_more("mender")
    with capture_logs() as logs:
        outcomes = [await sink.send(attempt(Step.POST, digest(AT, id=str(n)))) for n in range(3)]
    for outcome in outcomes:
        assert isinstance(outcome, Rejected)
        assert outcome.reason is RejectReason.NO_SUCH_PLACE
        assert outcome.detail.startswith("status 410: it wants no more")
    assert len(peer.calls) == 1
    assert len(logs) == 1
    peer.want_again("mender")
    anew = sink_of(peer)
    assert isinstance(await anew.send(attempt(Step.POST, digest(AT))), Delivered)
    await anew.close()


def test_a_receiver_has_longer_than_most_need_and_less_than_its_attempt(sink: WebhookSink) -> None:
    """Whoever is slower than the call is told the same again and again."""
    assert 5_000 < TIMEOUT_MS < sink.plan(AT).attempt_ms


async def test_redirects_are_not_followed(peer: WebhookPeer, sink: WebhookSink) -> None:
    async with WebhookPeer(secrets={"mender": OLD}) as other:
        peer.move("mender", other.url("mender"))
        outcome = await sink.send(attempt(Step.POST, digest(AT)))
        assert isinstance(outcome, Retry)
        assert (outcome.reason, outcome.scope) == (RetryReason.NEEDS_SOMEBODY, Scope.DESTINATION)
        assert outcome.detail.startswith("status 307: redirects are not followed")
        assert other.url("mender") not in outcome.detail
        assert other.calls == []


@pytest.mark.parametrize(("word", "reason"), [("400", "invalid"), ("413", "too_large")])
async def test_a_message_that_is_refused_is_given_up(
    peer: WebhookPeer, sink: WebhookSink, word: str, reason: str
) -> None:
    peer.fail(Fault.REFUSED, word=word, calls=1)
    outcome = await sink.send(attempt(Step.POST, digest(AT)))
    assert outcome == Rejected(RejectReason(reason), f"status {word}")


async def test_a_rate_and_a_503_with_a_time_are_waited_for(
    peer: WebhookPeer, sink: WebhookSink
) -> None:
    peer.fail(Fault.RATE_LIMITED, calls=1, retry_after_s=9)
    outcome = await sink.send(attempt(Step.POST, digest(AT)))
    assert outcome == Retry(RetryReason.RATE_LIMITED, 9_000, Scope.DESTINATION)
    peer.heal()
    peer.fail(Fault.ERROR_503, calls=1)
    assert isinstance(await sink.send(attempt(Step.POST, digest(AT))), Unknown)
    assert peer.arrived == []


async def test_nothing_is_looked_up(sink: WebhookSink) -> None:
    found = await sink.find(attempt(Step.POST, digest(AT), find=True))
    assert found == CannotTell("a receiver is not asked")


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "name",
    [
        *("127.0.0.1", "localhost", "127.1", "2130706433", "017700000001", "0x7f.1", "0"),
        *("0.0.0.0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]"),
        *(
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "shop.test@127.0.0.1",
        ),
    ],
)
async def test_nothing_inside_is_called_however_it_is_written(peer: WebhookPeer, name: str) -> None:
    url = peer.url("mender").replace("127.0.0.1", name)
    for scheme in ("http", "https"):
        endpoint = Endpoint(url=url.replace("http", scheme, 1), secrets=(OLD,))
        sink = WebhookSink(endpoints={"mender": endpoint})
        outcome = await sink.send(attempt(Step.POST, digest(AT)))
        assert isinstance(outcome, Retry)
        assert outcome.reason is RetryReason.NEEDS_SOMEBODY
        assert "sinks.webhook.internal" in outcome.detail
        assert name not in outcome.detail
        await sink.close()
    assert peer.calls == []


def test_outside_only_https_is_called(sink: WebhookSink) -> None:
    check = sink._check
    assert check("https", "93.184.216.34") == ""
    assert "https" in check("http", "93.184.216.34")
    assert check("http", "127.0.0.1") == ""
    assert "inside" in check("https", "10.0.0.1")

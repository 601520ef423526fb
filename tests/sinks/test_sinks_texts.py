"""Whatever stands in a digest, every sink delivers it; and no secret gets anywhere."""

from __future__ import annotations

import logging

import msgspec
import pytest

from correlators.types import Digest, ServiceLine
from sinks import SINKS, sink_class
from sinks.base import Delivered, Retry, Unknown
from sinks.peers.faults import Fault
from sinks.targets import targets
from tests.sinks.case import Case
from tests.sinks.cases import SECRETS
from tests.sinks.make import attempt
from tests.sinks.played import Clock
from tests.sinks.suite import FAULTS, play

HOSTILE: dict[str, str] = {
    "long": "x" * 200_000,
    "long words": "storm " * 20_000,
    "markup": "<!channel> <!here> <@U123> *bold* _it_ ~no~ `code` ```pre``` & < > &lt; <https://a|b>",
    "lines": "first\nsecond\r\nthird\x00\x07\x1b[31m\u2028end",
    "direction": "abc\u202egnp.exe\u2066x\u2069",
    "wide": "🔥" * 5_000 + "漢字" * 2_000,
    "json": '{"text": "x", "blocks": [',
    "template": "{{ 7*7 }} {% raw %} ${HOME}",
    "blank": " \t ",
}


def hostile(one: Digest, text: str) -> Digest:
    lines = tuple(
        ServiceLine(service=f"{text[:300]}{number}", title=text, events=1, incidents=1)
        for number in range(60)
    )
    return msgspec.structs.replace(
        one,
        title=text,
        services=lines,
        culprit=text,
        transaction=text,
        releases=(text,) * 5,
        new_release=text,
        environment=text[:500] or "x",
        owners=(text[:200],),
        rule=text[:200],
    )


@pytest.mark.parametrize("name", HOSTILE)
async def test_whatever_stands_in_a_digest_it_is_told(case: Case, clock: Clock, name: str) -> None:
    played = play(case, clock)
    await played.run(hostile(case.digest(), HOSTILE[name]))
    assert played.dead == []
    assert len(case.told("inc-1")) == 1
    if case.peer is not None:
        assert case.peer.rejected == []
    if case.sink.name == "slack":
        (told,) = case.told("inc-1")
        for markup in ("<!channel", "<!here", "<@U123", "<https://a|"):
            assert markup not in told


# ---------------------------------------------------------------- secrets


async def test_no_secret_reaches_a_log_an_error_or_a_repr(
    served: Case, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    assert served.peer is not None
    caplog.set_level(logging.DEBUG)
    played = play(served, clock)
    for fault in FAULTS:
        served.peer.fail(fault, calls=1)
        await played.run(served.digest(fault.value))
    served.peer.fail(Fault.REFUSED, method=served.method, calls=1, word=served.refusal[0])
    await played.run(served.digest("refused"))
    assert len(played.dead) == 1
    entries = repr(played.outbox.entries())
    said = [caplog.text, repr(served.sink), repr(played.outcomes), repr(played.dead), entries]
    for secret in SECRETS:
        assert [secret in one for one in said] == [False] * len(said)
        assert secret not in repr(served.peer.calls)


async def test_every_destination_has_an_account_and_a_plan(case: Case) -> None:
    found = targets([case.sink])
    assert tuple(found) == case.sink.destinations
    for destination, target in found.items():
        assert destination.partition(":")[0] == case.sink.name
        for secret in SECRETS:
            assert secret not in target.account + repr(case.sink) + repr(target)


async def test_a_call_that_succeeds_gives_a_receipt(case: Case) -> None:
    outcome = await case.sink.send(attempt(case.first_step, case.digest()))
    assert isinstance(outcome, Delivered)
    assert outcome.receipt.id


async def test_a_service_that_answers_too_slowly_leaves_an_unknown_outcome(served: Case) -> None:
    assert served.peer is not None
    served.peer.fail_next(served.method, Fault.SLOW_AFTER)
    outcome = await served.sink.send(attempt(served.first_step, served.digest()))
    assert isinstance(outcome, Unknown)


async def test_a_service_that_nobody_serves_is_certainly_not_reached(served: Case) -> None:
    assert served.peer is not None
    await served.peer.stop_listening()
    assert isinstance(await served.sink.send(attempt(served.first_step, served.digest())), Retry)


def test_the_registry_names_the_class_of_each_sink() -> None:
    for name in SINKS:
        assert getattr(sink_class(name), "name", "") == name

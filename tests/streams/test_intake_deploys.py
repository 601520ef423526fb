"""`POST /deploys`: signed as Standard Webhooks are, and told what is wrong with it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from correlators.deploys import NotADeploy, read_deploy
from correlators.events import decode
from correlators.types import ChangeKind, StateChange, Unreadable
from streams.broker import Broker
from streams.intake import make_app
from streams.intake_checks import DEPLOY_WITHIN_S, Answer, check_deploy, deploy_key
from streams.metrics import Metrics
from streams.references import Secret
from streams.settings import Settings, SettingsError
from tests.streams.test_intake import SlowLog, running, settings_for, written

KEY = b"a key of some length, as generated"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OTHER = b"another key"
DEPLOY = {
    "service": "checkout",
    "release": "checkout@1.2.4",
    "environment": "production",
    "at": "2026-11-27T10:00:00Z",
    "by": "ada@example.com",
    "url": "https://ci.example.com/runs/7",
}
BODY = json.dumps(DEPLOY).encode()


def signature(key: bytes, message_id: str, at: str, body: bytes) -> str:
    made = hmac.new(key, f"{message_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(made).decode()


def headers(body: bytes, *, key: bytes = KEY, at_s: float | None = None) -> dict[str, str]:
    at = str(int(time.time() if at_s is None else at_s))
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": at,
        "webhook-signature": signature(key, "msg_1", at, body),
    }


def with_secrets(bootstrap: str, namespace: str, *secrets: str) -> Settings:
    held = tuple(Secret(one, place="test", environ={}) for one in secrets)
    return settings_for(bootstrap, namespace, intake={"deploy_secrets": held})


async def post(address: str, body: bytes, head: dict[str, str]) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{address}/deploys", data=body, headers=head) as answer,
    ):
        return answer.status, (await answer.text()).strip()


async def test_a_deploy_is_in_kafka_untouched_and_read_from_there(
    kafka: Broker, namespace: str
) -> None:
    settings = with_secrets(kafka.bootstrap, namespace, "plain text secret", SECRET)
    async with running(settings) as address:
        assert await post(address, BODY, headers(BODY)) == (200, "accepted")
        by_text = headers(BODY, key=b"plain text secret")
        assert await post(address, BODY, by_text) == (200, "accepted")
        wrong = await post(address, BODY, headers(BODY, key=OTHER))
        assert wrong == (401, "no configured secret matches")
        missing = await post(address, BODY, {})
        assert missing[0] == 401
        assert "webhook-signature" in missing[1]
        old = headers(BODY, at_s=time.time() - DEPLOY_WITHIN_S - 60)
        assert (await post(address, BODY, old))[0] == 401
        short = json.dumps({**DEPLOY, "release": ""}).encode()
        told = await post(address, short, headers(short))
        assert told == (400, "malformed deploy: release: expected a name, found none")
        records = await written(settings, 2)
    for record in records:
        assert record.value == BODY
        assert dict(record.headers)["resource"] == b"deploy"
    found = decode("deploy", records[0].value or b"", default_environment="x")
    assert isinstance(found, StateChange)
    assert (found.kind, found.service, found.environment, found.release) == (
        ChangeKind.DEPLOY,
        "checkout",
        "production",
        "checkout@1.2.4",
    )
    assert (found.at_ms, found.by) == (1_795_773_600_000, "<email>")


async def test_without_a_secret_there_is_no_way_in(kafka: Broker, namespace: str) -> None:
    async with running(settings_for(kafka.bootstrap, namespace)) as address:
        assert (await post(address, BODY, headers(BODY)))[0] == 404


def test_a_secret_that_is_no_key_is_refused() -> None:
    with pytest.raises(SettingsError, match="base64"):
        make_app(with_secrets("localhost:1", "x", "whsec_!!"), Metrics(), SlowLog())
    assert deploy_key(SECRET) == KEY


def test_each_check_of_the_signature_has_its_answer() -> None:
    now = 1_800_000_000.0
    at = str(int(now))
    good = signature(KEY, "m", at, BODY)
    old = signature(OTHER, "m", at, BODY)

    def check(message_id: str | None, moment: str | None, given: str | None) -> Answer:
        return check_deploy((message_id, moment, given), BODY, [KEY], now)

    assert check("m", at, good) is Answer.ACCEPTED
    assert check("m", at, f"v1a,xyz {old} {good}") is Answer.ACCEPTED
    assert check("m", at, old) is Answer.NO_SECRET_MATCHES
    assert check("other", at, good) is Answer.NO_SECRET_MATCHES
    assert check("m", str(int(now) + 1), good) is Answer.NO_SECRET_MATCHES
    assert check(None, at, good) is Answer.MISSING_SIGNATURE
    assert check("m", None, good) is Answer.MISSING_SIGNATURE
    assert check("m", at, "") is Answer.MISSING_SIGNATURE
    assert check("m", "now", good) is Answer.MALFORMED_SIGNATURE
    assert check("m", at, "v2,abc") is Answer.MALFORMED_SIGNATURE
    for away in (DEPLOY_WITHIN_S + 1, -DEPLOY_WITHIN_S - 1):
        stale = str(int(now) + away)
        assert check("m", stale, signature(KEY, "m", stale, BODY)) is Answer.STALE_DEPLOY
    assert check_deploy(("m", at, good), BODY, [b""], now) is Answer.NO_SECRET_MATCHES


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_another_body_is_never_signed_by_this_signature(body: bytes, other: bytes) -> None:
    at = "1800000000"
    answer = check_deploy(("m", at, signature(KEY, "m", at, body)), other, [KEY], 1.8e9)
    assert (answer is Answer.ACCEPTED) == (body == other)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"service": 7}, "service: expected `str`, got `int`"),
        ({"environment": " "}, "environment: expected a name, found none"),
        ({"at": "yesterday"}, "at: expected a moment such as"),
        ({"at": None}, "at: expected `int | float | str`, got `null`"),
    ],
)
def test_what_is_wrong_with_a_deploy_is_told(change: dict[str, Any], told: str) -> None:
    body = json.dumps({**DEPLOY, **change}).encode()
    with pytest.raises(NotADeploy) as error:
        read_deploy(body)
    assert str(error.value).startswith(told)
    assert decode("deploy", body, default_environment="x") == Unreadable(reason="no_deploy")


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    found = decode("deploy", body, default_environment="x")
    assert found == Unreadable(reason="no_deploy")


def test_the_same_deploy_told_twice_is_one() -> None:
    again = json.dumps({**DEPLOY, "by": "bob", "at": 1_795_773_600}, indent=1).encode()
    assert read_deploy(again).identity == read_deploy(BODY).identity
    later = json.dumps({**DEPLOY, "at": 1_795_773_601}).encode()
    assert read_deploy(later).identity != read_deploy(BODY).identity

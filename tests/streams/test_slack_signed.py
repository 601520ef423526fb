"""What Slack signed is taken, and every other request is refused with the check that it fails."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_sdk.signature import Clock, SignatureVerifier

from streams.slack_signed import SAID, WITHIN_S, Signed, check

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW_S = 1_531_420_618
BODY = b"token=x&team_id=T1&command=%2Fstormfold&text=status"


class At(Clock):
    """Slack's own clock, standing still."""

    def __init__(self, now_s: float) -> None:
        self._now_s = now_s

    def now(self) -> float:
        return self._now_s


def signature_of(body: bytes, secret: str = SECRET, at: int = NOW_S) -> str:
    signed = b"v0:" + str(at).encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def checked(
    body: bytes = BODY,
    *,
    at: str | None = str(NOW_S),
    signature: str | None = None,
    secrets: tuple[bytes, ...] = (SECRET.encode(),),
    now_s: float = NOW_S,
) -> Signed:
    return check(at, signature or signature_of(BODY), body, secrets, now_s)


def test_a_request_that_slack_signed_is_taken() -> None:
    assert checked() is Signed.YES


def test_the_old_secret_is_taken_beside_the_new_one() -> None:
    assert checked(secrets=(b"new", SECRET.encode())) is Signed.YES
    assert checked(secrets=(b"new",)) is Signed.NO_SECRET_MATCHES


def test_an_empty_secret_signs_nothing() -> None:
    forged = signature_of(BODY, secret="")
    assert checked(signature=forged, secrets=(b"",)) is Signed.NO_SECRET_MATCHES
    assert checked(secrets=()) is Signed.NO_SECRET_MATCHES


@pytest.mark.parametrize(("late_s", "says"), [(300, Signed.YES), (301, Signed.STALE)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_request_is_taken_for_five_minutes_to_either_side(
    late_s: int, says: Signed, sign: int
) -> None:
    assert checked(now_s=NOW_S + sign * late_s) is says


def test_the_body_is_taken_as_it_came_and_not_as_it_reads() -> None:
    assert checked(b"token=x&team_id=T1&command=/stormfold&text=status") is not Signed.YES
    assert checked(BODY + b"\n") is Signed.NO_SECRET_MATCHES


@pytest.mark.parametrize(
    ("at", "signature", "says"),
    [
        (None, "v0=" + "0" * 64, Signed.MISSING_TIMESTAMP),
        ("", "v0=" + "0" * 64, Signed.MALFORMED_TIMESTAMP),
        ("soon", "v0=" + "0" * 64, Signed.MALFORMED_TIMESTAMP),
        ("١٢٣", "v0=" + "0" * 64, Signed.MALFORMED_TIMESTAMP),
        ("-1", "v0=" + "0" * 64, Signed.MALFORMED_TIMESTAMP),
        ("1e9", "v0=" + "0" * 64, Signed.MALFORMED_TIMESTAMP),
        (str(NOW_S), None, Signed.MISSING_SIGNATURE),
        (str(NOW_S), "", Signed.MALFORMED_SIGNATURE),
        (str(NOW_S), "v1=" + "0" * 64, Signed.MALFORMED_SIGNATURE),
        (str(NOW_S), "v0=" + "é" * 64, Signed.MALFORMED_SIGNATURE),
        (str(NOW_S), "v0=" + "0" * 64, Signed.NO_SECRET_MATCHES),
    ],
)
def test_garbage_headers_are_refused_with_the_check_that_failed(
    at: str | None, signature: str | None, says: Signed
) -> None:
    assert check(at, signature, BODY, (SECRET.encode(),), NOW_S) is says
    assert says in SAID


@given(
    # Theirs reads text; ours any bytes.
    body=st.text(max_size=100).map(str.encode),
    at=st.integers(NOW_S - 400, NOW_S + 400),
    secret=st.sampled_from([SECRET, "other"]),
    spoilt=st.booleans(),
)
def test_it_takes_what_slacks_own_verifier_takes(
    body: bytes, at: int, secret: str, spoilt: bool
) -> None:
    given = signature_of(body, secret, at)
    sent = body + b"!" if spoilt else body
    theirs = SignatureVerifier(SECRET, At(NOW_S)).is_valid(sent, str(at), given)
    ours = check(str(at), given, sent, (SECRET.encode(),), NOW_S)
    assert (ours is Signed.YES) == theirs
    assert WITHIN_S == 300


@given(at=st.none() | st.text(max_size=20), signature=st.none() | st.text(max_size=80))
def test_no_header_raises(at: str | None, signature: str | None) -> None:
    assert check(at, signature, BODY, (SECRET.encode(),), NOW_S) is not Signed.YES

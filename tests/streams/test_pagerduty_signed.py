"""The signature of PagerDuty's webhooks: any secret of ours, any of their signatures, these
bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sinks.peers.pagerduty_said import signature
from streams.intake_checks import SIGNATURES_READ, Answer
from streams.pagerduty_signed import check

BODY = b'{"event": {}}'
NEW, OLD, OTHER = "new-secret", "old-secret", "somebody-elses"
OURS = [NEW.encode(), OLD.encode()]


def test_each_check_of_the_signature_has_its_answer() -> None:
    assert check(signature(BODY, [NEW]), BODY, OURS) is Answer.ACCEPTED
    assert check(signature(BODY, [OLD]), BODY, OURS) is Answer.ACCEPTED
    assert check(signature(BODY, [OTHER, NEW]), BODY, OURS) is Answer.ACCEPTED
    assert check(f"v2=abc, {signature(BODY, [NEW])}", BODY, OURS) is Answer.ACCEPTED
    assert check(signature(BODY, [NEW]).upper().replace("V1", "v1"), BODY, OURS) is Answer.ACCEPTED
    assert check(None, BODY, OURS) is Answer.MISSING_SIGNATURE
    for odd in ("", "v1=", "v1=abc", signature(BODY, [NEW]).replace("v1", "v2"), "z" * 64):
        assert check(odd, BODY, OURS) is Answer.MALFORMED_SIGNATURE
    assert check(signature(BODY, [OTHER]), BODY, OURS) is Answer.NO_SECRET_MATCHES
    assert check(signature(BODY, [NEW]), BODY + b" ", OURS) is Answer.NO_SECRET_MATCHES


def test_an_empty_secret_and_no_secret_sign_nothing() -> None:
    assert check(signature(BODY, [""]), BODY, [b""]) is Answer.NO_SECRET_MATCHES
    assert check(signature(BODY, [NEW]), BODY, []) is Answer.NO_SECRET_MATCHES


def test_only_so_many_signatures_are_looked_at() -> None:
    many = signature(BODY, [OTHER] * SIGNATURES_READ + [NEW])
    assert check(many, BODY, OURS) is Answer.NO_SECRET_MATCHES


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_another_body_is_never_signed_by_this_signature(body: bytes, other: bytes) -> None:
    answer = check(signature(body, [NEW]), other, OURS)
    assert (answer is Answer.ACCEPTED) == (body == other)


@given(st.text(max_size=200))
def test_no_header_raises(given: str) -> None:
    assert check(given, BODY, OURS) is not Answer.ACCEPTED

"""Whether PagerDuty signed a webhook, and which check failed where it did not.

No I/O: a header and bytes in, a reason out. Nothing in the signature is a time, so a webhook that
somebody kept is as good as a new one: that an act told again changes nothing is what holds it off.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from streams.intake_checks import SAID, SIGNATURES_READ, Answer

HEADER: Final = "X-PagerDuty-Signature"

PAGERDUTY_SAID: Final[dict[Answer, tuple[int, str]]] = {
    **SAID,
    Answer.MISSING_SIGNATURE: (401, f"missing header {HEADER}"),
    Answer.MALFORMED_SIGNATURE: (
        401,
        "malformed signature: expected v1= and 64 hexadecimal digits, several separated by commas",
    ),
}
"""Status and text of each answer to PagerDuty, which retries a 503 and drops a 4xx."""

_V1: Final = re.compile(r"v1=([0-9A-Fa-f]{64})")


def check(given: str | None, body: bytes, secrets: Sequence[bytes]) -> Answer:
    """Return `ACCEPTED` if any secret signs the body so, else which check failed.

    Every secret is compared with every signature, in constant time; an empty secret signs nothing.

    Args:
        given: the header, None when it is absent; signatures of another version are let be.
        body: exactly as received.
        secrets: of the webhook subscriptions; several while one is being replaced.

    Source: developer.pagerduty.com, webhooks, signatures: hex HMAC-SHA256 over the raw body, one
    `v1=` for each secret, any of which is good.
    """
    if given is None:
        return Answer.MISSING_SIGNATURE
    parts = [part.strip() for part in given.split(",", SIGNATURES_READ)[:SIGNATURES_READ]]
    signatures = [found[1].lower() for part in parts if (found := _V1.fullmatch(part))]
    if not signatures:
        return Answer.MALFORMED_SIGNATURE
    made = [hmac.new(secret, body, hashlib.sha256).hexdigest() for secret in secrets if secret]
    matches = [hmac.compare_digest(one, other) for one in made for other in signatures]
    return Answer.ACCEPTED if any(matches) else Answer.NO_SECRET_MATCHES

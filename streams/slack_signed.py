"""Whether Slack signed a request: which check it fails, over the body exactly as it came.

Pure; when it is now is passed in. The texts say which check failed, and show nothing of a secret.

Source: docs.slack.dev, verifying requests from Slack: hex HMAC-SHA256 over `v0:timestamp:body`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

TIMESTAMP_HEADER: Final = "X-Slack-Request-Timestamp"
SIGNATURE_HEADER: Final = "X-Slack-Signature"
WITHIN_S: Final = 300
"""A signed request is taken for so long: somebody may have kept it."""

_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_SIGNATURE: Final = re.compile(r"v0=[0-9a-fA-F]{64}", re.ASCII)


class Signed(StrEnum):
    """What the checks found; all but `YES` are answered 401. The word is the metric label."""

    YES = "yes"
    MISSING_TIMESTAMP = "missing_timestamp"
    MALFORMED_TIMESTAMP = "malformed_timestamp"
    MISSING_SIGNATURE = "missing_signature"
    MALFORMED_SIGNATURE = "malformed_signature"
    STALE = "stale_timestamp"
    NO_SECRET_MATCHES = "no_secret_matches"


SAID: Final[dict[Signed, str]] = {
    Signed.MISSING_TIMESTAMP: f"missing header {TIMESTAMP_HEADER}",
    Signed.MALFORMED_TIMESTAMP: f"header {TIMESTAMP_HEADER}: expected whole seconds",
    Signed.MISSING_SIGNATURE: f"missing header {SIGNATURE_HEADER}",
    Signed.MALFORMED_SIGNATURE: f"header {SIGNATURE_HEADER}: expected v0= and 64 hex digits",
    Signed.STALE: f"{TIMESTAMP_HEADER} is more than {WITHIN_S} s from now",
    Signed.NO_SECRET_MATCHES: "no configured signing secret matches",
}
"""What the sender is told of each check that failed."""


def check(
    timestamp: str | None,
    signature: str | None,
    body: bytes,
    secrets: Sequence[bytes],
    now_s: float,
) -> Signed:
    """Return `YES` if any secret signs time and body so, else the first check that fails.

    Every secret is tried, and compared in constant time; an empty secret signs nothing. What
    Slack's own verifier takes at this time is taken, and nothing else.

    Args:
        timestamp: the header, None when it is absent.
        signature: the header, None when it is absent.
        body: exactly as received.
        secrets: signing secrets; several while one is being replaced.
        now_s: now, in seconds since the epoch.
    """
    if timestamp is None:
        return Signed.MISSING_TIMESTAMP
    if not _SECONDS.fullmatch(timestamp):
        return Signed.MALFORMED_TIMESTAMP
    if signature is None:
        return Signed.MISSING_SIGNATURE
    if not _SIGNATURE.fullmatch(signature):
        return Signed.MALFORMED_SIGNATURE
    if abs(now_s - int(timestamp)) > WITHIN_S:
        return Signed.STALE
    signed = b"v0:" + timestamp.encode() + b":" + body
    wanted = signature[len("v0=") :].lower()
    matches = [
        hmac.compare_digest(hmac.new(secret, signed, hashlib.sha256).hexdigest(), wanted)
        for secret in secrets
        if secret
    ]
    return Signed.YES if any(matches) else Signed.NO_SECRET_MATCHES

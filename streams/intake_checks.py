"""What a webhook must satisfy before Kafka sees it: the outcomes, the signature, the headers.

No I/O: headers and bytes in, a reason out. Which check runs when, and what the log says, is
`intake`'s business.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import xxhash

from correlators.event_parts import LAST_MS
from correlators.events import KNOWN_RESOURCES

SIGNATURE_HEADER: Final = "Sentry-Hook-Signature"
RESOURCE_HEADER: Final = "Sentry-Hook-Resource"
DEPLOY_TIME_HEADER: Final = "webhook-timestamp"
DEPLOY_HEADERS: Final = ("webhook-id", DEPLOY_TIME_HEADER, "webhook-signature")
DEPLOY_WITHIN_S: Final = 300
"""A signed deploy is taken for so long: before and after, somebody may have kept it."""

AT_HEADER: Final = "Stormfold-At-Ms"

OTHER_RESOURCE: Final = "other"
REPEATS_KEPT: Final = 65_536
"""Bodies whose repeat is noticed: the latest ones."""

SIGNATURES_READ: Final = 8

_HEX: Final = re.compile(r"[0-9A-Fa-f]{64}")
_RESOURCE: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_DECIMAL: Final = re.compile(r"[0-9]{1,15}")


class Answer(StrEnum):
    """What became of a request. The word is the metric label."""

    ACCEPTED = "accepted"
    MISSING_SIGNATURE = "missing_signature"
    MALFORMED_SIGNATURE = "malformed_signature"
    NO_SECRET_MATCHES = "no_secret_matches"
    MISSING_RESOURCE = "missing_resource"
    MALFORMED_RESOURCE = "malformed_resource"
    MALFORMED_TIME = "malformed_time"
    UNKNOWN_TOKEN = "unknown_token"
    MALFORMED_DEPLOY = "malformed_deploy"
    STALE_DEPLOY = "stale_deploy"
    TOO_LARGE = "too_large"
    INCOMPLETE = "incomplete"
    OVERLOADED = "overloaded"
    NOT_KNOWN_YET = "not_known_yet"
    """Which page a webhook of PagerDuty is about has not been found out yet."""
    KAFKA_TIMEOUT = "kafka_timeout"
    KAFKA_FAILED = "kafka_failed"


SAID: Final[dict[Answer, tuple[int, str]]] = {
    Answer.ACCEPTED: (200, "accepted"),
    Answer.MISSING_SIGNATURE: (401, f"missing header {SIGNATURE_HEADER}"),
    Answer.MALFORMED_SIGNATURE: (401, "malformed signature: expected 64 hexadecimal digits"),
    Answer.NO_SECRET_MATCHES: (401, "no configured secret matches"),
    Answer.MISSING_RESOURCE: (400, f"missing header {RESOURCE_HEADER}"),
    Answer.MALFORMED_RESOURCE: (400, f"malformed header {RESOURCE_HEADER}"),
    Answer.MALFORMED_TIME: (400, f"header {AT_HEADER}: expected milliseconds since the epoch"),
    # As any address that does not exist: whoever tries tokens is not told that there are some.
    Answer.UNKNOWN_TOKEN: (404, "404: Not Found"),
    Answer.MALFORMED_DEPLOY: (400, "malformed deploy"),
    Answer.STALE_DEPLOY: (
        401,
        f"{DEPLOY_TIME_HEADER} is more than {DEPLOY_WITHIN_S} s from now",
    ),
    Answer.TOO_LARGE: (413, "the body is larger than intake.max_body_bytes"),
    Answer.INCOMPLETE: (400, "the body did not arrive whole and in time"),
    Answer.OVERLOADED: (503, "too many requests at once"),
    Answer.NOT_KNOWN_YET: (503, "it is not known yet what this is about: send it again"),
    Answer.KAFKA_TIMEOUT: (503, "Kafka did not answer in time"),
    Answer.KAFKA_FAILED: (503, "Kafka refused the record"),
}
"""Status and text of each answer; Sentry's senders retry a 503 and drop a 4xx."""


DEPLOY_SAID: Final = {
    Answer.MISSING_SIGNATURE: (401, f"missing one of the headers {', '.join(DEPLOY_HEADERS)}"),
    Answer.MALFORMED_SIGNATURE: (
        401,
        f"malformed signature: expected v1,<base64>, and whole seconds in {DEPLOY_TIME_HEADER}",
    ),
}
"""What is said otherwise of a deploy marker."""


def check_signature(given: str | None, body: bytes, secrets: Sequence[bytes]) -> Answer:
    """Return `ACCEPTED` if any secret signs the body so, else which check failed.

    Every secret is tried, and compared in constant time; an empty secret signs nothing.

    Args:
        given: the header, None when it is absent.
        body: exactly as received.
        secrets: the clients' secrets; several while one is being replaced.

    Source: Sentry's integration platform, webhooks: hex HMAC-SHA256 over the raw body.
    """
    if given is None:
        return Answer.MISSING_SIGNATURE
    if not _HEX.fullmatch(given):
        return Answer.MALFORMED_SIGNATURE
    wanted = given.lower()
    matches = [
        hmac.compare_digest(hmac.new(secret, body, hashlib.sha256).hexdigest(), wanted)
        for secret in secrets
        if secret
    ]
    return Answer.ACCEPTED if any(matches) else Answer.NO_SECRET_MATCHES


def check_deploy(
    headers: Sequence[str | None],
    body: bytes,
    secrets: Sequence[bytes],
    now_s: float,
) -> Answer:
    """Return `ACCEPTED` if any secret signs id, time and body so, else which check failed.

    Args:
        headers: `webhook-id`, `webhook-timestamp` and `webhook-signature`, None where absent; the
            last may hold several signatures, of which those of another version are let be.
        body: exactly as received.
        secrets: keys; several while one is being replaced.
        now_s: now, in seconds since the epoch.

    Source: Standard Webhooks: base64 HMAC-SHA256 over `id.timestamp.body`, versions as `v1,...`.
    """
    message_id, at, given = headers
    if not message_id or not at or not given:
        return Answer.MISSING_SIGNATURE
    if not _DECIMAL.fullmatch(at) or len(message_id) > 256:
        return Answer.MALFORMED_SIGNATURE
    signatures = [one.removeprefix("v1,") for one in given.split(" ") if one.startswith("v1,")]
    if not signatures:
        return Answer.MALFORMED_SIGNATURE
    if abs(now_s - int(at)) > DEPLOY_WITHIN_S:
        return Answer.STALE_DEPLOY
    signed = f"{message_id}.{at}.".encode("utf-8", "surrogateescape") + body
    made = [
        base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest())
        for secret in secrets
        if secret
    ]
    matches = [
        hmac.compare_digest(one, other.encode("utf-8", "surrogateescape"))
        for one in made
        for other in signatures[:SIGNATURES_READ]
    ]
    return Answer.ACCEPTED if any(matches) else Answer.NO_SECRET_MATCHES


def deploy_key(secret: str) -> bytes:
    """Return the key that a secret `whsec_<base64>` stands for; another text is the key itself.

    Raises:
        ValueError: behind `whsec_` stands no base64.
    """
    prefix = "whsec_"
    if not secret.startswith(prefix):
        return secret.encode("utf-8", "surrogateescape")
    return base64.b64decode(secret.removeprefix(prefix), validate=True)


def check_headers(
    signature: str | None, resource: str | None, at: str | None, *, timed: bool
) -> Answer:
    """Return `ACCEPTED`, or the first thing wrong with the headers alone.

    Args:
        signature: only its form is checked here.
        resource: `Sentry-Hook-Resource`; a word that nobody knows yet is fine.
        at: `Stormfold-At-Ms`.
        timed: whether `at` is asked for (clock data); otherwise it is not looked at.
    """
    if signature is None:
        return Answer.MISSING_SIGNATURE
    if not _HEX.fullmatch(signature):
        return Answer.MALFORMED_SIGNATURE
    if resource is None:
        return Answer.MISSING_RESOURCE
    if not _RESOURCE.fullmatch(resource):
        return Answer.MALFORMED_RESOURCE
    return check_time(at, timed=timed)


def check_time(at: str | None, *, timed: bool) -> Answer:
    """Return `ACCEPTED` if the recorded time is there and one, or is not asked for.

    Args:
        at: `Stormfold-At-Ms`.
        timed: whether it is asked for (clock data); otherwise it is not looked at.
    """
    if timed and not (at is not None and _DECIMAL.fullmatch(at) and int(at) <= LAST_MS):
        return Answer.MALFORMED_TIME
    return Answer.ACCEPTED


def check_token(given: str, tokens: Sequence[bytes]) -> Answer:
    """Return `ACCEPTED` if it is one of the tokens, `UNKNOWN_TOKEN` otherwise and if there is none.

    Every token is compared, and in constant time, whatever the lengths.

    Args:
        given: as it stands in the address.
        tokens: of the legacy plugin's senders; several while one is being replaced.
    """
    wanted = hashlib.sha256(given.encode("utf-8", "surrogateescape")).digest()
    matches = [
        hmac.compare_digest(hashlib.sha256(token).digest(), wanted) for token in tokens if token
    ]
    return Answer.ACCEPTED if any(matches) else Answer.UNKNOWN_TOKEN


def resource_label(resource: str) -> str:
    """Return the resource as a metric label: one of Sentry's, or `other`."""
    return resource if resource in KNOWN_RESOURCES else OTHER_RESOURCE


class Repeats:
    """Remembers the latest bodies, by hash, to count repeats; what it forgets counts as new."""

    def __init__(self, kept: int = REPEATS_KEPT) -> None:
        """Args: kept: how many bodies are remembered."""
        self._kept = kept
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def seen(self, body: bytes) -> bool:
        """Return whether this body came before, and remember it as the latest."""
        digest = xxhash.xxh3_128_digest(body)
        before = digest in self._seen
        self._seen[digest] = None
        self._seen.move_to_end(digest)
        if len(self._seen) > self._kept:
            self._seen.popitem(last=False)
        return before

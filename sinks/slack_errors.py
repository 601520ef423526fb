"""What Slack's answers mean for an attempt. Pure tables; the calls are made in `sinks.slack`.

Source: docs.slack.dev, errors of chat.postMessage, chat.update and conversations.history; rate
limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sinks.base import (
    Gone,
    Outcome,
    Rejected,
    RejectReason,
    Retry,
    RetryReason,
    Scope,
    Step,
    Unknown,
    UnknownReason,
)
from sinks.retry_after import retry_after_ms

RATE_WAIT_MS: Final = 1_000
"""After a 429 without a readable Retry-After."""
FLOOD_WAIT_MS: Final = 60_000
"""After `message_limit_exceeded`, which names no time and is about the whole workspace."""

RATE_LIMITED: Final = frozenset({"ratelimited", "rate_limited"})
UNAVAILABLE: Final = frozenset({"service_unavailable", "request_timeout", "team_added_to_org"})
AMBIGUOUS: Final = frozenset({"fatal_error", "internal_error"})
"""Slack says of these that a part of the work may have been done."""
GONE: Final = frozenset({"message_not_found", "thread_not_found", "cannot_reply_to_message"})

REJECTED: Final[Mapping[str, RejectReason]] = {
    "not_authed": RejectReason.NOT_AUTHORISED,
    "invalid_auth": RejectReason.NOT_AUTHORISED,
    "token_revoked": RejectReason.NOT_AUTHORISED,
    "token_expired": RejectReason.NOT_AUTHORISED,
    "account_inactive": RejectReason.NOT_AUTHORISED,
    "missing_scope": RejectReason.NOT_AUTHORISED,
    "no_permission": RejectReason.NOT_AUTHORISED,
    "channel_not_found": RejectReason.NO_SUCH_PLACE,
    "not_in_channel": RejectReason.NOT_ALLOWED,
    "is_archived": RejectReason.NOT_ALLOWED,
    "team_access_not_granted": RejectReason.NOT_ALLOWED,
    "ekm_access_denied": RejectReason.NOT_ALLOWED,
    "msg_too_long": RejectReason.TOO_LARGE,
    "msg_blocks_too_long": RejectReason.TOO_LARGE,
    "metadata_too_large": RejectReason.TOO_LARGE,
    "cant_update_message": RejectReason.NOT_EDITABLE,
    "edit_window_closed": RejectReason.NOT_EDITABLE,
    "is_inactive": RejectReason.NOT_EDITABLE,
}


def outcome_of(
    step: Step, error: str, *, status: int, headers: Mapping[str, str], detail: str = ""
) -> Outcome:
    """Return what a refused call means.

    Args:
        step: which call; a rate limit of posts is the channel's, one of edits the workspace's.
        error: Slack's word, empty where the answer had none.
        status: the HTTP status.
        headers: the answer's, by any case.
        detail: Slack's own words about a block.
    """
    if status == 429 or error in RATE_LIMITED:
        found = next((headers[one] for one in headers if one.lower() == "retry-after"), None)
        scope = Scope.METHOD if step is Step.EDIT else Scope.DESTINATION
        after_ms = retry_after_ms(found, default_ms=RATE_WAIT_MS)
        return Retry(RetryReason.RATE_LIMITED, max(RATE_WAIT_MS, after_ms), scope)
    if error == "message_limit_exceeded":
        return Retry(RetryReason.RATE_LIMITED, FLOOD_WAIT_MS, Scope.ACCOUNT)
    if error in UNAVAILABLE:
        return Retry(RetryReason.UNAVAILABLE)
    if error in AMBIGUOUS or status >= 500:
        return Unknown(UnknownReason.SERVER_ERROR)
    if error in GONE and step is not Step.POST:
        return Gone()
    if not error:
        return Unknown(UnknownReason.UNREADABLE)
    return Rejected(_reject_reason(error), f"{error} {detail}".strip())


def _reject_reason(error: str) -> RejectReason:
    if error.startswith("restricted_action"):
        return RejectReason.NOT_ALLOWED
    return REJECTED.get(error, RejectReason.INVALID)

"""What Slack's words mean for an attempt, and what a person has to do. Pure tables.

Three ways: what passes by itself is tried again; what a person can put right is asked again every
minute for as long as a delivery is kept trying, so that nothing has to be sent again by hand; the
rest is given up at once.

Source: docs.slack.dev, errors of chat.postMessage, chat.update and conversations.history; rate
limits; incoming webhooks: api.slack.com/changelog/2016-05-17.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from sinks.base import (
    PERSON_WAIT_MS,
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
AMBIGUOUS: Final = frozenset({"fatal_error", "internal_error", "rollup_error"})
"""Slack says of these that a part of the work may have been done."""
GONE: Final = frozenset({"message_not_found", "thread_not_found", "cannot_reply_to_message"})


class Meaning(msgspec.Struct, frozen=True):
    """What one of Slack's words means and asks for."""

    reason: RejectReason
    todo: str
    """What to do, with {channel} for where it was to go; empty where nobody need do anything."""
    waits: Scope | None = None
    """What is held until a person has put it right; None: given up at once."""


def _token(todo: str) -> Meaning:
    return Meaning(RejectReason.NOT_AUTHORISED, todo, Scope.ACCOUNT)


_NEW_TOKEN: Final = "install the app again and give its new bot token (SLACK_BOT_TOKEN)"
_INVITE: Final = "invite the app: /invite @stormfold in {channel}"
_ADMIN: Final = "a workspace admin has to let the app post in {channel}"
_REPORT: Final = "Slack does not take this message: please report it with its id"
_PERSON: Final = "Slack knows nobody by the id of {channel}: copy their member ID again (people)"
_WEBHOOK: Final = "make a new incoming webhook and give its URL for {channel}"

MEANINGS: Final[Mapping[str, Meaning]] = {
    "not_authed": _token("give a bot token (SLACK_BOT_TOKEN)"),
    "invalid_auth": _token("the bot token is wrong, or not of this workspace: give the right one"),
    "token_revoked": _token(_NEW_TOKEN),
    "token_expired": _token(_NEW_TOKEN),
    "account_inactive": _token(_NEW_TOKEN),
    "access_denied": _token(_NEW_TOKEN),
    "missing_scope": Meaning(
        RejectReason.NOT_AUTHORISED, "add the scope and install the app again", Scope.METHOD
    ),
    "no_permission": Meaning(
        RejectReason.NOT_AUTHORISED, "add the scopes of docs/slack.md to the app", Scope.METHOD
    ),
    "not_in_channel": Meaning(RejectReason.NOT_ALLOWED, _INVITE, Scope.DESTINATION),
    "channel_not_found": Meaning(
        RejectReason.NO_SUCH_PLACE,
        "there is no {channel} that the app sees: invite it where it is private; "
        "where it was renamed, configure its id",
        Scope.DESTINATION,
    ),
    "is_archived": Meaning(
        RejectReason.NOT_ALLOWED, "{channel} is archived: unarchive it or configure another"
    ),
    "restricted_action": Meaning(RejectReason.NOT_ALLOWED, _ADMIN),
    "team_access_not_granted": Meaning(RejectReason.NOT_ALLOWED, _ADMIN),
    "ekm_access_denied": Meaning(RejectReason.NOT_ALLOWED, _ADMIN),
    "msg_too_long": Meaning(RejectReason.TOO_LARGE, _REPORT),
    "msg_blocks_too_long": Meaning(RejectReason.TOO_LARGE, _REPORT),
    "metadata_too_large": Meaning(RejectReason.TOO_LARGE, _REPORT),
    "cant_update_message": Meaning(RejectReason.NOT_EDITABLE, ""),
    "edit_window_closed": Meaning(RejectReason.NOT_EDITABLE, ""),
    "is_inactive": Meaning(RejectReason.NOT_EDITABLE, ""),
    "action_prohibited": Meaning(RejectReason.NOT_ALLOWED, _ADMIN),
    "channel_is_archived": Meaning(
        RejectReason.NOT_ALLOWED, "{channel}'s channel is archived: unarchive it"
    ),
    "no_service": Meaning(RejectReason.NO_SUCH_PLACE, _WEBHOOK),
    "no_active_hooks": Meaning(RejectReason.NO_SUCH_PLACE, _WEBHOOK),
    "no_team": Meaning(RejectReason.NO_SUCH_PLACE, _WEBHOOK),
    "invalid_token": Meaning(RejectReason.NOT_AUTHORISED, _WEBHOOK),
    "no_such_subteam": Meaning(
        RejectReason.NO_SUCH_PLACE,
        "a user group of slack_in.groups or teams is not in this workspace: nobody is in it",
    ),
    **dict.fromkeys(
        ("expired_trigger_id", "invalid_trigger_id", "trigger_exchanged", "hash_conflict"),
        Meaning(RejectReason.INVALID, ""),
    ),
    **dict.fromkeys(
        ("not_found", "user_not_found", "user_not_visible", "user_not_in_channel"),
        Meaning(RejectReason.NO_SUCH_PLACE, ""),
    ),
}
"""By Slack's word; what is not here is a message that Slack does not understand."""
OTHER: Final = Meaning(RejectReason.INVALID, _REPORT)

PERSON: Final = Meaning(RejectReason.NO_SUCH_PLACE, _PERSON, Scope.DESTINATION)
"""What `channel_not_found` means where a message was to go to one person."""


def meaning_of(error: str) -> Meaning:
    """Return what a word means; of `restricted_action_...` whatever follows."""
    word = "restricted_action" if error.startswith("restricted_action") else error
    return MEANINGS.get(word, OTHER)


def word_of(error: str) -> str:
    """Return the word as a metric has it: one that is known here, or `other`."""
    word = "restricted_action" if error.startswith("restricted_action") else error
    known = word in MEANINGS or word in RATE_LIMITED | UNAVAILABLE | AMBIGUOUS | GONE
    return word if known or word == "message_limit_exceeded" else "other"


def outcome_of(
    step: Step,
    error: str,
    *,
    status: int,
    headers: Mapping[str, str],
    detail: str = "",
    channel: str = "the channel",
    retry_after: object = None,
    person: bool = False,
) -> Outcome:
    """Return what a refused call means.

    Args:
        step: which call; a rate limit of posts is the channel's, one of edits the workspace's.
        error: Slack's word, empty where the answer had none.
        status: the HTTP status.
        headers: the answer's, by any case.
        detail: Slack's own words about a block, or the scope that is missing.
        channel: where it was to go, for what is to be done.
        retry_after: the seconds to wait that the body names, as a webhook's does; the header is
            believed before it.
        person: it was to go to one person, by their id.
    """
    if status == 429 or error in RATE_LIMITED:
        told = {name.lower(): value for name, value in headers.items()}
        found = told.get("retry-after") or str(retry_after or "")
        scope = Scope.METHOD if step is Step.EDIT else Scope.DESTINATION
        after_ms = retry_after_ms(found, default_ms=RATE_WAIT_MS, date=told.get("date"))
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
    meaning = PERSON if person and error == "channel_not_found" else meaning_of(error)
    says = f"{error} {detail}".strip()
    if meaning.todo:
        says += f": {meaning.todo.format(channel=channel)}"
    if meaning.waits is not None:
        return Retry(RetryReason.NEEDS_SOMEBODY, PERSON_WAIT_MS, meaning.waits, says)
    return Rejected(meaning.reason, says)

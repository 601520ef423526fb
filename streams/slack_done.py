"""Who did something in Slack, what became of it, and what is said where it could not be done."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from sinks.mrkdwn import code
from streams.intake_log import Written
from streams.slack_inbound import NOT_TAKEN, RETRIES, Inbound, Kind, Outcome

WRITTEN: Final = {Written.LATE: Outcome.KAFKA_TIMEOUT, Written.REFUSED: Outcome.KAFKA_FAILED}
_SAID: Final = {
    Outcome.KAFKA_TIMEOUT: "Kafka did not answer in time: it may be done all the same. Look before "
    "you do it again.",
    Outcome.KAFKA_FAILED: "Nothing was done: Kafka does not take it now. Try again.",
    Outcome.NO_STATE: "Nothing was done: the state cannot be read now. Try again in a minute, or "
    "press a button.",
    Outcome.FAULT: "Something went wrong here, and the log of `stormfold intake` says what: it may "
    "be done all the same. Look before you do it again.",
    Outcome.SLACK_FAILED: "Nothing was done: Slack did not open the dialog. Try again.",
}

_COMES_AGAIN: Final = (
    "Not done yet: Kafka does not take it now. Slack sends it again by itself within minutes, and "
    "it is done once, however often it comes: do not say it again."
)
_GIVEN_UP: Final = (
    "Kafka does not take it, and Slack does not send it again: it may be done all the same. Look "
    "before you say it again."
)


class Who(msgspec.Struct, frozen=True):
    """Somebody in Slack, and where they are."""

    id: str
    name: str
    channel: str = ""
    thread_ts: str = ""
    url: str = ""
    """A response address."""
    ts: str = ""
    """When it was, as Slack writes it; empty where it does not say."""
    team: str = ""
    """Workspace or organisation that they are of; empty where Slack does not say."""
    once: str = ""
    """What names what they did, where Slack says no time of it that stays."""


class Done(msgspec.Struct, frozen=True):
    """What became of something, and what is said about it."""

    outcome: Outcome
    text: str = ""


class Missing(Enum):
    """Why something is not found."""

    UNREAD = "unread"
    """The state cannot be read."""
    UNKNOWN = "unknown"
    OVER = "over"


def missing(why: Missing, subject: str) -> Done:
    """Return what is said where what is meant is not found."""
    match why:
        case Missing.UNREAD:
            return failed(Outcome.NO_STATE)
        case Missing.OVER:
            return Done(Outcome.GONE, f"Nothing was done: {code(subject)} is over.")
    return Done(Outcome.GONE, f"Nothing was done: nothing is called {code(subject)}.")


def failed(outcome: Outcome) -> Done:
    """Return what is said where something else failed."""
    return Done(outcome, _SAID[outcome])


def as_told(it: Done, got: Inbound) -> Done:
    """Return it with what is said of it while Slack waits: an event that Kafka did not take comes
    again by itself, of which its author is told with the first and with the last."""
    if got.kind is not Kind.MENTION or it.outcome not in NOT_TAKEN:
        return it
    if got.retry >= RETRIES:
        return Done(it.outcome, _GIVEN_UP)
    return Done(it.outcome, "" if got.retry else _COMES_AGAIN)

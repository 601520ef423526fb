"""Who pressed a button or said a word in Slack and where, and what they are told if it does not do
what they were told it would.

Values only. What is told is decided in `answering`; how it sounds is the sink's part.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

_ID: Final = re.compile(r"[A-Z0-9]{2,30}")
_TS: Final = re.compile(r"(?:[0-9]{1,15}\.[0-9]{1,9})?")


class Pressed(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody, and where they were.

    Raises:
        ValueError: it is nobody, or no place that Slack could name.
    """

    user: str
    """Id of the person."""
    channel: str
    """Id of the channel."""
    thread_ts: str = ""
    """Of the thread that they were in; empty outside of one."""

    def __post_init__(self) -> None:
        if not (_ID.fullmatch(self.user) and _ID.fullmatch(self.channel)):
            raise ValueError("expected the ids of a person and of a channel")
        if not _TS.fullmatch(self.thread_ts):
            raise ValueError("expected the time that names a thread")


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of an act, for whoever pressed: it is not what they were told."""

    to: Pressed
    act: str
    """Its kind, such as `acknowledge`."""
    subject: str = ""
    """Id of what it was about; empty for a silence that a condition describes."""
    outcome: str
    """The word of `ActOutcome`; or `set_aside`, or for what Sentry did not take `not_taken`."""
    gone: str = ""
    """For `gone`: the id of what is."""
    over: bool = False
    """For `gone`: it is known, and over."""
    who: str = ""
    """For `unchanged`: who has it."""


def pressed_by(user: str, channel: str, thread_ts: str) -> Pressed | msgspec.UnsetType:
    """Return who pressed and where; unset where Slack did not say so that it can be told again."""
    try:
        return Pressed(user, channel, thread_ts)
    except ValueError:
        return msgspec.UNSET

"""What is said or pressed in Slack as an act, who may do it, and what is answered. Pure.

An act carries who decided it, that it was in Slack, and when; what it does is the part of
`correlators.acting`. What is answered says what will happen: it takes effect in the next tick.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, TypedDict

from correlators.acts import (
    Acknowledge,
    Act,
    AddSilence,
    Assign,
    Comment,
    ExpireSilence,
    FalseAlarm,
    Ignore,
    MergeInto,
    PageNow,
    Resolve,
    Separate,
    Unacknowledge,
    Unignore,
    silence_id,
)
from correlators.conditions import When
from sinks.mrkdwn import code, escape
from sinks.slack_buttons import Press
from sinks.slack_modals import SERVICE, Filled
from streams.slack_soon import soon
from streams.slack_words import Said, Word
from streams.yaml_reader import duration

SOURCE: Final = "slack"
_TS: Final = re.compile(r"([0-9]{1,11})\.([0-9]{1,9})", re.ASCII)
SAME_WITHIN_MS: Final = 10_000
"""The same said again by the same person within this is one act, a double click, unless anybody
said something else of the same thing in between."""
SLACK_OFF_MS: Final = 3_600_000
"""A time that Slack gives and that is further than this from ours is not taken."""
MOMENTS_KEPT: Final = 4_096

WORD_OF: Final = {
    Press.ACKNOWLEDGE: Word.ACK,
    Press.UNACKNOWLEDGE: Word.UNACK,
    Press.SILENCE: Word.SILENCE,
    Press.ASSIGN: Word.ASSIGN,
    Press.PAGE: Word.PAGE,
    Press.RESOLVE: Word.RESOLVE,
    Press.WHY: Word.WHY,
    Press.SPLIT: Word.SPLIT,
    Press.MERGE: Word.MERGE,
    Press.FALSE_ALARM: Word.FALSE_ALARM,
}
"""What each button says."""

GROUP_OF: Final = {
    Word.PAGE: "page",
    Word.SILENCE: "silence",
    Word.UNSILENCE: "silence",
    Word.IGNORE: "silence",
    Word.UNIGNORE: "silence",
    Word.MERGE: "merge",
    Word.SPLIT: "merge",
    Word.LINK: "link",
    Word.UNLINK: "link",
}
"""Under which key of `slack_in.groups` stands who may say it; the rest everybody may."""

OF_CHANNELS: Final = frozenset({Word.LINK, Word.UNLINK})
"""Words about the channel in which they are said."""

IN_SENTRY: Final = frozenset({Word.IGNORE, Word.UNIGNORE})
"""Words that do something in Sentry, and nothing without it."""

NO_SENTRY: Final = (
    "Nothing was done: it would be done in Sentry, which is not asked for anything here (`sentry` "
    "in stormfold.yaml). `silence ID 7d` mutes it here."
)

STRANGER: Final = (
    "Nothing was done: Stormfold listens to people of its own workspace only, and you are of "
    "another one."
)
WHOSE: Final = "Nothing was done: Slack does not say now whose workspace this is. Try again."

MINUTE_MS: Final = 60_000
"""Sentry counts how long an issue is ignored in minutes."""


class _By(TypedDict):
    """What every act says."""

    actor: str
    source: str
    at_ms: int
    subject: str


def act_of(said: Said, *, actor: str, at_ms: int) -> Act:
    """Return what somebody said as an act.

    Args:
        said: of a word that is an act; its subject is given.
        actor: who said it, as shown to the team.
        at_ms: when.

    Raises:
        ValueError: no act may say this; the text says why.
        KeyError: the word is no act.
    """
    by = _By(actor=actor, source=SOURCE, at_ms=at_ms, subject=said.subject)
    match said.word:
        case Word.ACK:
            return Acknowledge(**by, for_ms=said.for_ms)
        case Word.IGNORE:
            if said.for_ms % MINUTE_MS:
                raise ValueError("expected whole minutes, such as 2h: Sentry counts in them")
            return Ignore(**by, for_ms=said.for_ms)
        case Word.ASSIGN:
            return Assign(**by, assignee=said.to)
        case Word.COMMENT:
            return Comment(**by, text=said.text)
        case Word.MERGE:
            return MergeInto(**by, into=said.other)
        case Word.SILENCE:
            to_ms = at_ms + said.for_ms
            return AddSilence(**by, to_ms=to_ms, comment=said.text)
    return _PLAIN[said.word](**by)


_PLAIN: Final[dict[Word, Callable[..., Act]]] = {
    Word.UNACK: Unacknowledge,
    Word.UNIGNORE: Unignore,
    Word.PAGE: PageNow,
    Word.RESOLVE: Resolve,
    Word.FALSE_ALARM: FalseAlarm,
    Word.SPLIT: Separate,
    Word.UNSILENCE: ExpireSilence,
}

ACTING: Final = frozenset(
    {Word.ACK, Word.IGNORE, Word.ASSIGN, Word.COMMENT, Word.MERGE, Word.SILENCE, *_PLAIN}
)
"""Words that are acts."""


def silence_of(filled: Filled, *, actor: str, at_ms: int) -> AddSilence:
    """Return the silence that a modal asks for.

    Raises:
        ValueError: no silence may say this; the text says why.
    """
    service = filled.what.removeprefix(SERVICE) if filled.what.startswith(SERVICE) else ""
    return AddSilence(
        actor=actor,
        source=SOURCE,
        at_ms=at_ms,
        subject="" if service else filled.asked.about.id,
        environment=filled.asked.environment if service else "",
        when=When(service=(service,)) if service else None,
        to_ms=at_ms + filled.length_ms,
        comment=filled.why,
    )


def will(act: Act, *, behind_ms: int = 0) -> str:
    """Return what an act will do, as it is told to whoever decided it.

    Args:
        act: what they decided.
        behind_ms: how far behind the state is known to be; 0 where nothing is known.
    """
    it = code(act.subject)
    match act:
        case Acknowledge():
            until = f" for {duration(act.for_ms)}" if act.for_ms else ""
            says = f"You have {it}{until}: what is in it now wakes nobody again."
        case Unacknowledge():
            says = f"Nobody has {it} any more."
        case Resolve():
            says = (
                f"{it} is resolved, and its page with it. What happens after this opens it again."
            )
        case FalseAlarm():
            says = f"{it} is over: a false alarm."
        case Assign():
            says = f"{it} is assigned to {escape(act.assignee) or 'nobody'}."
        case Ignore():
            until = f"for {duration(act.for_ms)}" if act.for_ms else "until it escalates"
            says = (
                f"Sentry is asked to archive what is in {it} {until}; once Sentry says that it is, "
                "it is told no more."
            )
        case Unignore():
            says = f"Sentry is asked to unresolve what is in {it} again."
        case PageNow():
            says = f"The on-call is paged for {it}, unless a page of it is open."
        case Comment():
            says = f"Your comment is kept with {it}."
        case Separate():
            says = f"{it} is taken out of its storm, and does not come back to it."
        case MergeInto():
            says = f"{it} is told with {code(act.into)} from then on."
        case AddSilence():
            what = it if act.subject else f"Everything of {_services(act)}"
            ends = code(f"/stormfold unsilence {silence_id(act)}")
            says = (
                f"{what} is silent for {duration(act.to_ms - act.at_ms)}: no message, no page. "
                f"{ends} ends it before."
            )
        case _:
            says = f"The silence {it} ends: what it holds back is told at once."
    return f"{says} {soon(behind_ms)}"


def may_not(key: str, groups: tuple[str, ...], *, unknown: tuple[str, ...]) -> str:
    """Return why somebody may not.

    Args:
        key: of `slack_in.groups`.
        groups: who may.
        unknown: groups of which Slack did not say who is in them.
    """
    if unknown:
        which = ", ".join(map(str, map(code, unknown)))
        return (
            f"Nothing was done: Slack does not say who is in {which}, and only they may {key}. Try "
            "again; if it stays so, the log of `stormfold intake` says why, such as a scope that "
            "the app lacks."
        )
    if not groups:
        return f"Nothing was done: nobody may {key} from Slack (`slack_in.groups.{key}` is empty)."
    which = ", ".join(map(mention, groups))
    return (
        f"Nothing was done: only {which} may {key} from Slack (`slack_in.groups.{key}`), and that "
        "is not you."
    )


def mention(id: str) -> str:
    """Return a user group or a person as Slack shows them by name; nobody else sees the answer, so
    nobody is called.

    Source: docs.slack.dev, formatting message text: mentioning users and groups.
    """
    return f"<!subteam^{id}>" if id.startswith("S") else f"<@{id}>"


def when(ts: str, now_ms: int) -> int:
    """Return when something happened, in milliseconds: what Slack says, else now.

    Args:
        ts: as Slack writes a time, seconds with a fraction; empty where it says none.
        now_ms: now.
    """
    found = _TS.fullmatch(ts)
    at_ms = int(found[1]) * 1000 + int(found[2][:3].ljust(3, "0")) if found is not None else now_ms
    return at_ms if abs(at_ms - now_ms) <= SLACK_OFF_MS else now_ms


class Moments:
    """Says when an act was decided: the same for the same twice, so that it is one act."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, tuple[object, int, str]] = OrderedDict()

    def at(
        self, user: str, subject: str, what: object, now_ms: int, once: str = ""
    ) -> tuple[int, str]:
        """Return when this was decided, in milliseconds, and what names the deed.

        What the same person decided about the same thing just before, with nothing else between,
        theirs or another's, is the same decision. Any other has a time of its own.

        Args:
            user: id of who decided it.
            subject: what about.
            what: what was decided.
            now_ms: when Slack says that it was, so that what it sends again is the same; else now.
            once: what Slack names it by; empty where it says when it was.
        """
        now = (user, what)
        before, at_ms, named = self._last.get(subject, (None, 0, ""))
        if before != now or abs(now_ms - at_ms) > SAME_WITHIN_MS:
            at_ms, named = now_ms, once
        self._last[subject] = (now, at_ms, named)
        self._last.move_to_end(subject)
        if len(self._last) > MOMENTS_KEPT:
            self._last.popitem(last=False)
        return at_ms, named


def _services(act: AddSilence) -> str:
    return str(code(", ".join(act.when.service))) if act.when is not None else "?"

"""What whoever pressed in Slack is told where it did not do what they were told. Pure.

One for an act that CORRELATE could not carry out so, and one for a decision that Sentry did not
take, however many issues it was about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
import xxhash

from correlators.acts import NAME_CHARS, ActOutcome
from correlators.answering import DESTINATION, SET_ASIDE
from correlators.channel_links import LINKS_MOST
from correlators.issue_change import IssueChange
from correlators.personal_telling import CHOICES_MOST
from correlators.pressed import Answer
from correlators.silences import SILENCES_MOST
from correlators.types import Digest, DigestKind
from sinks.mrkdwn import code, cut, escape
from sinks.words import clean

NOTICE_CHARS: Final = 2_000

_DONE: Final[Mapping[str, str]] = {
    "acknowledge": "{it} is not acknowledged",
    "unacknowledge": "{it} is not given back",
    "resolve": "{it} is not resolved",
    "false_alarm": "{it} is not noted as a false alarm",
    "assign": "{it} is not assigned",
    "ignore": "{it} is not ignored in Sentry",
    "unignore": "{it} is not unresolved in Sentry",
    "page_now": "Nobody was paged for {it}",
    "comment": "Your comment is not kept with {it}",
    "separate": "{it} is not taken out of a storm",
    "merge_into": "{it} is not told with another one",
    "add_silence": "{it} is not silenced",
    "expire_silence": "{it} is not ended",
    "add_link": "{it} is not linked",
    "remove_link": "{it} is linked as before",
    "tell_me": "{it} is told as before",
}
"""What did not happen, by the kind of the act."""

_WHY: Final[Mapping[str, str]] = {
    ActOutcome.ENDED: "its end had passed before it took effect, since Stormfold is behind",
    ActOutcome.NO_PAGER: "no rule and no route pages anybody for it",
    ActOutcome.NO_ISSUE: "no issue of it is known, or Sentry is not asked for anything here",
    SET_ASIDE: "it could not be carried out and is set aside, with the reason, for whoever runs "
    "Stormfold",
    ActOutcome.TOO_MANY: f"its environment has {SILENCES_MOST} silences already",
}
_ALREADY: Final[Mapping[str, str]] = {
    "page_now": "a page of it is open",
    "separate": "it is in none",
}


def says(digest: Digest) -> str:
    """Return what is said, as Slack formats it; no text of an event stands in it."""
    answer = digest.answer
    assert answer is not None, "a correction is for somebody"
    if digest.notice:
        return f"⚠️ {escape(cut(digest.notice, NOTICE_CHARS))}."
    it = _id(answer.subject) if answer.subject else "What you described"
    done = _DONE.get(answer.act, "What you asked for {it} is not done").format(it=it)
    return f"⚠️ Not as you were told: {done}. {_because(answer)}."


def _because(answer: Answer) -> str:
    """Return why, as a sentence without its end."""
    match answer.outcome:
        case ActOutcome.GONE:
            which = _id(answer.gone) if answer.gone not in ("", answer.subject) else "it"
            if answer.over:
                return _sentence(f"{which} was over when this took effect")
            return _sentence(
                f"{which} is not known any more, or belongs to another environment or has ended"
            )
        case ActOutcome.TOO_MANY if answer.act == "tell_me":
            return f"{CHOICES_MOST:,} people have chosen already"
        case ActOutcome.TOO_MANY if answer.act == "add_link":
            return f"There are {LINKS_MOST} links already"
        case ActOutcome.UNCHANGED if answer.who:
            return f"{escape(cut(answer.who, NAME_CHARS))} has it already"
        case ActOutcome.UNCHANGED:
            return _sentence(_ALREADY.get(answer.act, "it was so already"))
    return _sentence(_WHY.get(answer.outcome) or escape(cut(answer.outcome, NAME_CHARS)))


def _id(text: str) -> str:
    return str(code(cut(clean(text), NAME_CHARS)))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def not_taken(digest: Digest, change: IssueChange, notice: str) -> Digest | None:
    """Return what whoever pressed is told of a change that Sentry did not take; None where nobody
    did in Slack.

    The same for all issues of one decision.

    Args:
        digest: that asked for the change.
        change: of one issue.
        notice: what was not done, and why.
    """
    if change.pressed is None:
        return None
    name = (change.subject, change.does.value, change.pressed, digest.at_ms)
    return msgspec.structs.replace(
        digest,
        id="cor-" + xxhash.xxh3_64_hexdigest(msgspec.msgpack.encode(name)),
        kind=DigestKind.CORRECTION,
        destination=DESTINATION,
        page_told=(),
        handed_by=digest.destination,
        notice=notice,
        issue_change=None,
        answer=Answer(
            to=change.pressed, act=change.does.value, subject=change.subject, outcome="not_taken"
        ),
    )

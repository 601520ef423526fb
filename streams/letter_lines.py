"""How dead letters are shown: values for JSON, and lines for people. Nothing is read or decided."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from correlators.issue_change import IssueDoes
from sinks import corrections
from sinks.entries import DeadReason
from sinks.marks import RedriveOutcome
from sinks.render import plain_text
from streams.letter_records import Letter
from streams.letters import Case, LetterState
from streams.live_lines import moment, shown

TITLE_CHARS: Final = 80
_SAID: Final = re.compile(r"[a-z_]+(?: .*?)?: (\S.*)", re.DOTALL)

MAYBE: Final = "it may have arrived all the same: nobody could tell"
REDRIVE: Final = "then `stormfold dead-letters redrive` sends it"

ADVICE: Final = {
    DeadReason.NOT_AUTHORISED: (
        "the service does not know the token or key, or took it back: put a valid one into the "
        f"settings (`stormfold check` names the key), {REDRIVE}"
    ),
    DeadReason.NO_SUCH_PLACE: (
        "the service, channel or webhook does not exist there: correct it in the "
        f"settings, {REDRIVE}, or sends it elsewhere with --to"
    ),
    DeadReason.NOT_ALLOWED: (
        "the app may not write there: invite it to the channel (/invite @stormfold), or give it "
        f"the scope that the detail names, {REDRIVE}"
    ),
    DeadReason.TOO_LARGE: (
        "the service took it for too large although it is cut to the documented limits: please "
        "report this with the detail; --to sends it where more fits, such as a file"
    ),
    DeadReason.INVALID: (
        "the service refuses how it is written: please report this with the detail; a newer "
        "version may write it otherwise, so update first and send it again then"
    ),
    DeadReason.NOT_EDITABLE: (
        "the first message can be edited no more, so it shows an older state; what was new is a "
        "reply in its thread: nothing is lost, drop it"
    ),
    DeadReason.RETRIES_EXHAUSTED: (
        "the service took others and not this one, or took none for a week: look at its status "
        "page and at the network, and send it again when it answers"
    ),
    DeadReason.UNKNOWN_DESTINATION: (
        "the settings name no such destination any more: name it again, "
        f"{REDRIVE}, or send it elsewhere with --to"
    ),
    DeadReason.OUTBOX_FULL: (
        "more was waiting than an outbox holds: see what the destinations wait for "
        "(`stormfold why-late`), and send it again when they have caught up"
    ),
}
"""What to do about each reason."""

OF_ISSUES: Final = (
    "it is a change of an issue, no message: put right what the detail names (docs/sentry-api.md), "
    f"{REDRIVE} while it is still wanted; or do it in Sentry, and drop it"
)
"""What to do about a change that Sentry did not take."""

BECAME: Final = {
    RedriveOutcome.TAKEN: "sent again: it is told when its turn comes",
    RedriveOutcome.SUPERSEDED: "not sent: a newer revision of it is known there",
    RedriveOutcome.OVER: "not sent: what it pages for is over, or what it ends is not open",
    RedriveOutcome.REPEATED: "not sent: it was told there already, or is on its way",
    RedriveOutcome.NO_PAGE: "not sent: a pager takes pages only",
    RedriveOutcome.UNKNOWN_DESTINATION: "given up again: DELIVER has no such destination",
    RedriveOutcome.OUTBOX_FULL: "given up again: the outbox is full",
}
"""What became of one that was sent again, for people."""

SAID_BY_SINK: Final = frozenset(
    {DeadReason.NOT_AUTHORISED, DeadReason.NO_SUCH_PLACE, DeadReason.NOT_ALLOWED}
)
"""Reasons of many causes, of which the sink's detail names the one: `word: what to do`."""

assert set(ADVICE) == set(DeadReason)
assert set(BECAME) == set(RedriveOutcome)


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter."""

    id: str
    at_ms: int
    destination: str
    reason: str
    detail: str
    step: str
    attempts: int
    possible_repeat: bool
    subject: str
    """Id of the incident or storm; empty where the digest cannot be read."""
    revision: int
    services: tuple[str, ...]
    title: str
    kind: str
    page: str
    state: LetterState
    outcome: str = ""
    """What became of it when it was sent again."""
    sent_to: str = ""
    by: str = ""
    """Who sent it again or put it aside last."""
    why: str = ""
    """Why it was put aside."""
    again: str = ""
    """The letter that it was given up as once more."""
    change: str = ""
    """Of a change of an issue: which issue of Sentry, and what was to be so of it."""

    def __str__(self) -> str:
        """Return it in one line."""
        what = ", ".join(self.services[:2]) + (" …" if len(self.services) > 2 else "")
        title = (
            self.title if len(self.title) <= TITLE_CHARS else self.title[: TITLE_CHARS - 1] + "…"
        )
        parts = [
            self.id,
            moment(self.at_ms),
            self.destination,
            f"{self.reason} {self.detail}".rstrip(),
            f"{what}: {title}" if self.subject else "not readable by this version",
            *([self.change] if self.change else []),
            *([f"revision {self.revision}"] if self.subject else []),
            *([f"page {self.page}"] if self.page not in ("", "none") else []),
            *([self.became()] if self.state is not LetterState.OPEN else []),
        ]
        return shown(" · ".join(parts))

    def became(self) -> str:
        """Return what was done about it, in words."""
        if self.state is LetterState.PUT_ASIDE:
            return f"dropped by {self.by}" + (f": {self.why}" if self.why else "")
        if self.state is LetterState.SENT_AGAIN:
            return f"sent again by {self.by}: it stands on deliveries, DELIVER has not come to it"
        if not self.outcome:
            return "nothing was done about it"
        said = BECAME[RedriveOutcome(self.outcome)]
        return f"given up again as {self.again}" if self.again else said


def shown_case(case: Case) -> Shown:
    """Return a letter as it is shown."""
    letter, digest = case.letter, case.letter.digest
    by = case.aside.by if case.aside is not None else case.sent.by if case.sent is not None else ""
    return Shown(
        id=letter.id,
        at_ms=letter.at_ms,
        destination=letter.destination,
        reason=letter.reason,
        detail=letter.detail,
        step=letter.step,
        attempts=letter.attempts,
        possible_repeat=letter.possible_repeat,
        subject=digest.id if digest is not None else "",
        revision=digest.revision if digest is not None else 0,
        services=tuple(one.service for one in digest.services) if digest is not None else (),
        title=digest.title if digest is not None else "",
        kind=digest.kind.value if digest is not None else "",
        page=digest.page.value if digest is not None else "",
        state=case.state,
        outcome=case.taken.outcome.value if case.taken is not None else "",
        sent_to=case.sent.destination if case.sent is not None else "",
        by=by,
        why=case.aside.why if case.aside is not None else "",
        again=case.again,
        change=_change(letter),
    )


def lines(case: Case) -> list[str]:
    """Return all that is known of a letter: what happened, what to do about it, what it says."""
    letter, one = case.letter, shown_case(case)
    calls = f"{letter.attempts} calls" if letter.attempts != 1 else "1 call"
    tried = f"{calls} ({letter.step})" if letter.step else "no call was made"
    found = [
        f"{one.id} · {moment(letter.at_ms)} · {letter.destination}",
        f"given up: {letter.reason} {letter.detail}".rstrip() + f", {tried}",
        *([MAYBE] if letter.possible_repeat else []),
        f"what to do: {OF_ISSUES if one.change else advice(letter.reason, letter.detail)}",
        f"since then: {one.became()}",
    ]
    found = [shown(line) for line in found]
    if letter.digest is None:
        return [*found, "what it says cannot be read by this version"]
    digest = letter.digest
    if (change := digest.issue_change) is not None:
        says = f"{one.change}, decided about {change.subject}"
        return [*found, shown(f"what it says: {says}")]
    if digest.answer is not None:
        return [*found, shown(f"what it says, to whoever pressed: {corrections.says(digest)}")]
    page = f", page {digest.page} {digest.page_key}" if one.page not in ("", "none") else ""
    found.append(shown(f"what it says ({digest.id} revision {digest.revision}{page}):"))
    return found + [f"  {shown(line)}" for line in plain_text(digest).splitlines()]


def _change(letter: Letter) -> str:
    """Return which issue was to be changed and how, empty where it is no such thing."""
    change = letter.digest.issue_change if letter.digest is not None else None
    if change is None:
        return ""
    to = f" to {change.assignee or 'nobody'}" if change.does is IssueDoes.ASSIGN else ""
    return f"issue {change.issue_id} of Sentry: {change.does}{to}"


def advice(reason: str, detail: str = "") -> str:
    """Return what to do about a reason.

    Args:
        reason: why it was given up.
        detail: the service's own words; where the sink says what they ask for, that is told.
    """
    if todo := own_remedy(reason, detail):
        return f"{todo}, {REDRIVE}, or sends it elsewhere with --to"
    try:
        return ADVICE[DeadReason(reason)]
    except ValueError:
        return "a later version gave it up: that one's documentation tells"


def own_remedy(reason: str, detail: str) -> str:
    """Return what the sink said is to be done, empty where it said nothing (`slack_errors`)."""
    if reason not in SAID_BY_SINK or not (found := _SAID.match(detail)):
        return ""
    return found[1]

"""Acts: what people decide about incidents and storms, and what became of it.

Messages and entries only, as `StateChange` is; what they do is `acting`. Each names who did it,
where (Slack, PagerDuty, the board, the command line) and when. One act is one message on the input
log of CORRELATE; its id follows from all it says, so that one told twice is one.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, get_args

import msgspec
import xxhash

from correlators.act_base import NAME_CHARS as NAME_CHARS
from correlators.act_base import ActBase
from correlators.conditions import When
from correlators.link_acts import AddLink, RemoveLink
from correlators.personal_acts import TellMe
from correlators.silenced_by import check_when

SILENCE_MOST_MS: Final = 7 * 86_400_000
"""A silence ends after this at the latest."""

ENVIRONMENT_CHARS: Final = 250
COMMENT_CHARS: Final = 200
"""Longest reason of a silence."""
TEXT_CHARS: Final = 1_000
"""Longest comment on an incident or a storm."""
ACK_MOST_MS: Final = 7 * 86_400_000
"""An acknowledgement that ends by itself ends after this at the latest."""
IGNORE_MOST_MS: Final = 365 * 86_400_000


class Acknowledge(ActBase, frozen=True, kw_only=True, tag="acknowledge", omit_defaults=True):
    """Somebody has it: what is in it now wakes nobody again.

    Raises:
        ValueError: `for_ms` is below 0 or above `ACK_MOST_MS`.
    """

    for_ms: int = 0
    """So long, from when it takes effect; 0: as `pages.ack_for` says, which may be until it is
    taken back."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.for_ms <= ACK_MOST_MS:
            raise ValueError("an acknowledgement lasts at most 7 days")


class Unacknowledge(ActBase, frozen=True, kw_only=True, tag="unacknowledge"):
    """Nobody has it any more."""


class Resolve(ActBase, frozen=True, kw_only=True, tag="resolve"):
    """It is over, a person says: told, its page resolved. What happens after it opens it again."""


class FalseAlarm(ActBase, frozen=True, kw_only=True, tag="false_alarm"):
    """Nothing was wrong: it is over as by `Resolve`, and its error remembers that."""


class Assign(ActBase, frozen=True, kw_only=True, tag="assign"):
    """Somebody is to take care of it. Told silently, and shown until it is said anew.

    Raises:
        ValueError: the assignee is longer than `NAME_CHARS`.
    """

    assignee: str
    """The name of a team or a person, as it may be shown; empty: nobody."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.assignee) > NAME_CHARS:
            raise ValueError(f"assignee is longer than {NAME_CHARS} characters")


class Ignore(ActBase, frozen=True, kw_only=True, tag="ignore", omit_defaults=True):
    """Its issues are to be ignored (archived) in Sentry, whose word on that then holds it back.

    Raises: ValueError: `for_ms` is below 0 or above `IGNORE_MOST_MS`.
    """

    for_ms: int = 0
    """So long, from when it takes effect; 0: until it escalates."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.for_ms <= IGNORE_MOST_MS:
            raise ValueError("an issue is ignored for at most a year")


class Unignore(ActBase, frozen=True, kw_only=True, tag="unignore"):
    """Its issues are to be unresolved in Sentry again, neither ignored nor resolved."""


class PageNow(ActBase, frozen=True, kw_only=True, tag="page_now"):
    """Whoever is on call is paged, whatever the rules say; not while a page of it is open."""


class Comment(ActBase, frozen=True, kw_only=True, tag="comment"):
    """What somebody wants to be kept with it. Told silently.

    Raises:
        ValueError: there is no text, or it is longer than `TEXT_CHARS`.
    """

    text: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < len(self.text) <= TEXT_CHARS:
            raise ValueError(f"a comment has 1 to {TEXT_CHARS} characters")


class Separate(ActBase, frozen=True, kw_only=True, tag="separate"):
    """The incident is not part of its storm, and does not come back to it."""


class MergeInto(ActBase, frozen=True, kw_only=True, tag="merge_into"):
    """The incident or storm is part of another one.

    Raises: ValueError: `into` is longer than `NAME_CHARS`.
    """

    into: str
    """Id of the storm or incident that it is part of."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.into) > NAME_CHARS:
            raise ValueError(f"into is longer than {NAME_CHARS} characters")


class AddSilence(ActBase, frozen=True, kw_only=True, tag="add_silence"):
    """Until its end, what it mutes is told to nobody and wakes nobody.

    An incident as `subject`: that error of that service, under every release. A storm: the errors
    that are in it when the act takes effect, and not those that join. Without a subject: what
    `when` matches in `environment`.

    Raises:
        ValueError: it says neither or both, asks for what `silenced_by` does not take, or its end
            lies not after `at_ms` or further than `SILENCE_MOST_MS` from it.
    """

    subject: str = ""
    environment: str = ""
    """Of `when`; a subject has its own."""
    when: When | None = None
    to_ms: int
    comment: str = ""
    """Why, for the team."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.subject) == (self.when is not None):
            raise ValueError("a silence is of an incident, a storm, or what a condition matches")
        if not 0 < self.to_ms - self.at_ms <= SILENCE_MOST_MS:
            raise ValueError("a silence ends after it begins, within 7 days")
        if len(self.comment) > COMMENT_CHARS or len(self.environment) > ENVIRONMENT_CHARS:
            raise ValueError(f"a comment has at most {COMMENT_CHARS} characters")
        if self.when is not None:
            check_when(self.when, self.environment)


class ExpireSilence(ActBase, frozen=True, kw_only=True, tag="expire_silence"):
    """The silence ends now: what it holds back is told at once, as it is now."""


Act = (
    Acknowledge
    | Unacknowledge
    | Resolve
    | FalseAlarm
    | Assign
    | Ignore
    | Unignore
    | PageNow
    | Comment
    | Separate
    | MergeInto
    | AddSilence
    | ExpireSilence
    | AddLink
    | RemoveLink
    | TellMe
)

ACT_KINDS: Final = tuple(str(one.__struct_config__.tag) for one in get_args(Act))
"""The words for what somebody may do."""


SAYS_HOW_IT_STANDS: Final = frozenset(
    str(one.__struct_config__.tag) for one in (Acknowledge, Unacknowledge, Resolve)
)
"""The kinds that contradict one another: of those of one pager about one page the latest holds."""


class ActOutcome(StrEnum):
    """What became of an act. The word is the metric label and the `explain` text."""

    DONE = "done"
    UNCHANGED = "unchanged"
    """It was so already."""
    GONE = "gone"
    """What it is about is over, forgotten or unknown."""
    ENDED = "ended"
    """The end of the silence had passed before the act took effect."""
    NO_PAGER = "no_pager"
    """No route pages anybody for it."""
    NO_ISSUE = "no_issue"
    """Sentry is not asked: it is not configured, or no issue of this is known."""
    TOO_MANY = "too_many"
    """There are as many silences, or links, as there may be."""
    OVERTAKEN = "overtaken"
    """The same pager has said something later of the same page, and that was heard first."""
    ELSEWHERE = "elsewhere"
    """Another partition knows the page, or it is forgotten; of this nothing is kept."""
    REPEATED = "repeated"
    """It was told before."""
    FORGOTTEN = "forgotten"
    """What became of it is not kept any more: newer ones needed the room."""


class ActDone(msgspec.Struct, frozen=True, kw_only=True, tag="act"):
    """What became of an act, kept as long as a closed incident: to explain it, and so that one told
    again changes nothing."""

    id: str
    kind: str
    """The act's tag."""
    actor: str
    source: str
    at_ms: int
    tick: int
    """In which it took effect."""
    environment: str
    """Of what it was about; empty where that was not found."""
    subject: str
    outcome: ActOutcome
    text: str = ""
    """What it says beside that: a comment, an assignee."""
    page: str = ""
    """Key of the page that it was said of, where a pager said it; `subject` then had that page."""


def act_id(act: Act) -> str:
    """Return the id of an act, `act-` and 16 hex digits: the same for the same message, and where
    `once` names the deed, for the same deed told at another time."""
    return "act-" + _hash_of(act)


def silence_id(act: AddSilence) -> str:
    """Return the id of the silence that an act makes: `sil-` and 16 hex digits."""
    return "sil-" + _hash_of(act)


def kind_of(act: Act) -> str:
    """Return the word for what somebody did, such as `add_silence`."""
    return str(act.__struct_config__.tag)


def text_of(act: Act) -> str:
    """Return what an act says in words of its own: a comment, an assignee, a reason, or nothing."""
    match act:
        case Comment():
            return act.text
        case Assign():
            return act.assignee
        case AddSilence():
            return act.comment
        case AddLink() | RemoveLink() | TellMe():
            return act.says
        case _:
            return ""


def _hash_of(act: Act) -> str:
    said = msgspec.structs.replace(act, pressed=msgspec.UNSET)
    if said.once is not msgspec.UNSET:
        end = {"to_ms": said.to_ms - said.at_ms} if isinstance(said, AddSilence) else {}
        said = msgspec.structs.replace(said, at_ms=0, **end)
    return xxhash.xxh3_64_hexdigest(msgspec.msgpack.encode(said))

"""The timeline of an incident or a storm: from its first event to the last act, for a post-mortem.

Read from what `explain` reads, and worded as there. What led to a decision is left out, what came
of it is kept: what began and ended, messages and pages and whether they arrived, what people did
and what Sentry said. It names people only by the names that their acts show.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec

from correlators.acts import ActOutcome
from correlators.decisions import Decision, Kind
from sinks.attempted import Attempted
from sinks.base import Step
from streams.codec import Said
from streams.config_places import Places
from streams.stories import KEPT_MOST, Source, Story, at_ms, story_of
from streams.story_words import sentence


class What(StrEnum):
    """What kind of thing happened."""

    STATE = "state"
    SENTRY = "Sentry"
    PERSON = "person"
    MESSAGE = "message"
    PAGE = "page"


_KINDS: Final = {
    Kind.OPENED: What.STATE,
    Kind.REOPENED: What.STATE,
    Kind.REGRESSED: What.STATE,
    Kind.ESCALATED: What.STATE,
    Kind.STORM_OPENED: What.STATE,
    Kind.JOINED: What.STATE,
    Kind.MERGED: What.STATE,
    Kind.PARTED: What.STATE,
    Kind.UNCONFIRMED: What.STATE,
    Kind.CLOSED: What.STATE,
    Kind.SENTRY_SAID: What.SENTRY,
    Kind.SENTRY_ASKED: What.SENTRY,
    Kind.ACTED: What.PERSON,
    Kind.SILENCED: What.PERSON,
    Kind.SILENCE_ENDED: What.PERSON,
    Kind.ACKNOWLEDGED: What.PERSON,
    Kind.UNACKNOWLEDGED: What.PERSON,
    Kind.ASSIGNED: What.PERSON,
    Kind.TOLD: What.MESSAGE,
    Kind.PAGED: What.PAGE,
    Kind.PAGE_ACKNOWLEDGED: What.PAGE,
    Kind.PAGE_UNACKNOWLEDGED: What.PAGE,
    Kind.PAGE_RESOLVED: What.PAGE,
}
"""The decisions of which something came."""

_OF_MEMBERS: Final = frozenset(
    {Kind.OPENED, Kind.REOPENED, Kind.CLOSED, Kind.SENTRY_SAID, Kind.ACTED, Kind.ASSIGNED}
)
"""What is told of the incidents of a storm beside its own."""
_BEGINS: Final = (Kind.OPENED, Kind.REOPENED, Kind.STORM_OPENED)
"""What a storm may begin with: one of its incidents may have come back."""
_PAGES: Final = frozenset({Step.TRIGGER, Step.ACKNOWLEDGE, Step.RESOLVE})


class Row(msgspec.Struct, frozen=True):
    """One thing that happened."""

    at_ms: int
    what: What
    subject: str
    of: str
    """The incident that it is of and what that is, where it is not what was asked for."""
    lines: tuple[str, ...]


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """All that happened, and the moments that a post-mortem asks for; 0 where there was none."""

    subject: str
    title: str
    opened_ms: int
    told_ms: int
    """When the first message was decided."""
    paged_ms: int
    acknowledged_ms: int
    """When somebody first had it."""
    ended_ms: int
    """When it was last over."""
    rows: tuple[Row, ...]
    left_out: int = 0


def timeline_of(source: Source, subject: str, places: Places) -> Timeline:
    """Return the timeline of an incident or a storm.

    Args:
        source: where decisions are read.
        subject: its id.
        places: where rules stand in the settings.

    Raises:
        StoryError: nothing is known of it, or the source cannot be read.
    """
    story = story_of(source, subject)
    said = _with_members(source, story)
    names = dict(story.names)
    for one in said:
        if isinstance(one, Decision) and one.key is not None and one.subject != subject:
            names.setdefault(one.subject, f"{one.key[1]}: {one.title}")
    rows = [row for one in said for row in _row(one, subject, places, names)]
    own = [one for one in said if isinstance(one, Decision) and one.subject == subject]
    return Timeline(
        subject=subject,
        title=next((one.title for one in reversed(own) if one.title), ""),
        opened_ms=_first(said, *(_BEGINS if _is_storm(subject) else (Kind.OPENED,))),
        told_ms=_first(said, Kind.TOLD),
        paged_ms=_first(said, Kind.PAGED),
        acknowledged_ms=_first(said, Kind.ACKNOWLEDGED),
        ended_ms=_ended(own),
        rows=tuple(rows[:KEPT_MOST]),
        left_out=story.left_out + max(0, len(rows) - KEPT_MOST),
    )


def lines(found: Timeline) -> list[str]:
    """Return the timeline in lines for a terminal, oldest first."""
    head = [f"{found.subject}  {found.title}".rstrip()]
    head += [f"{word}: {said}" for word, said in _moments(found)]
    for row in found.rows:
        first, *more = row.lines
        head.append(f"{_moment(row.at_ms)}  {row.what.value:<7}  {row.of}{first}")
        head += [f"{'':30}{line}" for line in more]
    return [*head, *_left_out(found)]


def markdown(found: Timeline) -> list[str]:
    """Return the timeline in Markdown, to begin a post-mortem with. No text of an event or a
    comment is markup in it."""
    rows = [f"| {_moment(row.at_ms)} | {row.what.value} | {_cell(row)} |" for row in found.rows]
    return [
        f"# {_plain(found.title or found.subject)}",
        "",
        f"`{found.subject}`, times in UTC.",
        "",
        *(f"- **{word}:** {said}" for word, said in _moments(found)),
        "",
        "## Timeline",
        "",
        "| Time | | What happened |",
        "|---|---|---|",
        *rows,
        *([""] if found.left_out else []),
        *_left_out(found),
    ]


def _left_out(found: Timeline) -> list[str]:
    return [f"and {found.left_out} more"] if found.left_out else []


def _with_members(source: Source, story: Story) -> list[Said]:
    """Return what was said, of a storm with what its incidents went through, in order of time."""
    said = list(story.said)
    if not _is_storm(story.subject):
        return said
    joined_ms: dict[str, int] = {}
    for one in said:
        if isinstance(one, Decision) and one.kind in (Kind.STORM_OPENED, Kind.JOINED):
            for member in one.to:
                joined_ms.setdefault(member, at_ms(one))
    inside = list(source.said(lambda one: one.subject in joined_ms and _of_member(one)))
    begins_ms = _begins(inside, joined_ms)
    inside = [one for one in inside if at_ms(one) >= begins_ms.get(one.subject, 0)]
    return sorted([*said, *inside], key=lambda one: (at_ms(one), not _opens(one, story.subject)))


def _opens(said: Said, storm: str) -> bool:
    """Return whether an incident of a storm opens: that comes before all else of its tick."""
    return isinstance(said, Decision) and said.kind is Kind.OPENED and said.subject != storm


def _begins(inside: Iterable[Said], joined_ms: Mapping[str, int]) -> dict[str, int]:
    """Return when each incident last began before it joined: what it went through before that was
    another outage."""
    found: dict[str, int] = {}
    for one in inside:
        at = at_ms(one)
        begins = isinstance(one, Decision) and one.kind in (Kind.OPENED, Kind.REOPENED)
        if begins and at <= joined_ms[one.subject]:
            found[one.subject] = max(at, found.get(one.subject, 0))
    return found


def _is_storm(subject: str) -> bool:
    return subject.startswith("storm-")


def _of_member(said: Said) -> bool:
    return isinstance(said, Decision) and said.kind in _OF_MEMBERS


def _row(said: Said, subject: str, places: Places, names: dict[str, str]) -> Iterator[Row]:
    if isinstance(said, Attempted):
        if said.find or said.step is Step.EDIT or said.outcome == "retry":
            return  # how it got there is `explain`'s
        what = What.PAGE if said.step in _PAGES else What.MESSAGE
        if said.destination.startswith("sentry:"):
            what = What.SENTRY
    elif said.kind in _KINDS:
        if said.kind is Kind.ACTED and said.why == ActOutcome.REPEATED:
            return
        what = _KINDS[said.kind]
    else:
        return
    name = f" ({names[said.subject]})" if said.subject in names else ""
    of = "" if said.subject == subject else f"{said.subject}{name}: "
    yield Row(at_ms(said), what, said.subject, of, tuple(sentence(said, places, names)))


def _first(said: Iterable[Said], *kinds: Kind) -> int:
    """Return when one of these was first decided, 0 for never."""
    found = (at_ms(one) for one in said if isinstance(one, Decision) and one.kind in kinds)
    return min(found, default=0)


def _ended(own: Iterable[Decision]) -> int:
    """Return when it was over, 0 while it goes on."""
    ended = 0
    for one in own:
        if one.kind in (Kind.CLOSED, Kind.MERGED):
            ended = at_ms(one)
        elif one.kind in (Kind.OPENED, Kind.REOPENED):
            ended = 0
    return ended


def _moments(found: Timeline) -> Iterator[tuple[str, str]]:
    yield "Began", _moment(found.opened_ms) if found.opened_ms else "before what is kept"
    for word, at in (
        ("First told", found.told_ms),
        ("First paged", found.paged_ms),
        ("Acknowledged", found.acknowledged_ms),
        ("Over", found.ended_ms),
    ):
        after = f", after {_lasting(at - found.opened_ms)}" if found.opened_ms else ""
        yield word, f"{_moment(at)}{after}" if at else "no"


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def _lasting(ms: int) -> str:
    seconds = max(0, ms) // 1000
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    parts = [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes)
    return " ".join([*parts, f"{seconds} s"] if seconds or not parts else parts)


def _cell(row: Row) -> str:
    first, *more = row.lines
    return "<br>".join(_plain(one) for one in (row.of + first, *more))


def _plain(text: str) -> str:
    """Return text that is no markup in a Markdown table."""
    text = "".join(one if one.isprintable() else " " for one in text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{one}" if one in "\\`*_[]|~#!" else one for one in text)

"""`me` in Slack: who somebody is to Stormfold, what they may, and what is theirs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from sinks.blocks import fitting
from sinks.mrkdwn import code, cut, escape
from streams.live import Live
from streams.live_lines import Thing, thing
from streams.settings import Settings, SlackIn
from streams.slack_book import Book
from streams.slack_done import Done, Who
from streams.slack_inbound import Outcome
from streams.slack_office import Office
from streams.slack_words import Word

May = Callable[[Word, Who], Awaitable[Done | None]]
"""Says why somebody may not, None where they may."""

ASKED: Final = {
    Word.PAGE: "page",
    Word.SILENCE: "silence, and ignore in Sentry",
    Word.MERGE: "merge and split",
    Word.LINK: "link channels",
}
"""What is kept to groups, by a word for it."""
GROUPS_MOST: Final = 20
"""Groups that Slack is asked about."""
LOOK_WITHIN_S: Final = 30.0
SHOWN_MOST: Final = 10
LINE_CHARS: Final = 200
TEXT_CHARS: Final = 3_500


class Mirror:
    """Tells people in one workspace who they are.

    Args:
        office: says who is in a group.
        book: reads the state.
        told: says in lines how somebody is told what is theirs.
    """

    def __init__(
        self, *, office: Office, book: Book, told: Callable[[Live, Who], list[str]]
    ) -> None:
        self._office, self._book, self._told = office, book, told
        self._groups: tuple[str, ...] = ()
        self._teams: dict[str, tuple[str, ...]] = {}

    def renew(self, settings: Settings) -> None:
        """Take other groups and teams from the next time on."""
        back = settings.slack_in or SlackIn()
        teams: dict[str, tuple[str, ...]] = {}
        for name, one in settings.teams.items():
            if one.slack:
                teams[one.slack] = (*teams.get(one.slack, ()), name)
        self._teams = teams
        listed = (one for who in back.groups.values() for one in who)
        self._groups = tuple(one for one in dict.fromkeys((*listed, *teams)) if one[:1] == "S")

    async def say(self, who: Who, may_not: May) -> Done:
        """Return all of it, for whoever asks."""
        inside = []
        for group in self._groups[:GROUPS_MOST]:
            members = await self._office.members(group)
            if members is not None and who.id in members:
                inside.append(group)
        may: list[str] = []
        no: list[str] = []
        for word, what in ASKED.items():
            refused = await may_not(word, who)
            (may if refused is None else no).append(what)
        teams = [one for place in (*inside, who.id) for one in self._teams.get(place, ())]
        live = await self._book.live(within_s=LOOK_WITHIN_S)
        lines = [
            f"You are {code(who.name)} here: what you do bears this name.",
            f"Groups that count here: {', '.join(str(code(one)) for one in inside) or 'none'}",
            *([f"Teams: {', '.join(str(code(one)) for one in teams)}"] if teams else []),
            *_what(may, no),
            *(self._told(live, who) if live is not None else ()),
            *_yours(live, who.name, teams),
        ]
        return Done(Outcome.ANSWERED, fitting("\n".join(lines), TEXT_CHARS, []))


def _yours(live: Live | None, name: str, teams: list[str]) -> list[str]:
    """Return what is open and theirs, in lines."""
    if live is None:
        return ["What is yours cannot be read now."]
    found = [thing(part.state, one) for part, one in live.open()]
    acked = [one for one in found if one.acked_by == name]
    assigned = [one for one in found if one.assignee in (name, *teams)]
    return [*_part("You have acknowledged", acked), *_part("Assigned to you", assigned)]


def _part(head: str, found: list[Thing]) -> list[str]:
    if not found:
        return [f"{head}: nothing that is open."]
    more = len(found) - SHOWN_MOST
    shown = [str(code(cut(str(one), LINE_CHARS))) for one in found[:SHOWN_MOST]]
    return [f"{head}:", *shown, *([f"… and {more} more"] if more > 0 else [])]


def _what(may: list[str], no: list[str]) -> list[str]:
    """Return what one may, and what is kept to others."""
    asked = f"{_listed(may)}; and" if may else "do"
    says = [f"From Slack you may {asked} all that is not kept to groups."]
    if no:
        says.append(f"You may not: {_listed(no)}. {code('slack_in.groups')} says who may.")
    return says


def _listed(what: list[str]) -> str:
    return escape("; ".join(what))

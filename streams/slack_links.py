"""`link` and `unlink` in Slack: what else the channel is told, beside what the rules tell it.

A link is an act that stands in every partition, by the channel's name in the configuration, or by
its id where it has none. How it works is `correlators.channel_links`; who may, the clerk's part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from correlators.act_base import NAME_CHARS
from correlators.channel_links import Chats, is_channel
from correlators.conditions import When
from correlators.link_acts import AddLink, RemoveLink, linked_words
from correlators.pressed import pressed_by
from sinks.blocks import fitting as within
from sinks.mrkdwn import code, cut
from streams.intake_log import ActLog, Written
from streams.links_said import Linked, fitting, links_of, what_of
from streams.live import Live
from streams.settings import Settings
from streams.slack_book import Book
from streams.slack_done import WRITTEN, Done, Who, failed
from streams.slack_inbound import Outcome
from streams.slack_office import Office
from streams.slack_soon import effective
from streams.slack_words import GROUP, USAGE, Said, Word, WordsError

SOURCE: Final = "slack"
GLANCE_S: Final = 0.8
"""How long a look at the state may take that the answer does without."""
LOOK_WITHIN_S: Final = 30.0
SHOWN_MOST: Final = 20
TEXT_CHARS: Final = 3_000
LINE_CHARS: Final = 200
HERE_ONLY: Final = "Nothing was done: only a channel can be linked, and this is none."


class Linker:
    """Links the channels of one workspace.

    Args:
        office: says what a channel is.
        acts: takes acts.
        book: reads the state.
    """

    def __init__(self, *, office: Office, acts: ActLog, book: Book) -> None:
        self._office, self._acts, self._book = office, acts, book
        self._chats, self._owners = Chats(), frozenset[str]()
        self._names: dict[str, str] = {}
        self._groups: dict[str, str] = {}
        self._within_s = 0.8

    def renew(self, settings: Settings) -> None:
        """Take other channels and teams from the next act on."""
        slack = settings.sinks.slack
        named = slack.channels if slack is not None else {}
        self._chats, self._owners = settings.linkable, settings.owner_names
        self._names = {
            channel.removeprefix("#"): f"slack:{name}"
            for name, channel in named.items()
            if not is_channel(f"slack:{channel}")
        }
        self._groups = {one.slack: name for name, one in settings.teams.items() if one.slack}
        self._within_s = settings.intake.kafka_timeout_ms / 1000

    async def say(self, said: Said, who: Who, at_ms: int) -> Done:
        """Do what somebody means, and return what is said of it."""
        if not is_channel(f"slack:{who.channel}"):
            return Done(Outcome.WRONG, HERE_ONLY)
        try:
            when = _asked(said, self._owners, self._groups)
        except ValueError as error:
            return Done(Outcome.WRONG, f"Nothing was done: {error}")
        place, inside = await self._place(who.channel)
        if said.word is Word.UNLINK:
            return await self._unlink(place, when, who, at_ms)
        if when is None:
            return await self._list(place, who)
        return await self._link(place, when, who, at_ms, inside=inside)

    async def _link(self, place: str, when: When, who: Who, at_ms: int, *, inside: bool) -> Done:
        # Every partition may find it one too many; that is told once.
        act = AddLink(
            actor=who.name,
            source=SOURCE,
            at_ms=at_ms,
            subject=place,
            when=when,
            pressed=pressed_by(who.id, who.channel, who.thread_ts),
            once=who.once or msgspec.UNSET,
        )
        written = await self._acts.tell_everywhere([act], within_s=self._within_s)
        if written is not Written.YES:
            return failed(WRITTEN[written])
        live = await self._book.live(within_s=GLANCE_S)
        says = [f"This channel is told of {code(linked_words(when))} too, from now on."]
        says.append(effective(self._book.behind_ms()))
        if live is not None:
            fits = len(fitting(live, when))
            says.append(
                f"It fits {_many(fits)} open now, told here with the next news."
                if fits
                else "Nothing that is open now is of it: look whether it is called so."
            )
        if not inside:
            says.append("I am not in this channel: `/invite` me, else nothing arrives here.")
        return Done(Outcome.ACTED, " ".join(says))

    async def _unlink(self, place: str, when: When | None, who: Who, at_ms: int) -> Done:
        live = await self._book.live(newest=True, within_s=LOOK_WITHIN_S)
        if live is None:
            return failed(Outcome.NO_STATE)
        found = self._here(live, place, who)
        if when is not None:
            found = [one for one in found if one.what == linked_words(when)]
        if not found:
            what = f"not linked to {code(linked_words(when))}" if when else "linked to nothing"
            return Done(Outcome.GONE, f"Nothing was done: this channel is {what}. {_RULES}")
        # A channel that the configuration has named since is still linked by its id.
        places = dict.fromkeys(one.destination for one in found)
        once = who.once or msgspec.UNSET
        acts = [
            RemoveLink(
                actor=who.name, source=SOURCE, at_ms=at_ms, subject=one, when=when, once=once
            )
            for one in places
        ]
        written = await self._acts.tell_everywhere(acts, within_s=self._within_s)
        if written is not Written.YES:
            return failed(WRITTEN[written])
        what = ", ".join(str(code(one.what)) for one in found[:SHOWN_MOST])
        more = f" and {len(found) - SHOWN_MOST} more" if len(found) > SHOWN_MOST else ""
        says = f"This channel is linked no more to {what}{more}. What was told here already is "
        soon = effective(self._book.behind_ms())
        return Done(Outcome.ACTED, f"{says}told here to its end. {soon}")

    async def _list(self, place: str, who: Who) -> Done:
        live = await self._book.live(within_s=LOOK_WITHIN_S)
        if live is None:
            return failed(Outcome.NO_STATE)
        found = self._here(live, place, who)
        if not found:
            says = f"This channel is linked to nothing: {code(USAGE[Word.LINK])}. {_RULES}"
            return Done(Outcome.ANSWERED, says)
        lines = [
            str(code(cut(f"{one.what} · by {one.author} ({one.source})", LINE_CHARS)))
            for one in found[:SHOWN_MOST]
        ]
        more = len(found) - SHOWN_MOST
        lines += [f"… and {more} more: {code('stormfold links list')}"] if more > 0 else []
        text = "\n".join(["This channel is told also of:", *lines, _RULES])
        return Done(Outcome.ANSWERED, within(text, TEXT_CHARS, []))

    def _here(self, live: Live, place: str, who: Who) -> list[Linked]:
        """Return the links of the channel that somebody is in, by whatever name they know it."""
        names = (place, f"slack:{who.channel}")
        return [
            one
            for one in links_of(live)
            if one.destination in names or self._chats.place(one.destination) in names
        ]

    async def _place(self, channel: str) -> tuple[str, bool]:
        """Return the destination that a channel is, and whether the bot is in it, as far as Slack
        says."""
        place = self._chats.place(f"slack:{channel}") or f"slack:{channel}"
        found = await self._office.channel(channel)
        if found is None:
            return place, True
        if place == f"slack:{channel}":
            place = self._names.get(found.name, place)
        return place, found.inside


_RULES: Final = "What the rules tell it stands in stormfold.yaml."


def _asked(said: Said, owners: frozenset[str], groups: Mapping[str, str]) -> When | None:
    """Return what is to be linked, None where nothing is named.

    Args:
        said: of `link` or `unlink`.
        owners: the teams.
        groups: teams by user group.

    Raises:
        ValueError: the text says what was expected.
    """
    words = [one.strip("`\u201c\u201d\"'") for one in said.text.split() if one]
    if len(words) > 2 and words[1].lower() == "in":
        del words[1]
    if not words:
        return None
    if len(words) > 2:
        raise WordsError(f"expected {code(USAGE[said.word])}")
    if words[0].startswith(("inc-", "storm-", "sil-")):
        raise WordsError(f"a channel is not linked to one incident: {code(USAGE[said.word])}")
    if group := GROUP.fullmatch(words[0]):
        words[0] = f"team:{groups.get(group[1]) or group[2] or group[1]}"
    if any(mark in one for one in words for mark in "<>&") or len(words[0]) > NAME_CHARS:
        raise WordsError(f"expected a name: {code(USAGE[said.word])}")
    return what_of(words[0], words[1] if len(words) > 1 else "", owners)


def _many(count: int) -> str:
    return "one that is" if count == 1 else f"{count} that are"

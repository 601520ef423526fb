"""`me dm`, `me mail`, `me off` in Slack: how somebody is told what is theirs.

Such a choice is an act that stands in every partition. What it does is
`correlators.personal_telling`; who may say it, the clerk's part: everybody, of themselves alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from correlators.personal import BY_WORD, SLACK, By, Choice, Deed, Personal
from correlators.personal_acts import TellMe
from correlators.pressed import pressed_by
from sinks.mrkdwn import code
from streams.intake_log import ActLog, Written
from streams.live import Live
from streams.people import by_slack
from streams.settings import Settings
from streams.slack_book import Book
from streams.slack_done import WRITTEN, Done, Who, failed
from streams.slack_inbound import Outcome
from streams.slack_soon import effective
from streams.slack_words import USAGE, Word, WordsError

SOURCE: Final = "slack"

CHOSEN: Final[Mapping[str, By | None]] = {**BY_WORD, "default": None}
"""What people may say; None: as the file says."""
_OF: Final = {
    "assigned": "of what you are assigned to",
    "mentioned": "of comments that mention you",
}
_SAYS: Final = {
    By.SLACK: "by a direct message here",
    By.EMAIL: "by mail",
    By.BOTH: "by a direct message here and by mail",
    By.NONE: "nowhere",
}
_PERSON: Final = re.compile(r"<@([A-Z0-9]{2,20})(?:\|[^>]{0,100})?>")


class Chooser:
    """Takes what people of one workspace choose.

    Args:
        acts: takes acts.
        book: knows how far behind the state is.
    """

    def __init__(self, *, acts: ActLog, book: Book) -> None:
        self._acts, self._book = acts, book
        self._personal, self._names = Personal(), dict[str, str]()
        self._within_s = 0.8

    def renew(self, settings: Settings) -> None:
        """Take other people from the next time on."""
        self._personal = settings.correlation().personal
        self._names = by_slack(settings.people)
        self._within_s = settings.intake.kafka_timeout_ms / 1000

    async def say(self, text: str, who: Who, at_ms: int) -> Done:
        """Do what somebody chooses, and return what is said of it."""
        try:
            by, of = _chosen(text)
        except WordsError as error:
            return Done(Outcome.WRONG, f"Nothing was done: {error}")
        # By the id: anybody may call themselves as they like in Slack.
        name = self._names.get(who.id, "")
        wish = self._personal.people.get(name)
        if wish is None:
            says = f"{code('people')} of stormfold.yaml does not say who you are."
            return Done(Outcome.WRONG, f"Nothing was done: {says}")
        missing = [one for one in (by.sinks if by is not None else ()) if one not in wish.sinks]
        if missing:
            what = "id in Slack" if missing[0] == SLACK else "mail address, or no mail server"
            says = f"{code('people')} of stormfold.yaml has no {what} of you."
            return Done(Outcome.WRONG, f"Nothing was done: {says}")
        act = TellMe(
            actor=name,
            source=SOURCE,
            at_ms=at_ms,
            subject=name,
            by=by,
            of=of,
            pressed=pressed_by(who.id, who.channel, who.thread_ts),
            once=who.once or msgspec.UNSET,
        )
        written = await self._acts.tell_everywhere([act], within_s=self._within_s)
        if written is not Written.YES:
            return failed(WRITTEN[written])
        kinds = " and ".join(_OF[one] for one in ((of,) if of is not None else Deed))
        how = _SAYS[by] if by is not None else "as stormfold.yaml says"
        says = f"You are told {kinds} {how}, from now on."
        return Done(Outcome.ACTED, f"{says} {effective(self._book.behind_ms())}")

    def lines(self, live: Live, who: Who) -> list[str]:
        """Return how somebody is told now; nothing where nobody could tell them."""
        name = self._names.get(who.id, "")
        if name not in self._personal.people:
            return []
        choices = (one.state.people.choices.get(name) for one in live.parts)
        choice: Choice | None = next((one for one in choices if one is not None), None)
        told = {one: self._personal.places(name, one, choice) for one in Deed}
        ways = {
            one: " and ".join("a direct message" if at.startswith(SLACK) else "mail" for at in to)
            for one, to in told.items()
        }
        says = "; ".join(
            f"{_OF[one]} {f'by {way}' if way else 'nowhere'}" for one, way in ways.items()
        )
        chosen = "you chose" if choice is not None else "as stormfold.yaml says"
        return [f"You are told {says} ({chosen}; {code(f'/stormfold {USAGE[Word.ME]}')})."]


def named(text: str, names: Mapping[str, str]) -> str:
    """Return a text with the people whom Slack wrote as `<@U...>` by their names here; whoever has
    none stays as they are."""

    def one(found: re.Match[str]) -> str:
        return f"@{names[found[1]]}" if found[1] in names else found[0]

    return _PERSON.sub(one, text)


def _chosen(text: str) -> tuple[By | None, Deed | None]:
    """Return by what somebody wants to be told, and of what; None for all.

    Raises:
        WordsError: the text says what was expected.
    """
    words = [one.strip("`*_~.,").lower() for one in text.split()]
    deeds = {one.value: one for one in Deed}
    if not 0 < len(words) <= 2 or words[0] not in CHOSEN or not deeds.keys() >= set(words[1:]):
        raise WordsError(f"expected {code(USAGE[Word.ME])}")
    return CHOSEN[words[0]], deeds[words[1]] if len(words) > 1 else None

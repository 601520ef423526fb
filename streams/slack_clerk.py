"""The clerk: does what is meant by a word or a button, and says what will happen.

An act is on the input log of CORRELATE before anything is said of it. What is looked up is read
from the state; a button needs none of it, so that it works while the state cannot be read. How
Slack is answered in time is the desk's part (`slack_desk`), who may and what is said `slack_acts`'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from correlators.acts import Act
from correlators.pressed import pressed_by
from correlators.silencing import environment_of
from sinks.mrkdwn import code, escape
from sinks.slack_buttons import About, environment_hash
from sinks.slack_modals import Filled
from streams import slack_acts
from streams.intake_log import Acts, Written
from streams.people import People, by_slack
from streams.slack_book import Book
from streams.slack_done import WRITTEN, Done, Missing, Who, failed, missing
from streams.slack_inbound import Outcome
from streams.slack_links import Linker
from streams.slack_me import Mirror
from streams.slack_office import Office
from streams.slack_personal import Chooser, named
from streams.slack_show import detail_text, status_text
from streams.slack_why import why_text
from streams.slack_words import Said, Word, WordsError, help_text, person_in, read

ALSO_OVER: Final = frozenset({Word.FALSE_ALARM, Word.COMMENT, *slack_acts.IN_SENTRY})
"""May be said of what is over too."""
AGAIN: Final = frozenset({Word.RESOLVE, Word.ASSIGN})
"""Where Sentry is asked for the same these too: it may not have taken it."""
LOOK_WITHIN_S: Final = 30.0
"""For the state, where somebody may wait for it."""


class Clerk:
    """Does what people in one workspace mean.

    Args:
        office: makes calls to Slack.
        acts: takes acts.
        book: reads the state.
        now_ms: the time.
    """

    def __init__(
        self,
        *,
        office: Office,
        acts: Acts,
        book: Book,
        now_ms: Callable[[], int],
    ) -> None:
        self._office, self._book, self._acts = office, book, acts
        self._now_ms = now_ms
        self._moments = slack_acts.Moments()
        self.linker = Linker(office=office, acts=acts, book=book)
        self.chooser = Chooser(acts=acts, book=book)
        self.mirror = Mirror(office=office, book=book, told=self.chooser.lines)
        self.renew({}, 0.8, asks_sentry=False)
        self.know({})

    def renew(
        self, groups: Mapping[str, tuple[str, ...]], kafka_within_s: float, *, asks_sentry: bool
    ) -> None:
        """Take other groups and patience from the next act on.

        Args:
            groups: who may, by key of `slack_in.groups`.
            kafka_within_s: how long Kafka may take, in seconds.
            asks_sentry: issues are changed in Sentry.
        """
        self._groups, self._kafka_within_s = dict(groups), kafka_within_s
        self._asks_sentry = asks_sentry

    def know(self, people: People) -> None:
        """Call these people by their names here from the next act on."""
        self._names = by_slack(people)

    def known(self, who: Who) -> Who:
        """Return somebody by the name that they have here."""
        name = self._names.get(who.id)
        return msgspec.structs.replace(who, name=name) if name is not None else who

    async def say(self, text: str, here: About | str, who: Who) -> Done:
        """Do what somebody says; `here` is what the thread is about, empty outside of one."""
        command = "@stormfold" if who.thread_ts else "/stormfold"
        try:
            said = read(text, here=here.id if isinstance(here, About) else here)
        except WordsError as error:
            return Done(Outcome.WRONG, f"Nothing was done: {error}")
        if said.word is Word.HELP:
            return Done(Outcome.ANSWERED, help_text(command))
        if said.word in slack_acts.IN_SENTRY and not self._asks_sentry:
            return Done(Outcome.NO_SENTRY, slack_acts.NO_SENTRY)
        # To look is everybody's of the workspace, and nobody else's.
        looks = said.word is Word.LINK and not said.text
        if refused := await self.may_not(Word.STATUS if looks else said.word, who):
            return refused
        if said.word is Word.ME and said.text:
            at_ms, who = self._decided(who, who.id, said)
            return await self.chooser.say(said.text, who, at_ms)
        if said.word is Word.ME:
            return await self.mirror.say(who, self.may_not)
        if said.word in slack_acts.OF_CHANNELS:
            at_ms, who = self._decided(who, who.channel, said)
            return await self.linker.say(said, who, at_ms)
        known = here.environment if isinstance(here, About) and here.id == said.subject else None
        return await self.said(said, known, who)

    async def said(self, said: Said, environment: int | None, who: Who) -> Done:
        """Carry out what is meant; `environment` is None where it has to be looked up."""
        if said.word is Word.SPLIT and said.subject.startswith("storm-"):
            says = f"`status {said.subject}` lists its incidents; `split` one of those."
            return Done(Outcome.WRONG, f"Nothing was done: a storm is split by incident. {says}")
        if said.word in (Word.STATUS, Word.WHY):
            return await self._show(said)
        if environment is None:
            over = said.word in ALSO_OVER or (said.word in AGAIN and self._asks_sentry)
            found = await self.about(said.subject, over=over, left=said.word is Word.RESOLVE)
            if isinstance(found, Missing):
                return missing(found, said.subject)
            environment = found.environment
        if said.word is Word.ASSIGN and said.to.lower() == Word.ME:
            said = msgspec.structs.replace(said, to=who.name)
        if said.word is Word.ASSIGN and (person := person_in(said.to)):
            known = who.name if person == who.id else self._names.get(person)
            name = known or await self._office.name(person)
            said = msgspec.structs.replace(said, to=name)
        if said.word is Word.COMMENT:
            said = msgspec.structs.replace(said, text=named(said.text, self._names))
        at_ms, who = self._decided(who, said.subject, said)
        try:
            act = slack_acts.act_of(said, actor=who.name, at_ms=at_ms)
        except ValueError as error:
            return Done(Outcome.WRONG, f"Nothing was done: {escape(error)}")
        return await self._tell(act, environment, who)

    def _decided(self, who: Who, subject: str, what: object) -> tuple[int, Who]:
        """Return when it was decided, and who, with what names it: a double click is the first."""
        now_ms = slack_acts.when(who.ts, self._now_ms())
        at_ms, once = self._moments.at(who.id, subject, what, now_ms, who.once)
        return at_ms, msgspec.structs.replace(who, once=once)

    async def _tell(self, act: Act, environment: int, who: Who) -> Done:
        # Where they are told if it does not do what they are told now.
        pressed = pressed_by(who.id, who.channel, who.thread_ts)
        act = msgspec.structs.replace(act, pressed=pressed, once=who.once or msgspec.UNSET)
        written = await self._acts.tell(act, environment, within_s=self._kafka_within_s)
        if written is not Written.YES:
            return failed(WRITTEN[written])
        self._book.acted()
        behind_ms = self._book.behind_ms(environment)
        return Done(Outcome.ACTED, slack_acts.will(act, behind_ms=behind_ms))

    async def _show(self, said: Said) -> Done:
        live = await self._book.live(within_s=LOOK_WITHIN_S)
        if live is None:
            return failed(Outcome.NO_STATE)
        if not said.subject:
            return Done(Outcome.ANSWERED, status_text(live))
        shows = why_text if said.word is Word.WHY else detail_text
        text = shows(live, said.subject)
        if not text:
            return Done(Outcome.GONE, f"Nothing is called {code(said.subject)}.")
        return Done(Outcome.ANSWERED, text)

    async def silence(self, given: Filled, who: Who) -> Done:
        """Make the silence that a modal asks for."""
        it = given.asked.about
        at_ms, who = self._decided(who, it.id, given)
        try:
            act = slack_acts.silence_of(given, actor=who.name, at_ms=at_ms)
        except ValueError as error:
            return Done(Outcome.WRONG, f"Nothing was done: {escape(error)}")
        return await self._tell(act, it.environment, who)

    async def about(
        self, subject: str, *, over: bool = False, left: bool = False
    ) -> About | Missing:
        """Return where something belongs, or why it is not found.

        Args:
            subject: an incident, a storm or a silence.
            over: take also what is over and remembered.
            left: take that where its page was left to whoever acknowledged it.
        """
        is_over = False
        for newest in (False, True):
            live = await self._book.live(newest=newest, within_s=LOOK_WITHIN_S)
            if live is None:
                return Missing.UNREAD
            found = live.find(subject)
            if found is None and (remembered := live.find_remembered(subject)) is not None:
                is_over = True
                found = remembered if over or (left and remembered[1].page_left) else None
            if found is not None:
                return About(subject, 0, environment_hash(environment_of(found[1])))
            for _, silence in live.silences():
                if silence.id == subject:
                    return About(subject, 0, environment_hash(silence.environment))
        return Missing.OVER if is_over else Missing.UNKNOWN

    async def may_not(self, word: Word, who: Who) -> Done | None:
        """Return why somebody may not say this, None where they may."""
        ours = await self._office.colleague(who.id, who.team)
        if not ours:
            return Done(Outcome.MAY_NOT, slack_acts.STRANGER if ours is False else slack_acts.WHOSE)
        key = slack_acts.GROUP_OF.get(word, "")
        groups = self._groups.get(key)
        if groups is None or who.id in groups:
            return None
        unknown = []
        for group in (one for one in groups if one.startswith("S")):
            members = await self._office.members(group)
            if members is not None and who.id in members:
                return None
            if members is None:
                unknown.append(group)
        text = slack_acts.may_not(key, groups, unknown=tuple(unknown))
        return Done(Outcome.MAY_NOT, text)

"""Acting: what people's decisions do to storms and incidents.

An act about something that is over, forgotten or of another environment does nothing: what it was
about is gone. But a comment is kept with what is over, and a false alarm remembered. What became of
each act is kept, so that it can be explained, and so that one that is told again changes nothing.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Final

import msgspec

from correlators import acknowledging, channel_links, evidence, page_acts, silencing
from correlators.acts import (
    Acknowledge,
    Act,
    ActDone,
    ActOutcome,
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
    act_id,
    kind_of,
    silence_id,
    text_of,
)
from correlators.answering import Answering
from correlators.asking import Asking
from correlators.closing import Closing
from correlators.deltas import tick_end_ms
from correlators.entries import episode_key
from correlators.evidence import both, piece
from correlators.gathering import Gatherer
from correlators.incident_news import told_with
from correlators.incidents import Incident
from correlators.link_acts import AddLink, RemoveLink
from correlators.people_told import had
from correlators.personal_acts import TellMe
from correlators.personal_telling import PersonalTelling
from correlators.responses import Response, response
from correlators.state import State
from correlators.storms import Storm
from correlators.telling import Teller
from correlators.types import Evidence

ACTS_KEPT: Final = 2_000
"""Acts of a partition that are remembered; for a new one the oldest goes, and is counted."""

Outcomes = Counter[tuple[str, ActOutcome]]
"""Acts by (kind, what became of them)."""


class Acting:
    """Carries out the acts on one state. What became of them gathers until it is taken."""

    def __init__(
        self,
        state: State,
        gatherer: Gatherer,
        teller: Teller,
        closing: Closing,
        asking: Asking,
        answering: Answering,
        personal: PersonalTelling,
        ack_for_ms: int = 0,
    ) -> None:
        """Args: state: read and written; gatherer: joins, merges, parts; teller: tells; closing:
        ends; asking: has Sentry do the same; answering: tells whoever pressed what did not;
        personal: tells whom it is for; ack_for_ms: how long one lasts that does not say."""
        self._ack_for_ms = ack_for_ms
        self._closing = closing
        self._asking = asking
        self._answering = answering
        self._personal = personal
        self._state = state
        self._teller = teller
        self._gatherer = gatherer
        self._outcomes: Outcomes = Counter()
        self._responses: list[Response] = []

    def take(self) -> Outcomes:
        """Return what became of the acts since the last call."""
        taken, self._outcomes = self._outcomes, Counter()
        return taken

    def take_responses(self) -> list[Response]:
        """Return what the acts took that had an effect since the last call."""
        taken, self._responses = self._responses, []
        return taken

    def act(self, act: Act, tick: int) -> ActOutcome:
        """Carry out one act in this tick and return what became of it.

        The same act twice changes nothing the second time.
        """
        kind, place = kind_of(act), act_id(act)
        if self._state.get("act:" + place) is not None:
            outcome = ActOutcome.REPEATED
        elif not page_acts.known(self._state, act.subject):
            outcome = ActOutcome.ELSEWHERE
        else:
            subject = page_acts.about(self._state, act.subject)
            about = silencing.remembered(self._state, subject)
            if isinstance(about, Storm):
                subject = about.id  # of one that went into another, that
            took = response(self._state, about, act, tick)
            # What it concerns is found before it ends.
            asked = self._asking.acted(act, tick)
            outcome, environment = self._carry_out(act, tick)
            self._asking.carried_out()
            if took is not None and outcome is ActOutcome.DONE:
                self._responses.append(took)
            outcome = _with_sentry(act, outcome, asked=asked)
            self._answering.carried_out(act, outcome)
            self._make_room()
            self._state.put(
                ActDone(
                    id=place,
                    kind=kind,
                    actor=act.actor,
                    source=act.source,
                    at_ms=act.at_ms,
                    tick=tick,
                    environment=environment,
                    subject=subject,
                    outcome=outcome,
                    text=text_of(act),
                    page=page_acts.page_of(act),
                )
            )
        self._outcomes[kind, outcome] += 1
        return outcome

    def _make_room(self) -> None:
        if self._state.people.acts >= ACTS_KEPT:
            key = "act:" + self._state.people.oldest_act()
            oldest = self._state.get(key)
            assert isinstance(oldest, ActDone)
            self._state.drop(key)
            self._outcomes[oldest.kind, ActOutcome.FORGOTTEN] += 1

    def _carry_out(self, act: Act, tick: int) -> tuple[ActOutcome, str]:
        """Return what became of an act, and the environment of what it was about."""
        found = silencing.subject_of(self._state, act.subject)
        match act:
            case AddSilence():
                added = silencing.added(self._state, act, found, tick)
                silence = self._state.silence(silence_id(act))
                if added[0] is ActOutcome.DONE and silence is not None:
                    self._teller.silenced(silence, tick)
                return added
            case ExpireSilence():
                return silencing.expired(self._state, act, tick)
            case AddLink():
                return channel_links.added(self._state, act, tick_end_ms(tick)), ""
            case RemoveLink():
                return channel_links.removed(self._state, act), ""
            case TellMe():
                return self._personal.chosen(act), ""
            case Resolve() | FalseAlarm() | Unacknowledge() if found is None:
                found = silencing.remembered(self._state, act.subject)
            case Comment() if found is None:
                about = page_acts.about(self._state, act.subject)
                found = silencing.remembered(self._state, about)
        if found is None:
            return ActOutcome.GONE, ""
        environment = silencing.environment_of(found)
        if page_acts.overtaken(self._state, act):
            return ActOutcome.OVERTAKEN, environment
        if not found.open:
            return self._afterwards(found, act, tick), environment
        match act:
            case PageNow():
                return self._teller.page_now(self._lead(found), act, tick), environment
            case MergeInto():
                into = silencing.subject_of(self._state, act.into)
                if into is None or silencing.environment_of(into) != environment:
                    return ActOutcome.GONE, environment
                changed = self._merge(found, into, tick)
            case _:
                changed = self._change(found, act, tick)
        return ActOutcome.DONE if changed else ActOutcome.UNCHANGED, environment

    def _change(self, found: Storm | Incident, act: Act, tick: int) -> bool:
        """Carry out what concerns this one thing, open; return whether it changed anything."""
        match act:
            case Acknowledge() | Unacknowledge():
                return self._acknowledge(found, act, tick)
            case Resolve() | FalseAlarm():
                return self._closing.by_hand(found, act, tick)
            case Assign():
                return self._assign(found, act, tick)
            case Comment():
                self._teller.person(self._lead(found), act, tick)
                self._personal.mentioned(self._lead(found), act, tick)
                return True
            case Ignore() | Unignore():
                return False  # Sentry's own word on it is what counts
            case Separate():
                return isinstance(found, Incident) and self._separate(found, tick)
            case _:
                raise AssertionError(f"nothing carries out {kind_of(act)}")

    def _afterwards(self, found: Storm | Incident, act: Act, tick: int) -> ActOutcome:
        """Carry out what may be done to something that is over: a comment is kept, a false alarm
        remembered, a page that was left resolved, also where nobody has it any more."""
        if isinstance(act, Comment):
            self._personal.mentioned(found, act, tick)
            return ActOutcome.DONE
        if isinstance(act, Unacknowledge):
            return ActOutcome.DONE if self._closing.let_go(found, act, tick) else ActOutcome.GONE
        assert isinstance(act, Resolve | FalseAlarm)
        if self._closing.by_hand(found, act, tick):
            return ActOutcome.DONE
        return ActOutcome.GONE if isinstance(act, Resolve) else ActOutcome.UNCHANGED

    def _lead(self, found: Storm | Incident) -> Storm | Incident:
        """Return what tells it: its storm, or the incident that leads its error."""
        found = acknowledging.lead(self._state, acknowledging.told_by(self._state, found))
        return acknowledging.told_by(self._state, found)

    def _assign(self, found: Storm | Incident, act: Assign, tick: int) -> bool:
        """Whoever it is, of a storm all of it; of an incident all releases that are told with
        it."""
        found = self._lead(found)
        together = [found] if isinstance(found, Storm) else [found, *told_with(self._state, found)]
        if all(one.assignee == act.assignee for one in together):
            return False
        for one in together:
            now = msgspec.structs.replace(one, assignee=act.assignee, assigned_by=act.actor)
            self._state.put(now)
            found = now if now.id == found.id else found
        self._teller.person(found, act, tick)
        self._personal.assigned(found, act, tick)
        return True

    def _acknowledge(
        self, found: Storm | Incident, act: Acknowledge | Unacknowledge, tick: int
    ) -> bool:
        found = acknowledging.told_by(self._state, found)
        before = had(self._state, found, act.actor)
        if isinstance(act, Acknowledge):
            level_of = partial(self._teller.level_of, tick=tick)
            now = acknowledging.acknowledged(
                self._state, found, act, tick, level_of, self._ack_for_ms
            )
        else:
            now = acknowledging.unacknowledged(self._state, found)
        if now is not None:
            self._teller.person(now, act, tick, had=before)
        return now is not None

    def _separate(self, incident: Incident, tick: int) -> bool:
        """Its whole episode leaves: another release of the error is no other error."""
        storm = self._state.storm_of(incident)
        if storm is None:
            return False
        key = incident.key
        episode = episode_key(key.environment, key.service, key.fingerprint)
        for one in self._state.open_of_episode(key):
            if (inside := self._state.storm_of(one)) is not None and inside.id == storm.id:
                self._gatherer.part(storm.id, one, episode, tick)
        return True

    def _merge(self, found: Storm | Incident, into: Storm | Incident, tick: int) -> bool:
        one, two = (acknowledging.told_by(self._state, each) for each in (found, into))
        if one.id == two.id:
            return False
        services = tuple(
            part.services[0] if isinstance(part, Storm) else part.key.service for part in (one, two)
        )
        said = piece(
            Evidence.BY_HAND, evidence.BY_HAND, services, f"{both(*services)}: a person says so"
        )
        self._gatherer.unite(one, two, said, tick)
        return True


def _with_sentry(act: Act, outcome: ActOutcome, *, asked: bool) -> ActOutcome:
    """Return what became of an act that Sentry was, or was not, asked to follow.

    What is over or so already here may not be so in Sentry.
    """
    if asked and outcome in (ActOutcome.GONE, ActOutcome.UNCHANGED):
        return ActOutcome.DONE
    if outcome is ActOutcome.UNCHANGED and isinstance(act, Ignore | Unignore):
        return ActOutcome.NO_ISSUE
    return outcome

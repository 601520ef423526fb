"""Personal telling: whoever is assigned, or mentioned in a comment, is told so themselves, once.

At once, whatever the rules, silences or quiet hours say of the team: a person meant them. Nobody is
told what they did themselves, and nobody at all in shadow mode. What is told of one deed has the
same id in every partition, so that an outbox sends it once; who is assigned to the same thing twice
within an hour, in Sentry too, is told once.
"""

from __future__ import annotations

from typing import Final

import msgspec
import xxhash

from correlators import digest
from correlators.acts import ActOutcome, Assign, Comment, act_id
from correlators.background import members_of
from correlators.digest import Telling
from correlators.incident_news import told_with
from correlators.incidents import SOMEBODY, Incident
from correlators.judging import Config
from correlators.people_told import Said, with_people
from correlators.personal import Choice, Deed, ForPerson
from correlators.personal_acts import TellMe
from correlators.services import described
from correlators.state import State
from correlators.storms import Storm
from correlators.types import TICK_MS, ChangeKind, Digest, DigestKind, StateChange

CHOICES_MOST: Final = 2_000
"""People whose own choice is kept."""
_HOUR_TICKS: Final = 3_600_000 // TICK_MS


class PersonalTelling:
    """Gathers what people of one state are told themselves until it is taken."""

    def __init__(self, config: Config, state: State) -> None:
        """Args: config: who they are, and how services are described; state: read, and what people
        choose is kept in it."""
        self._config = config
        self._state = state
        self._personal = config.personal
        self._digests: dict[tuple[str, str], Digest] = {}

    def chosen(self, act: TellMe) -> ActOutcome:
        """Keep what a person chose; return what became of that."""
        name = self._personal.known_as(act.subject)
        if not name:
            return ActOutcome.GONE
        before = self._state.people.choices.get(name)
        deeds = (act.of,) if act.of is not None else tuple(Deed)
        after = msgspec.structs.replace(
            before or Choice(name=name), **{one.value: act.by for one in deeds}
        )
        if after == (before or Choice(name=name)):
            return ActOutcome.UNCHANGED
        if after == Choice(name=name):
            self._state.drop("choice:" + name)
            return ActOutcome.DONE
        if before is None and len(self._state.people.choices) >= CHOICES_MOST:
            return ActOutcome.TOO_MANY
        self._state.put(after)
        return ActOutcome.DONE

    def assigned(self, found: Incident | Storm, act: Assign, tick: int) -> None:
        """Tell whoever an act assigned it to."""
        said = Said(act="assign", by=(act.actor, act.source), text=act.assignee)
        self._assigned(found, said, tick)

    def assigned_in_sentry(
        self, before: Incident, after: Incident, change: StateChange, tick: int
    ) -> None:
        """Tell whoever Sentry says that an incident is assigned to, if that is news of what tells
        the incident."""
        if change.kind is not ChangeKind.ISSUE_ASSIGNED:
            return  # who is assigned stands in every word on an issue, and is no news there
        if after.assignee in ("", SOMEBODY, before.assignee):
            return
        storm = self._state.storm_of(after)
        if storm is not None and storm.assignee == after.assignee:
            return
        said = Said(act="assign", by=(change.by, "sentry"), text=after.assignee)
        self._assigned(storm if storm is not None else after, said, tick)

    def mentioned(self, found: Incident | Storm, act: Comment, tick: int) -> None:
        """Tell whoever is mentioned in a comment on it, open or over."""
        said = Said(act="comment", by=(act.actor, act.source), text=act.text)
        # The same comment on an issue of several incidents is one.
        deed = act_id(msgspec.structs.replace(act, subject=""))
        for name in self._personal.mentioned_in(act.text):
            self._tell(name, Deed.MENTIONED, found, said, deed, tick)

    def take(self) -> list[Digest]:
        """Return what is to be told since the last call, by id."""
        taken, self._digests = self._digests, {}
        return [one for _, one in sorted(taken.items())]

    def forget(self) -> None:
        """Drop what was decided in a tick that is undone."""
        self._digests = {}

    def _assigned(self, found: Incident | Storm, said: Said, tick: int) -> None:
        name = self._personal.known_as(said.text)
        issue = found.issues[0] if isinstance(found, Incident) and found.issues else found.id
        deed = f"{issue} {tick // _HOUR_TICKS}"
        self._tell(name, Deed.ASSIGNED, found, said, deed, tick)

    def _tell(
        self, name: str, deed: Deed, found: Incident | Storm, said: Said, what: str, tick: int
    ) -> None:
        themselves = self._personal.known_as(said.by[0]) == name
        if not name or themselves or self._config.shadow is not None:
            return
        places = self._personal.places(name, deed, self._state.people.choices.get(name))
        if not places:
            return
        id = _id(deed, name, what)
        content = msgspec.structs.replace(
            self._content(found, said, tick), id=id, personal=ForPerson(deed, found.id)
        )
        for place in places:
            one = msgspec.structs.replace(content, destination=place)
            self._digests.setdefault((id, place), one)

    def _content(self, found: Incident | Storm, said: Said, tick: int) -> Digest:
        telling = Telling(kind=DigestKind.NOTED, revision=1, tick=tick, resolved=not found.open)
        if isinstance(found, Storm):
            told = list(members_of(self._state, found))
            content = digest.of_storm(found, told, telling)
        else:
            also = told_with(self._state, found) if found.open else []
            told = [found, *also]
            content = digest.of_incident(found, also, telling)
        content = with_people(self._state, content, found, telling.page, said)
        return described(content, told, self._config.services, self._config.owners)


def _id(deed: Deed, name: str, what: str) -> str:
    """Return the id of what one person is told of one deed: `per-` and 16 hex digits."""
    raw = msgspec.msgpack.encode((deed.value, name, what))
    return "per-" + xxhash.xxh3_64_hexdigest(raw)

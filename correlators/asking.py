"""Asking Sentry: what people decide about an incident or a storm is to be so of its issues too.

An act that resolves, assigns or ignores asks for each issue of what it is about; so does, where the
configuration says so, the first telling of an error for the team that owns it. Each is a digest of
its own to `sentry:default`, at most one for each part of an issue in a tick: the last word counts.
Sentry's own word on what was asked for comes back as any other and changes nothing that is so; that
something is resolved is waited for, since what happened meanwhile may have opened it again here.

Lives here: what is asked, of which issues, and who hears if Sentry does not take it. Not here: what
an act does to incidents (`acting`), and how Sentry is told (the sink's part).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from correlators import digest
from correlators.acts import Act, Assign, Ignore, Resolve, Unignore
from correlators.deltas import tick_end_ms
from correlators.digest import Telling
from correlators.incidents import Incident
from correlators.issue_change import RULE, TEAM, IssueChange, IssueDoes, change_id
from correlators.judging import Config
from correlators.owners import owners_of
from correlators.page_acts import is_page
from correlators.services import declared_owners
from correlators.state import State
from correlators.storms import Storm
from correlators.types import Digest, DigestKind

DESTINATION: Final = "sentry:default"
CHANGES_MOST: Final = 100
"""Issues that are changed by one decision about a storm; of more, the first incidents' are."""
ECHO_TICKS: Final = 35 * 60
"""So long after a resolve Sentry's word on it is waited for: longer than the sink tries."""


class _Asked(NamedTuple):
    change: IssueChange
    teller: Incident | Storm
    """In whose thread it is told if Sentry does not take it."""


class Asking:
    """Gathers what is asked of Sentry for one state until it is taken."""

    def __init__(self, config: Config, state: State) -> None:
        """Args: config: whether anything is asked, and who owns what; state: what is
        waited for is noted in it."""
        self._config = config
        self._state = state
        self._declared = declared_owners(config.services)
        teams = {*config.teams, *(one.owner for one in config.owners), *self._declared.values()}
        self._teams = {one.lower(): one for one in teams}
        self._asked: dict[str, _Asked] = {}
        self._resolved: dict[str, None] = {}
        """Incidents of which Sentry was asked to resolve the issues."""

    def acted(self, act: Act, tick: int) -> bool:
        """Ask for what a person has just decided; return whether it concerns any issue.

        What was asked before is asked again: Sentry may not have taken it. What a pager says is of
        its page: whoever ends or hands on that has decided nothing about the issues.
        """
        if is_page(act.subject):
            return False
        match act:
            case Resolve():
                return self._ask(act.subject, IssueDoes.RESOLVE, act)
            case Ignore():
                until_ms = tick_end_ms(tick) + act.for_ms if act.for_ms else 0
                return self._ask(act.subject, IssueDoes.IGNORE, act, until_ms=until_ms)
            case Unignore():
                return self._ask(act.subject, IssueDoes.UNRESOLVE, act)
            case Assign():
                assignee = self._known_as(act.assignee)
                whole = self._whole(act.subject)
                return self._ask(whole, IssueDoes.ASSIGN, act, assignee=assignee)
            case _:
                return False

    def carried_out(self) -> None:
        """Wait for Sentry's word only for what is over now that the act was carried out.

        What was over before may share an issue with what is open: that is not ended by the act, but
        by Sentry's word.
        """
        found = ((id, self._state.find_incident(id)) for id in self._resolved)
        self._resolved = {id: None for id, one in found if one is not None and not one.open}

    def told(self, before: Incident | Storm) -> None:
        """Ask to assign what was told for the first time just now to the team that owns it.

        Not where Sentry has said who has it: its own rules, or a person, were first.

        Args:
            before: as it was before the telling.
        """
        if self._config.issues is None or not self._config.issues.assign_owner or before.told.to:
            return
        find = self._state.storm if isinstance(before, Storm) else self._state.find_incident
        found = find(before.id)
        if found is None or not (found.open and found.told.to):
            return
        for one in self._parts(found):
            services, marks = (one.key.service,), one.marks
            owners = owners_of(self._config.owners, services, marks, self._declared)
            if owners and not one.assignee:
                self._ask(one.id, IssueDoes.ASSIGN, None, assignee=TEAM + owners[0])

    def take(self, tick: int) -> list[Digest]:
        """Return what was asked since the last call as digests, by the name of the change."""
        asked, self._asked = self._asked, {}
        resolved, self._resolved = self._resolved, {}
        waited = {one.change.issue_id for one in asked.values()}
        for id in resolved:
            incident = self._state.find_incident(id)
            if incident is not None:
                echoes = tuple(one for one in incident.issues if one in waited)
                self._state.put(
                    msgspec.structs.replace(incident, echoes=echoes, echoes_until=tick + ECHO_TICKS)
                )
        # A decision about a storm is a hundred digests that differ in their issue alone.
        tellers = {one.teller.id: one.teller for one in asked.values()}
        made = {id: self._digest(teller, tick) for id, teller in tellers.items()}
        return [
            _of_change(made[one.teller.id], one.change, tick) for _, one in sorted(asked.items())
        ]

    def forget(self) -> None:
        """Drop what was asked in a tick that is undone."""
        self._asked, self._resolved = {}, {}

    def heard_back(self, incident: Incident, issue_id: str, tick: int) -> bool:
        """Return whether Sentry's word that an issue is resolved only answers what was asked.

        It does once. Whoever resolves the issue in Sentry after that ends the incident.
        """
        if issue_id not in incident.echoes or tick >= incident.echoes_until:
            return False
        rest = tuple(one for one in incident.echoes if one != issue_id)
        self._state.put(msgspec.structs.replace(incident, echoes=rest))
        return True

    def _ask(
        self,
        subject: str,
        does: IssueDoes,
        act: Act | None,
        *,
        assignee: str = "",
        until_ms: int = 0,
    ) -> bool:
        """Ask for every issue of an incident or a storm, open or over; return whether it has
        any. Without an act nobody has pressed for it."""
        # In shadow mode everything is told to one destination, and nothing is done.
        if self._config.issues is None or self._config.shadow is not None:
            return False
        found = self._state.find_incident(subject) or self._state.storm(subject)
        if found is None:
            return False
        parts = self._parts(found)
        ids = dict.fromkeys(id for one in parts for id in one.issues)
        if does is IssueDoes.RESOLVE:
            self._resolved |= dict.fromkeys(one.id for one in parts)
        issues = list(ids)[:CHANGES_MOST]
        teller = self._teller_of(found)
        pressed = act.pressed if act is not None else msgspec.UNSET
        for id in issues:
            change = IssueChange(
                issue_id=id,
                does=does,
                subject=teller.id,
                assignee=assignee,
                until_ms=until_ms,
                source=act.source if act is not None else RULE,
                together=len(ids),
                pressed=None if pressed is msgspec.UNSET else pressed,
            )
            self._asked[change.name] = _Asked(change, teller)
        return bool(issues)

    def _whole(self, subject: str) -> str:
        """Return the id of the storm that tells an incident, which is assigned with it."""
        found = self._state.find_incident(subject)
        storm = self._state.storm_of(found) if found is not None else None
        return storm.id if storm is not None else subject

    def _parts(self, found: Incident | Storm) -> Sequence[Incident]:
        """Return the incidents of a storm that are remembered, in the order of joining; of an
        incident all that are told with it."""
        if isinstance(found, Storm):
            known = map(self._state.find_incident, found.members)
            return [one for one in known if one is not None]
        others = self._state.open_of_episode(found.key)
        return [found, *(one for one in others if one.id != found.id)]

    def _teller_of(self, found: Incident | Storm) -> Incident | Storm:
        """Return what tells it, or last did."""
        if isinstance(found, Storm):
            return found
        storm = self._state.storm_of(found)
        if storm is not None:
            return storm
        if found.told.to:
            return found
        episode = self._state.episode(found.key)
        lead = self._state.find_incident(episode.lead) if episode is not None else None
        return lead or found

    def _known_as(self, name: str) -> str:
        """Return a name as Sentry takes it: of a team that is configured, or begins with `#`, as a
        team."""
        bare = name.removeprefix("#").removeprefix(TEAM)
        team = self._teams.get(bare.lower())
        if team is None and bare != name:
            team = bare
        return TEAM + team if team is not None else name.removeprefix("@")

    def _digest(self, teller: Incident | Storm, tick: int) -> Digest:
        """Return the digest of what tells a decision, as it is by now, for no issue yet."""
        now = self._state.storm(teller.id) if isinstance(teller, Storm) else None
        teller = now or self._state.find_incident(teller.id) or teller
        telling = Telling(
            kind=DigestKind.ISSUE_CHANGE, revision=1, tick=tick, resolved=not teller.open
        )
        if isinstance(teller, Storm):
            made = digest.of_storm(teller, self._parts(teller), telling)
        else:
            made = digest.of_incident(teller, (), telling)
        return msgspec.structs.replace(made, destination=DESTINATION, page_told=teller.told.to)


def _of_change(made: Digest, change: IssueChange, tick: int) -> Digest:
    """Return the digest that asks for a change: it is told by `made`, whose id it is about."""
    return msgspec.structs.replace(
        made,
        id=change_id(change, tick),
        page_told=() if change.source == RULE else made.page_told,
        issue_change=msgspec.structs.replace(change, subject=made.id),
    )

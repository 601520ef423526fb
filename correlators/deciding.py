"""What decides: all that the configuration tells CORRELATE, and what of it others have to know.

Values only: what it says of an incident or a storm is `judging`'s.
"""

from __future__ import annotations

import msgspec

from correlators.channel_links import Chats
from correlators.conditions import When
from correlators.days import Shadow
from correlators.dependencies import Depends
from correlators.fallbacks import Stands, stand_ins
from correlators.fingerprint import DEFAULT_VERSION
from correlators.holds import Holding
from correlators.incidents import ticks
from correlators.issue_change import IssuesChanged
from correlators.owners import Owner, Team
from correlators.personal import Personal
from correlators.rules import Pages, Routes, rules_for
from correlators.rulings import Rule
from correlators.services import About
from correlators.state import Correlation


class Config(Correlation, frozen=True, kw_only=True):
    """All that decides what CORRELATE does with a log."""

    pages: Pages = Pages()
    routes: Routes = Routes()
    rules: tuple[Rule, ...] = ()
    """None: `pages` and `routes` decide."""
    teams: dict[str, Team] = msgspec.field(default_factory=dict)
    owners: tuple[Owner, ...] = ()
    services: dict[str, About] = msgspec.field(default_factory=dict)
    """Who owns a service, who is paged for it, and where help is when it fails."""
    holding: Holding = Holding()
    depends: Depends = msgspec.field(default_factory=dict)
    """What each service needs, as declared; cycles are allowed."""
    changes: tuple[str, ...] = ()
    """The pagers that keep a record of deploys."""
    shadow: Shadow | None = None
    """Shadow mode: everything is told to one destination alone."""
    signature_version: int = DEFAULT_VERSION
    """The version under which deltas are taken, whatever the one that their FINGERPRINT had."""
    issues: IssuesChanged | None = None
    """What is asked of Sentry; None: nothing."""
    chats: Chats | None = None
    """Where links may lead; None: anywhere."""
    personal: Personal = Personal()
    """Who is told of what is theirs."""
    name: str = ""
    """What the stored state calls it: a short hash of all that decides. Empty: it is not named."""

    @property
    def decides(self) -> tuple[Rule, ...]:
        """The rules that are read, in order."""
        by_service = any(one.page for one in self.services.values())
        return self.rules or rules_for(self.pages, self.routes, by_service=by_service)

    @property
    def stand_ins(self) -> list[Stands]:
        """Who may be paged, and who is when that one cannot be."""
        own = {name: one.page for name, one in self.services.items() if one.page}
        return stand_ins(self.decides, self.teams, own, self.pages.fallback)

    @property
    def conditions(self) -> list[When]:
        """All conditions that are asked about."""
        holding = self.holding
        return [
            *(rule.when for rule in self.decides),
            *(period.when for period in holding.periods),
            *(when for one in holding.inhibitions for when in (one.source, one.when)),
        ]

    @property
    def tags(self) -> tuple[str, ...]:
        """The tag conditions that FINGERPRINT has to look for."""
        asked = {tag for when in self.conditions for tag in when.tag}
        return tuple(sorted(asked | {one.tag for one in self.owners if one.tag}))

    @property
    def paths(self) -> tuple[str, ...]:
        """The patterns of files that FINGERPRINT has to look for."""
        return tuple(sorted({one.path for one in self.owners if one.path}))

    @property
    def rate_ticks(self) -> int:
        """How far back rates must reach."""
        asked = [one for when in self.conditions for one in (when.events, when.users) if one]
        return ticks(max([self.pages.within_ms, *(one.within_ms for one in asked)]))

    @property
    def counts_users(self) -> bool:
        """Whether a rule asks how many users were hit in some time."""
        return any(when.users is not None for when in self.conditions)

"""Deploys as news: one small digest for each, to where a rule asks for them.

Only rules that name `deploy` among their lifecycles are read for a deploy, so without one no chat
is told. It is told at once or never: what holds it back (a silence, maintenance, quiet hours, a
spike) drops it by that name, since an hour later it is no news. It wakes nobody. Pagers that keep a
record of changes have it there once, whatever the rules for chats are.

Lives here: which deploys are told, to whom, and what the digest says. Not here: what a deploy means
for incidents (`releases`), which pagers keep it (`change_events`), how a marker is read
(`deploys`).
"""

from __future__ import annotations

import msgspec
import xxhash

from correlators.change_events import may_page, place_of
from correlators.conditions import Facts, Lifecycle
from correlators.deltas import tick_end_ms
from correlators.entries import DeployTold, Service, deploy_key
from correlators.holds import Around, Hold, held
from correlators.incidents import ticks
from correlators.judging import Config, Judgement
from correlators.owners import owners_of
from correlators.rulings import Rule, Ruling, Urgency, ruled
from correlators.services import declared_owners, pagers_of
from correlators.state import State
from correlators.types import (
    Digest,
    DigestKind,
    Level,
    ServiceLine,
    StateChange,
    Suppression,
    tick_of,
)


class DeployNews:
    """Decides the digests of deploys of one state."""

    def __init__(self, config: Config, state: State) -> None:
        """Args: config: the rules; state: read, and what was told is noted in it."""
        self._config = config
        self._state = state
        self._rules = tuple(one for one in config.decides if asks_for_deploys(one))
        self._declared = declared_owners(config.services)

    def judged(self, change: StateChange, tick: int) -> Judgement | None:
        """Return what the rules say of a deploy, None where none asks for it or it was told.

        The same deploy, however often it is posted, is told once.

        Args:
            change: of kind deploy.
            tick: the tick being applied.
        """
        if not self._rules or self._state.get(deploy_key(deploy_id(change))) is not None:
            return None
        now_ms = tick_end_ms(tick)
        facts = self._facts(change, tick)
        ruling = ruled(self._rules, facts, self._config.teams)
        if not ruling.rules:
            return None
        if ruling.urgency is not Urgency.DROP:
            ruling = msgspec.structs.replace(ruling, urgency=Urgency.ALERT, page=(), every_ms=0)
        return Judgement(ruling, self._hold(change, facts, ruling, now_ms, tick), facts)

    def _facts(self, change: StateChange, tick: int) -> Facts:
        return Facts(
            environment=change.environment,
            services=(change.service,),
            releases=(change.release,),
            level=Level.INFO,
            owners=owners_of(self._config.owners, (change.service,), (), self._declared),
            lifecycle=Lifecycle.DEPLOY,
            pagers=pagers_of(self._config.services, change.service),
            tick=tick,
            rate_ticks=self._config.rate_ticks,
        )

    def _hold(
        self, change: StateChange, facts: Facts, ruling: Ruling, now_ms: int, tick: int
    ) -> Hold | None:
        away = abs(tick - tick_of(change.at_ms))
        if away > ticks(self._config.linking.release_news_ms):
            return Hold(Suppression.NO_NEWS, "")
        around = Around(
            now_ms=now_ms,
            silences=self._state.silences(change.environment),
            told_this_hour=self._state.told_in_hour(change.environment, tick).told,
        )
        return held(facts, ruling, self._config.holding, around)

    def told(self, change: StateChange, judgement: Judgement, tick: int) -> list[Digest]:
        """Return the digest of a deploy, once per destination, and note that it was told."""
        self._state.put(DeployTold(id=deploy_id(change), tick=tick))
        digest = self._digest(change, judgement.ruling.rules[0], tick)
        return [msgspec.structs.replace(digest, destination=one) for one in judgement.ruling.to]

    def kept(self, change: StateChange, tick: int) -> list[Digest]:
        """Return the digest of a deploy for each pager that keeps it, and note that it was told.

        The same deploy, however often it is posted, is kept once; in shadow mode it is not.
        """
        config, noted = self._config, f"chg-{deploy_id(change)[4:]}"
        if not config.changes or config.shadow is not None or self._state.get(deploy_key(noted)):
            return []
        paged = may_page(config.decides, self._facts(change, tick), config.teams)
        pagers = [one for one in paged if one in config.changes]
        if pagers:
            self._state.put(DeployTold(id=noted, tick=tick))
        digest = self._digest(change, "", tick)
        return [msgspec.structs.replace(digest, destination=place_of(one)) for one in pagers]

    def _digest(self, change: StateChange, rule: str, tick: int) -> Digest:
        """Return what is told of a deploy, for no destination yet."""
        line = ServiceLine(
            service=change.service, title="", events=0, incidents=0, releases=(change.release,)
        )
        return Digest(
            id=deploy_id(change),
            revision=1,
            kind=DigestKind.DEPLOY,
            at_ms=tick_end_ms(tick),
            destination="",
            storm=False,
            resolved=False,
            environment=change.environment,
            title=f"Deploy of {change.service}: {change.release}",
            incidents=0,
            events=0,
            users=0,
            level=Level.INFO,
            first_ms=change.at_ms,
            last_ms=change.at_ms,
            services=(line,),
            releases=(change.release,),
            release_before=self._before(change),
            deployed=True,
            by=change.by,
            rule=rule,
            url=change.url,
        )

    def _before(self, change: StateChange) -> str:
        """Return the release that was deployed, else seen, last before this one."""
        known = self._state.service(change.environment, change.service)
        known = known or Service(environment="", service="", last_tick=0)
        for releases in (known.deploys, known.releases):
            others = [one for one, _ in releases if one != change.release]
            if others:
                return others[-1]
        return ""


def asks_for_deploys(rule: Rule) -> bool:
    """Return whether the rule is read for deploys."""
    return Lifecycle.DEPLOY in rule.when.lifecycle


def deploy_id(change: StateChange) -> str:
    """Return the id of a deploy: `dep-` and 16 hex digits."""
    text = "\0".join((change.environment, change.service, change.release, str(change.at_ms)))
    return "dep-" + xxhash.xxh3_64_hexdigest(text.encode("utf-8", "surrogatepass"))

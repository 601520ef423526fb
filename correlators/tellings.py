"""What a tick decides to tell, and what it holds back: digests, suppressions, pages, judgements.

Lives here: where all of them gather until they are taken, what every digest is given on its way
(owners, links, alerts, destinations), and what people have heard after it. Not here: what is told,
and when (`incident_telling`, `storm_telling`, `deploy_news`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from correlators.addressed import for_destinations
from correlators.conditions import Lifecycle
from correlators.digest import Telling
from correlators.folds import Folds
from correlators.incidents import Incident
from correlators.judging import Config, Judgement
from correlators.paging import with_stand_ins
from correlators.rulings import Urgency
from correlators.services import described
from correlators.spikes import spike_digests
from correlators.state import State
from correlators.storms import Storm
from correlators.suppressions import HeldBack, Suppressed
from correlators.told import Told
from correlators.types import Digest, DigestKind, PageReason, Suppression

LIFECYCLE: Final = {
    DigestKind.OPENED: Lifecycle.OPENED,
    DigestKind.UPDATED: Lifecycle.UPDATED,
    DigestKind.JOINED: Lifecycle.UPDATED,
    DigestKind.RESOLVED: Lifecycle.RESOLVED,
    DigestKind.REOPENED: Lifecycle.REOPENED,
    DigestKind.PARTED: Lifecycle.REOPENED,
}
"""What the rules call what a digest tells."""


class Tellings:
    """Gathers what one state tells."""

    def __init__(self, config: Config, state: State) -> None:
        """Args: config: owners, links and spike protection; state: alerts that are told along and
        the tellings of an hour are noted in it."""
        self._config = config
        self._state = state
        self._fallbacks = {one.paged: one.fallback for one in reversed(config.stand_ins)}
        self._folds = Folds(state, config.windows, config.rate_ticks)
        self._digests: list[Digest] = []
        self._suppressed: Suppressed = Counter()
        self._pages: Counter[PageReason] = Counter()
        self._judged: list[tuple[str, Judgement]] = []
        self._not_told: list[tuple[str, str, str]] = []

    def take(self) -> tuple[list[Digest], Suppressed, Counter[PageReason]]:
        """Return what was decided since the last call."""
        taken = self._digests, self._suppressed, self._pages
        self._digests, self._suppressed, self._pages = [], Counter(), Counter()
        return taken

    def take_judged(self) -> list[tuple[str, Judgement]]:
        """Return what was judged for a telling since the last call, each with the id of what was to
        be told."""
        taken, self._judged = self._judged, []
        return taken

    def judged(self, subject: str, judgement: Judgement) -> None:
        """Keep what the rules said of what was to be told."""
        self._judged.append((subject, judgement))

    def suppress(self, why: HeldBack, subject: str = "") -> None:
        """Count a digest that is held back; with the id of what it was about where that is not told
        of by a hold."""
        self._suppressed[why] += 1
        if subject and why.why is not Suppression.UNCHANGED:
            self._not_told.append((subject, why.why.value, why.rule))

    def take_not_told(self) -> list[tuple[str, str, str]]:
        """Return (subject, suppression, rule) of what was not told since the last call."""
        taken, self._not_told = self._not_told, []
        return taken

    def emit(self, digests: Iterable[Digest]) -> None:
        """Tell digests as they are."""
        self._digests.extend(digests)

    def tell(
        self,
        content: Digest,
        teller: Incident | Storm,
        told: Sequence[Incident],
        telling: Telling,
        to: tuple[str, ...],
    ) -> None:
        """Tell what is known of an incident or a storm, and of the alerts that it tells too.

        Args:
            content: its digest, for no destination yet.
            teller: as it is in the state.
            told: the incidents that are told of.
            telling: its tick and its page, which goes to whom that names.
            to: who is told.
        """
        content = described(content, told, self._config.services, self._config.owners)
        content, taken = self._folds.carried(content, teller, telling.tick)
        if taken:
            self._suppressed[HeldBack(Suppression.TOLD_BY_INCIDENT)] += taken
        heard = teller.told.to
        page = with_stand_ins(telling.page, to or heard, self._fallbacks)
        self.emit(for_destinations(content, to, page, heard))
        if telling.page.reason is not None:
            self._pages[telling.page.reason] += 1

    def note_spike(self, environment: str, judgement: Judgement, tick: int) -> None:
        """Count a telling of the environment; the one that fills the hour says that others wait."""
        most = self._config.holding.most_per_hour
        if not most or judgement.ruling.urgency is Urgency.PAGE:
            return
        hour = self._state.told_in_hour(environment, tick)
        hour = msgspec.structs.replace(hour, told=hour.told + 1)
        if hour.told >= most and not hour.announced:
            hour = msgspec.structs.replace(hour, announced=True)
            self.emit(spike_digests(environment, most, tick, self._config.decides[-1].to))
        self._state.put(hour)


def rule_of(judgement: Judgement | None) -> str:
    """Return the name of the rule that a digest is told by; empty where none was asked."""
    return judgement.ruling.rules[0] if judgement is not None and judgement.ruling.rules else ""


def destinations(told: Told, judgement: Judgement) -> tuple[str, ...]:
    """Return whom the rules name, and whoever was told before: they hear how it goes on."""
    return tuple(dict.fromkeys((*told.to, *judgement.ruling.to)))


def told_after(
    before: Told, telling: Telling, mark: int, to: tuple[str, ...], *, paged: bool
) -> Told:
    """Return what people have heard once it is told.

    Args:
        before: what they had heard.
        telling: what is told.
        mark: how often that had changed by then.
        to: who is told.
        paged: it says that somebody was paged.
    """
    return Told(
        revision=telling.revision,
        tick=telling.tick,
        mark=mark,
        resolved=telling.resolved,
        said_tick=telling.tick if to else before.said_tick,
        to=tuple(dict.fromkeys((*before.to, *to))),
        silenced="" if to else before.silenced,
        paged=paged,
        rule=telling.rule or before.rule,
        page_reason=telling.page.reason or before.page_reason,
        page_rule=telling.rule if telling.page.reason is not None else before.page_rule,
    )

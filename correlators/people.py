"""What people left in the state, found again: silences by environment, acts by age, links, choices,
and acknowledgements that end by themselves.

An index over entries of one partition, as `episodes` is one; what silences and acts do is
`silencing` and `acting`.
"""

from __future__ import annotations

from correlators.acts import SAYS_HOW_IT_STANDS, ActDone
from correlators.channel_links import ChannelLink
from correlators.coverage import ack_ends
from correlators.endings import Endings
from correlators.entries import Episode
from correlators.personal import Choice
from correlators.silences import Silence
from correlators.storms import Storm


class People:
    """Silences, links, finished acts, and acknowledgements with an end."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._silences: dict[str, dict[str, Silence]] = {}
        self._in_order: dict[str, tuple[Silence, ...]] = {}
        self._links: dict[str, ChannelLink] = {}
        self.links: tuple[ChannelLink, ...] = ()
        """By id."""
        self.choices: dict[str, Choice] = {}
        """By the name of who chose."""
        self._acts: set[tuple[int, str]] = set()
        self._acks = Endings()
        self._of_page: dict[tuple[str, str], set[tuple[int, str]]] = {}

    def add(self, entry: Silence | ActDone | ChannelLink | Choice) -> None:
        """Note an entry that is not known yet."""
        if isinstance(entry, ChannelLink):
            self._links[entry.id] = entry
            self._order_links()
        elif isinstance(entry, Choice):
            self.choices[entry.name] = entry
        elif isinstance(entry, ActDone):
            self._acts.add((entry.tick, entry.id))
            if entry.page and entry.kind in SAYS_HOW_IT_STANDS:
                heard = self._of_page.setdefault((entry.source, entry.page), set())
                heard.add((entry.at_ms, entry.id))
        else:
            self._silences.setdefault(entry.environment, {})[entry.id] = entry
            self._in_order.pop(entry.environment, None)

    def remove(self, entry: Silence | ActDone | ChannelLink | Choice) -> None:
        """Forget an entry."""
        if isinstance(entry, ChannelLink):
            del self._links[entry.id]
            self._order_links()
            return
        if isinstance(entry, Choice):
            del self.choices[entry.name]
            return
        if isinstance(entry, ActDone):
            self._acts.discard((entry.tick, entry.id))
            self._forget_page(entry)
            return
        left = self._silences[entry.environment]
        del left[entry.id]
        if not left:
            del self._silences[entry.environment]
        self._in_order.pop(entry.environment, None)

    @property
    def links_to_teams(self) -> bool:
        """Whether a link asks who owns what is told."""
        return any(one.when.owner for one in self.links)

    def _order_links(self) -> None:
        self.links = tuple(one for _, one in sorted(self._links.items()))

    def note_ack(self, key: str, entry: Storm | Episode) -> None:
        """Note a storm or an episode, whose acknowledgement may end by itself."""
        ends = ack_ends(entry)
        if ends >= 0:
            self._acks.put(key, ends)

    def forget_ack(self, key: str) -> None:
        """Forget a storm or an episode."""
        self._acks.forget(key)

    def acks_over(self, tick: int) -> list[str]:
        """Return the entry keys of the acknowledgements that end in this tick or before,
        ascending."""
        return self._acks.by(tick)

    def silences(self, environment: str) -> tuple[Silence, ...]:
        """Return the silences of an environment, by id."""
        if environment not in self._silences:
            return ()
        found = self._in_order.get(environment)
        if found is None:
            found = tuple(one for _, one in sorted(self._silences[environment].items()))
            self._in_order[environment] = found
        return found

    def latest_ms(self, source: str, page: str) -> int:
        """Return when this source last said how a page stands, as far as that is remembered; -1
        for never."""
        return max(self._of_page.get((source, page), ()), default=(-1, ""))[0]

    def _forget_page(self, entry: ActDone) -> None:
        place = (entry.source, entry.page)
        if place in self._of_page:
            self._of_page[place].discard((entry.at_ms, entry.id))
            if not self._of_page[place]:
                del self._of_page[place]

    @property
    def acts(self) -> int:
        """How many acts are remembered."""
        return len(self._acts)

    def oldest_act(self) -> str:
        """Return the id of the act that took effect first; there must be one."""
        return min(self._acts)[1]

"""Which storm or episode holds a page, by the page's key.

An index over entries of one partition, derived from them alone, as `people` is one; who has a page
when things change is `handover`, and what an act about a page is about is `page_acts`.
"""

from __future__ import annotations

from typing import Final

from correlators.entries import Entry, Episode, key_of
from correlators.storms import Storm

_HOLDERS: Final = (Episode, Storm)


class PageIndex:
    """Entry keys of those who hold a page; while one changes hands there may be two of them."""

    def __init__(self) -> None:
        """No page is known."""
        self._holders: dict[str, set[str]] = {}

    def change(self, before: Entry | None, after: Entry | None) -> None:
        """Note that an entry was written, removed (`after` is None) or is new."""
        old, new = _page_of(before), _page_of(after)
        if old == new:
            return
        if before is not None and old:
            self._holders[old].discard(key_of(before))
            if not self._holders[old]:
                del self._holders[old]
        if after is not None and new:
            self._holders.setdefault(new, set()).add(key_of(after))

    def holder(self, page: str) -> str:
        """Return the entry key of who holds the page, empty where nobody does."""
        return min(self._holders.get(page, ()), default="")


def _page_of(entry: Entry | None) -> str:
    return entry.page_key if isinstance(entry, _HOLDERS) else ""

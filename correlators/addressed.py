"""A digest addressed: one for each destination that hears it, and what each is asked.

Not here: who that is (`rules`, `tellings`), and what the digest says (`digest`, `people_told`).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from correlators.digest import Page
from correlators.types import Digest, PageAction


def for_destinations(
    digest: Digest, tell: Iterable[str], page: Page, told: tuple[str, ...] = ()
) -> list[Digest]:
    """Return the digest once per destination: chats hear it all, whoever is paged only what asks
    something of them. A chat that is paged gets the page beside the message.

    Args:
        digest: for no destination yet.
        tell: who is told now.
        page: what it asks of whom.
        told: who was told of it before, and hears of its page where nobody is told now.
    """
    tell = tuple(tell)
    chats = [
        msgspec.structs.replace(
            digest, destination=destination, page=PageAction.NONE, page_heard=False
        )
        for destination in tell
    ]
    if digest.page is PageAction.NONE:
        return chats
    fallbacks = dict(zip(page.to, page.fallback, strict=False))
    return chats + [
        msgspec.structs.replace(
            digest,
            destination=one,
            page_fallback=fallbacks.get(one, ""),
            page_told=tell or told,
            page_heard=digest.page_heard and _only(one, digest, page),
        )
        for one in page.to
    ]


def _only(destination: str, digest: Digest, page: Page) -> bool:
    """Return whether this is the only place that a page has at the service where it was said.

    A service says of what, not at which of its places: with two of them the other must hear of it.
    """
    said_in = digest.act_in if page.action is PageAction.RESOLVE else digest.acked_in
    places = {one for one in (*page.to, *page.fallback) if one.partition(":")[0] == said_in}
    return places == {destination}

"""A link adds to whom the rules tell: whoever is told without it is told the same with it."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.link_acts import AddLink, RemoveLink
from correlators.telling import Config
from correlators.types import Digest
from tests.examples import examples
from tests.laws.logs import Rec, logs, split_messages
from tests.laws.test_acts import LINK_WHENS, LINKED, Message, apply, peopled
from tests.laws.test_ruled import configs


def without_links(digests: list[Digest]) -> list[Digest]:
    """Return what the others were told; of a page, but for who was told of it too."""
    return [
        msgspec.structs.replace(one, page_told=(), page_fallback="")
        for one in digests
        if one.destination not in LINKED
    ]


@given(logs(min_size=2, max_size=16), configs(), st.integers(0, 2**32 - 1))
@examples(80)
def test_what_the_others_are_told_and_who_is_paged_is_the_same_with_links_and_without(
    records: list[Rec], config: Config, seed: int
) -> None:
    random = Random(seed)
    log = peopled(split_messages(records, 1, random), 1, config, random)
    first = AddLink(
        actor="a", source="cli", at_ms=0, subject=LINKED[0], when=random.choice(LINK_WHENS)
    )
    whole: list[Message] = [first, *log]
    bare: list[Message] = [one for one in log if not isinstance(one, AddLink | RemoveLink)]
    linked = apply(whole, partitions=1, config=config, random=random)
    plain = apply(bare, partitions=1, config=config, random=random)
    assert without_links(linked.digests) == without_links(plain.digests)
    assert linked.pages == plain.pages

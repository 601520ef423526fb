"""Law 4 of the design, as a check on any list of digests."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from correlators.types import Digest


def keeps_law_4(digests: Sequence[Digest]) -> None:
    """Assert one digest per (id, revision, destination), and revisions 1, 2, 3 ... of every id."""
    places = Counter((one.id, one.revision, one.destination) for one in digests)
    assert all(times == 1 for times in places.values()), places.most_common(3)
    revisions: dict[str, list[int]] = defaultdict(list)
    for one in digests:
        known = revisions[one.id]
        if not known or known[-1] != one.revision:
            known.append(one.revision)
    for found in revisions.values():
        assert found == list(range(1, len(found) + 1))
    times = [one.at_ms for one in digests]
    assert times == sorted(times)

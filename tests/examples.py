"""How many examples a law draws."""

from __future__ import annotations

from hypothesis import settings


def examples(of_a_hundred: int) -> settings:
    """Return settings for a law whose examples take longer than those of others.

    Args:
        of_a_hundred: how many it draws where others draw a hundred, in any profile.
    """
    most = settings().max_examples
    return settings(max_examples=max(1, most * of_a_hundred // 100))

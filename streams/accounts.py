"""Which partition of `deliveries` owns which account. Pure."""

from __future__ import annotations

import xxhash


def partition_of_account(destination: str, partitions: int) -> int:
    """Return the partition of `deliveries` that owns the account of a destination.

    All channels of one Slack workspace share its limits, so they share an owner.
    """
    account = destination.split(":", 1)[0]
    return xxhash.xxh3_64_intdigest(account.encode()) % partitions

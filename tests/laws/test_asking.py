"""The laws hold where people's decisions are asked of Sentry: any acts, at any place in the log."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.acts import Act, Assign, Ignore, Resolve, Unignore
from correlators.asking import CHANGES_MOST, DESTINATION
from correlators.issue_change import IssuesChanged
from correlators.owners import Owner
from correlators.telling import Config
from correlators.types import DeltaBatch, Digest
from tests.examples import examples
from tests.laws.logs import START_MS, Outcome, Rec, logs, split_messages
from tests.laws.test_acts import Message, apply, subjects
from tests.laws.test_ruled import configs

KINDS = (Ignore, Unignore, Resolve, Assign)


def asking(config: Config) -> Config:
    """Return the configuration with Sentry, which is asked to assign too."""
    return msgspec.structs.replace(
        config,
        issues=IssuesChanged(assign_owner=True),
        owners=(*config.owners, Owner(owner="payments", service="pay*")),
    )


def peopled(
    messages: list[DeltaBatch], config: Config, random: Random, kinds: tuple[Any, ...] = KINDS
) -> list[Message]:
    """Return the log with acts at random places, now and then one that was told before."""
    ids = subjects(messages, 1, config)
    acts: list[Act] = []
    found: list[Message] = []
    for message in messages:
        while random.random() < 0.5:
            kind: Any = random.choice(kinds)
            more = {"assignee": random.choice(["payments", "anna"])} if kind is Assign else {}
            fresh = kind(
                actor="anna", source="cli", at_ms=START_MS, subject=random.choice(ids), **more
            )
            acts.append(random.choice([fresh, fresh, *acts[-1:]]))
            found.append(acts[-1])
        found.append(message)
    return found


def carried(outcome: Outcome) -> list[Digest]:
    return [one for one in outcome.digests if one.issue_change is not None]


@given(logs(min_size=2, max_size=14), configs(), st.integers(0, 2**32 - 1))
@examples(50)
def test_what_is_asked_of_sentry_is_a_function_of_the_log(
    records: list[Rec], config: Config, seed: int
) -> None:
    random, config = Random(seed), asking(config)
    log = peopled(split_messages(records, 1, random), config, random)
    plain = apply(log, partitions=1, config=config, random=random)
    crashed = apply(log, partitions=1, config=config, random=random, eager=0.6, crash=0.2)
    assert carried(crashed) == carried(plain)
    assert crashed == plain


@given(logs(min_size=2, max_size=14), configs(), st.integers(0, 2**32 - 1))
@examples(50)
def test_of_a_part_of_an_issue_at_most_one_change_is_asked_for_in_a_tick(
    records: list[Rec], config: Config, seed: int
) -> None:
    random, config = Random(seed), asking(config)
    log = peopled(split_messages(records, 1, random), config, random)
    found = carried(apply(log, partitions=1, config=config, random=random))
    parts = [(one.at_ms, one.issue_change.name) for one in found if one.issue_change]
    assert len(set(parts)) == len(parts)
    assert len({one.id for one in found}) == len(found)
    assert {one.destination for one in found} <= {DESTINATION}
    ids = [one.issue_change.issue_id for one in found if one.issue_change]
    assert set(ids) <= {"71", "72"}
    assert len(found) <= 2 * CHANGES_MOST * len(log)


@given(logs(min_size=2, max_size=14), configs(), st.integers(0, 2**32 - 1))
@examples(40)
def test_what_is_asked_changes_nothing_that_is_told(
    records: list[Rec], config: Config, seed: int
) -> None:
    random = Random(seed)
    # Not by Resolve, whose answer is waited for where Sentry is asked.
    log = peopled(split_messages(records, 1, random), config, random, (Ignore, Unignore, Assign))
    without = apply(log, partitions=1, config=config, random=random)
    owned = msgspec.structs.replace(config, issues=IssuesChanged(assign_owner=True))
    asked = apply(log, partitions=1, config=owned, random=random)
    assert [one for one in asked.digests if one.issue_change is None] == without.digests

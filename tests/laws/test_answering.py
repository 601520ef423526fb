"""The laws hold where whoever pressed is told what did not happen: any acts, at any place."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.acts import Act, act_id
from correlators.answering import DESTINATION
from correlators.pressed import Pressed
from correlators.telling import Config
from correlators.types import Digest, DigestKind
from tests.examples import examples
from tests.laws.logs import Outcome, Rec, logs, split_messages
from tests.laws.test_acts import Message, apply, peopled
from tests.laws.test_ruled import configs


def pressing(log: list[Message]) -> list[Message]:
    """Return the log as it is when each act was pressed in Slack by somebody."""
    here = Pressed("U0ADA", "C0INC")
    return [
        msgspec.structs.replace(one, pressed=here) if isinstance(one, Act) else one for one in log
    ]


def corrections(outcome: Outcome) -> list[Digest]:
    return [one for one in outcome.digests if one.destination == DESTINATION]


@given(logs(min_size=2, max_size=14), configs(), st.integers(0, 2**32 - 1))
@examples(40)
def test_what_is_put_right_is_a_function_of_the_log_once_for_an_act_and_changes_nothing_else(
    records: list[Rec], config: Config, seed: int
) -> None:
    random = Random(seed)
    plain = peopled(split_messages(records, 1, random), 1, config, random)
    log = pressing(plain)
    found = apply(log, partitions=1, config=config, random=random)
    crashed = apply(log, partitions=1, config=config, random=random, eager=0.6, crash=0.2)
    assert crashed == found
    without = apply(plain, partitions=1, config=config, random=random)
    assert corrections(without) == []
    assert [one for one in found.digests if one.destination != DESTINATION] == without.digests
    assert found.state == without.state
    ids = [one.id for one in corrections(found)]
    # An act is remembered as long as a closed incident; told again later it is another one here,
    # and the same delivery in the outbox.
    told: dict[str, int] = {}
    for one in corrections(found):
        assert one.at_ms - told.get(one.id, 0) >= config.windows.remember_ms
        told[one.id] = one.at_ms
    acts = {"cor-" + act_id(one)[4:] for one in log if isinstance(one, Act)}
    assert set(ids) <= acts
    assert {one.kind for one in corrections(found)} <= {DigestKind.CORRECTION}

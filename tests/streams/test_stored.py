"""A stored state is gone on with by who wrote it; anything else is refused with what to do."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from correlators.entries import PROGRESS_KEY
from correlators.ticks import Progress
from streams import codec
from streams.agents.stored import (
    Installation,
    Position,
    StateRefused,
    check_sources,
    read_position,
    read_state,
)

HERE = Installation("shop:wall", 4)
PLACE = "shop.incidents-1"
WRITTEN: dict[str, Any] = {"installation": "shop:wall", "partitions": 4}

WRONG: dict[str, dict[str, Any]] = {
    "installation is else:wall, this is shop:wall": {"installation": "else:wall"},
    "installation is shop:data, this is shop:wall": {"installation": "shop:data"},
    "partition count is 3, this is 4": {"partitions": 3},
    "format is 0, this is 1": {"format": 0},
    "format is 2, this is 1": {"format": 2},
}


def state(**changed: Any) -> dict[str, bytes]:
    progress = Progress(**{**WRITTEN, "sources": (("shop.sentry.events", 0),), **changed})
    return {PROGRESS_KEY: codec.encode(progress)}


def outbox(**changed: Any) -> dict[str, bytes]:
    position = Position(**{**WRITTEN, "input_offset": 7, **changed})
    return {PROGRESS_KEY: msgspec.msgpack.encode(position)}


def test_ones_own_state_is_gone_on_with() -> None:
    progress, entries = read_state(PLACE, state(), HERE)
    assert progress is not None
    assert (progress.installation, entries) == ("shop:wall", [])
    position = read_position(PLACE, outbox(), HERE)
    assert position is not None
    assert position.input_offset == 7


def test_a_state_that_is_just_born_has_no_progress() -> None:
    assert read_state(PLACE, {}, HERE) == (None, [])
    assert read_position(PLACE, {}, HERE) is None


@pytest.mark.parametrize("says", WRONG)
def test_another_installation_count_or_format_is_refused_with_what_to_do(says: str) -> None:
    for read, stored in ((read_state, state), (read_position, outbox)):
        with pytest.raises(StateRefused) as refused:
            read(PLACE, stored(**WRONG[says]), HERE)
        assert str(refused.value).startswith(f"{PLACE}: its {says}; give this run a namespace")


def test_another_format_is_named_before_its_entries_fail_to_read() -> None:
    with pytest.raises(StateRefused, match="its format is 2"):
        read_state(PLACE, {**state(format=2), "incident/x": b"of another shape"}, HERE)


def test_an_entry_that_does_not_read_is_refused_by_its_name() -> None:
    with pytest.raises(StateRefused, match=r"shop\.incidents-1 incident/x: .*namespace"):
        read_state(PLACE, {**state(), "incident/x": b"\xff"}, HERE)
    with pytest.raises(StateRefused, match=r"shop\.incidents-1 @progress: .*namespace"):
        read_position(PLACE, {PROGRESS_KEY: b"\xff"}, HERE)


def test_source_partitions_may_come_and_never_go() -> None:
    progress, _ = read_state(PLACE, state(sources=(("shop.sentry.events", 3), ("other", 9))), HERE)
    assert progress is not None
    check_sources(PLACE, progress, "shop.sentry.events", range(5))
    with pytest.raises(StateRefused, match=r"waits for shop\.sentry\.events-3, .* 3 partitions"):
        check_sources(PLACE, progress, "shop.sentry.events", range(3))

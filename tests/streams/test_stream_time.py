"""What a record of the events' topic says: its time under both clocks, its resource, its bytes."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from correlators.event_parts import LAST_MS
from streams.settings import Clock
from streams.stream_time import Seen, seen

HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["resource", "at_ms", "mark", "x"]), st.none() | st.binary(max_size=20)
    ),
    max_size=5,
)


def _record(
    *headers: tuple[str, bytes | None], timestamp: int = 7_000, value: bytes | None = b"{}"
) -> ConsumerRecord[Any, Any]:
    return ConsumerRecord("t", 0, 0, timestamp, 1, None, value, None, -1, -1, headers)


def test_the_wall_clock_is_the_time_of_the_broker_and_data_the_one_recorded() -> None:
    record = _record(("resource", b"error"), ("at_ms", b"5"))
    assert seen(record, Clock.WALL) == Seen(7_000, False, "error", b"{}")
    assert seen(record, Clock.DATA) == Seen(5, False, "error", b"{}")


def test_a_mark_has_a_time_and_is_no_record() -> None:
    mark = _record(("mark", b"9000"), value=b"")
    assert seen(mark, Clock.DATA) == Seen(9_000, True, "", b"")
    bare = _record(("mark", b""))
    assert seen(bare, Clock.WALL) == Seen(7_000, True, "", b"{}")
    assert seen(bare, Clock.DATA) == Seen(0, True, "", b"{}")


@pytest.mark.parametrize("told", [b"", b"-5", b"1.5", b"x", b"\xff", b"9" * 16, b"9" * 15])
def test_a_time_that_cannot_be_read_raises_nothing(told: bytes) -> None:
    assert seen(_record(("at_ms", told)), Clock.DATA).at_ms == 0


@given(HEADERS, st.integers(-1, 2**62), st.none() | st.binary(max_size=20))
def test_whatever_stands_in_a_record_is_seen_as_something(
    headers: list[tuple[str, bytes | None]], timestamp: int, value: bytes | None
) -> None:
    for clock in Clock:
        found = seen(_record(*headers, timestamp=timestamp, value=value), clock)
        assert 0 <= found.at_ms <= LAST_MS
        assert found.mark == any(name == "mark" for name, _ in headers)
        assert found.body == (value or b"")
        found.resource.encode()

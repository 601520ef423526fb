"""The time of foreign records in a recording: what marks in our own topic say of it."""

from __future__ import annotations

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams.record_foreign import Marks

EVENTS = [TopicPartition("events", 0), TopicPartition("events", 1)]


def _header(tp: TopicPartition, offset: int) -> tuple[str, bytes]:
    return ("idle", f"{tp.topic}:{tp.partition}:{offset}".encode())


@given(
    st.lists(
        st.tuples(st.sampled_from(EVENTS), st.integers(0, 12), st.integers(1, 1_000)), max_size=20
    ),
    st.sets(st.integers(3, 9)),
)
def test_a_record_is_raised_to_every_mark_up_to_its_offset_whatever_order_they_are_read_in(
    told: list[tuple[TopicPartition, int, int]], offsets: set[int]
) -> None:
    marks = Marks(dict.fromkeys(EVENTS, (3, 10)))
    for tp, offset, at_ms in told:
        marks.note([("mark", b""), _header(tp, offset)], at_ms)
    marks.close()
    for tp in EVENTS:
        stream_ms = 0
        for offset in sorted(offsets):
            stream_ms = max(stream_ms, marks.up_to(tp, offset))
            raised = [at_ms for of, up_to, at_ms in told if of == tp and up_to <= offset]
            assert stream_ms == max(raised, default=0)


def test_one_mark_stands_for_many_partitions_and_for_none_that_is_not_asked_for() -> None:
    marks = Marks({EVENTS[1]: (0, 5)})
    marks.note([("mark", b""), *(_header(tp, 2) for tp in EVENTS)], 7)
    marks.close()
    assert marks.up_to(EVENTS[1], 1) == 0
    assert marks.up_to(EVENTS[1], 4) == 7
    assert marks.up_to(EVENTS[0], 4) == 0
    assert marks.up_to(TopicPartition("sentry.events", 0), 4) == 0


def test_what_says_no_partition_raises_nothing() -> None:
    marks = Marks({EVENTS[0]: (0, 5)})
    for value in (None, b"", b"\xff", b"events:0", b"events:0:x", b"events:0:1:1"):
        marks.note([("mark", b""), ("idle", value)], 7)
    marks.note([("other", b"events:0:1")], 7)
    marks.note([("idle", None), _header(EVENTS[0], 1)], 3)
    marks.close()
    assert marks.up_to(EVENTS[0], 4) == 3

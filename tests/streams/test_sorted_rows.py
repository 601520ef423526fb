"""Rows come by place, and those of one place as they were taken, however few fit into memory."""

from __future__ import annotations

from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from streams.sorted_rows import Place, SortedRows

_places = st.tuples(
    st.integers(0, 3), st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 1)
)


@given(places=st.lists(_places), in_memory=st.integers(1, 5), runs=st.integers(2, 4))
def test_rows_are_sorted_and_stable(places: list[Place], in_memory: int, runs: int) -> None:
    with closing(SortedRows(rows_in_memory=in_memory, runs_most=runs)) as made:
        rows = [(place, str(number).encode()) for number, place in enumerate(places)]
        for place, row in rows:
            made.add(place, row)
        wanted = [row for _, row in sorted(rows, key=lambda one: one[0])]
        assert list(made.rows()) == wanted
        assert list(made.rows()) == wanted

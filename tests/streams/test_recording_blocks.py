"""Blocks hold every line once and in order, wherever the text is cut."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.recording_blocks import Block, Problem, blocks

LINE_BYTES = 12

_ends = st.sampled_from([b"\n", b"\n", b"\r\n"])
_texts = st.one_of(
    st.just(b""), st.binary(min_size=1, max_size=20).map(lambda raw: raw.hex().encode())
)
_files = st.lists(st.tuples(_texts, _ends)).map(lambda lines: b"".join(a + b for a, b in lines))


class _Dribbling(io.BytesIO):
    """A stream that gives a few bytes at a time, as a network does."""

    def __init__(self, raw: bytes, sizes: list[int], fails: bool = False) -> None:
        super().__init__(raw)
        self._sizes = iter(sizes)
        self._fails = fails

    def read1(self, size: int | None = -1, /) -> bytes:
        got = super().read1(next(self._sizes, 1_000))
        if not got and self._fails:
            raise EOFError
        return got


def _one_by_one(raw: bytes) -> Iterator[tuple[int, bytes | Problem]]:
    """Yield number and text of every line as the simplest reader sees them."""
    lines = raw.split(b"\n")
    if not lines[-1]:
        lines.pop()
    while lines and not lines[-1].rstrip(b"\r"):
        lines.pop()
    for number, line in enumerate(lines, start=1):
        if len(line) > LINE_BYTES:
            yield number, Problem.TOO_LONG
        else:
            yield number, line.rstrip(b"\r") or Problem.BLANK


def _in_blocks(found: list[Block], first_line: int) -> Iterator[tuple[int, bytes | Problem]]:
    for block in found:
        assert block.line - block.number == first_line - 1
        if block.problem is not None:
            yield from ((block.number + after, block.problem) for after in range(block.lines))
            continue
        texts = block.texts()
        assert len(texts) == block.lines
        for number, text in enumerate(texts, start=block.number):
            long = len(text) > LINE_BYTES
            yield number, Problem.TOO_LONG if long else text.rstrip(b"\r") or Problem.BLANK


@given(
    raw=_files,
    tail=_texts,
    sizes=st.lists(st.integers(1, 30)),
    block_bytes=st.integers(1, 60),
    first_line=st.integers(1, 5),
)
def test_every_line_is_in_one_block_however_the_stream_dribbles(
    raw: bytes, tail: bytes, sizes: list[int], block_bytes: int, first_line: int
) -> None:
    stream = cast(IO[bytes], _Dribbling(raw + tail, sizes))
    found = list(blocks(stream, "f", first_line, LINE_BYTES, block_bytes=block_bytes))
    assert list(_in_blocks(found, first_line)) == list(_one_by_one(raw + tail))
    assert all(len(one.text) <= block_bytes + 2 * 1_000 for one in found)


@given(raw=_files, sizes=st.lists(st.integers(1, 30)), block_bytes=st.integers(1, 60))
def test_what_stands_before_a_break_is_read_before_it_is_told(
    raw: bytes, sizes: list[int], block_bytes: int
) -> None:
    found: list[Block] = []
    stream = cast(IO[bytes], _Dribbling(raw + b"half a line", sizes, fails=True))
    with pytest.raises(EOFError):
        found.extend(_kept(blocks(stream, "f", 1, LINE_BYTES, block_bytes=block_bytes), found))
    assert list(_in_blocks(found, 1)) == list(_one_by_one(raw))


def _kept(made: Iterator[Block], found: list[Block]) -> Iterator[Block]:
    for block in made:
        found.append(block)
    yield from ()


def test_an_endless_line_is_not_kept() -> None:
    raw = b"x" * 5_000_000 + b"\nshort\n"
    found = list(blocks(io.BytesIO(raw), "f", 1, 1_000))
    assert [(one.number, one.problem, one.text) for one in found] == [
        (1, Problem.TOO_LONG, b""),
        (2, None, b"short\n"),
    ]

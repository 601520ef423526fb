"""A portion made with too little known of the time is the right one, or says that it is not."""

from __future__ import annotations

import itertools
import json
import tempfile
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from correlators.partition import Step
from streams.local import Pipeline
from streams.local_parallel import Side
from streams.portions import Portion, Portioner, Work, decode, encode
from streams.recording import BadLine, Recording
from streams.recording_blocks import Block, Problem
from streams.replay_results import Results
from streams.settings import load

SETTINGS = load(None, {})
WAY = SETTINGS.fingerprinting()
START_MS = 1_700_000_000_000


@st.composite
def _lines(draw: st.DrawFn) -> list[bytes]:
    """Lines whose time may stand still, go back or be missing; some are no records."""
    lines = []
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["event", "event", "event", "timeless", "change", "bad"]))
        at_ms = START_MS + draw(st.one_of(st.integers(0, 4_000), st.integers(0, 200_000)))
        event: dict[str, object] = {
            "event_id": f"{draw(st.integers(0, 9)):032x}",
            "project": draw(st.sampled_from(["cart", "payment"])),
            "exception": {"values": [{"type": draw(st.sampled_from(["KeyError", "OSError"]))}]},
            "user": {"id": draw(st.sampled_from(["1", "2"]))},
            "timestamp": (at_ms - draw(st.sampled_from([0, 0, 600_000]))) / 1000,
        }
        line: dict[str, object] = {"at_ms": at_ms, "resource": "error", "body": event}
        if kind == "timeless":
            line = {"event": {name: part for name, part in event.items() if name != "timestamp"}}
        elif kind == "change":
            issue = {"id": "7", "title": "x", "status": "resolved"}
            line |= {"resource": "issue", "body": {"action": "resolved", "data": {"issue": issue}}}
        lines.append(b"no record" if kind == "bad" else json.dumps(line).encode())
    return lines


def _block(lines: list[bytes], first: int) -> Block:
    return Block("f", first, first, len(lines), b"".join(line + b"\n" for line in lines))


def _portions(lines: list[bytes], cuts: set[int], behind: int) -> list[Portion]:
    """Return the portions of the lines cut at these places, each made with the stream time as it
    was known so many portions before, as by processes at work side by side."""
    portioner = Portioner(Work(ways=(WAY,), rows=True))
    places = [0, *sorted(cut for cut in cuts if cut < len(lines)), len(lines)]
    known, found = [-1], []
    for start, end in itertools.pairwise(places):
        if start < end:
            block = _block(lines[start:end], start + 1)
            floor_ms = known[max(0, len(known) - 1 - behind)]
            portion = portioner.portion(block, floor_ms)
            if not portion.holds(known[-1]):
                portion = portioner.portion(block, known[-1])
            known.append(max(known[-1], portion.last_ms))
            found.append(decode(encode(portion)))
    return found


@given(lines=_lines(), more=_lines(), behind_ms=st.integers(0, 3_000))
def test_a_portion_that_holds_is_the_one_with_the_true_time(
    lines: list[bytes], more: list[bytes], behind_ms: int
) -> None:
    portioner = Portioner(Work(ways=(WAY,), rows=True))
    true_ms = portioner.portion(_block(lines, 1), -1).last_ms
    known_ms = max(-1, true_ms - behind_ms)
    made = portioner.portion(_block(more, 1 + len(lines)), known_ms)
    right = portioner.portion(_block(more, 1 + len(lines)), true_ms)
    if made.holds(true_ms):
        again = msgspec.structs.replace(made, floor_ms=true_ms)
        if made.first_ms is None:
            again = msgspec.structs.replace(again, last_ms=true_ms)
        assert again == right


@given(lines=_lines(), cuts=st.sets(st.integers(1, 11)), behind=st.integers(0, 4))
def test_portions_in_order_decide_what_the_whole_does(
    lines: list[bytes], cuts: set[int], behind: int
) -> None:
    with tempfile.TemporaryDirectory() as name, Gathered() as parts, Gathered() as whole:
        folder = Path(name)
        side = Side(SETTINGS, parts.results, parts.steps.append)
        for portion in _portions(lines, cuts, behind):
            side.take(portion.folded[0], portion.last_ms, len(portion.bad))
            parts.bad.extend((one.number, one.problem) for one in portion.bad)
        side.finish()

        file = folder / "f"
        file.write_bytes(b"".join(line + b"\n" for line in lines))
        pipeline = Pipeline(SETTINGS.correlation(), WAY, whole.step)
        for record in Recording([file]):
            if isinstance(record, BadLine):
                whole.results.bad_line(record)
                whole.bad.append((record.number, record.problem))
            else:
                read = pipeline.add(record.resource, record.body, record.at_ms)
                whole.results.line(record, read)
        pipeline.finish()

        assert parts.steps == whole.steps
        assert parts.bad == whole.bad
        assert parts.results.counts() == whole.results.counts()
        assert parts.files(folder / "parts") == whole.files(folder / "whole")


class Gathered:
    """What one way of replaying tells."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.bad: list[tuple[int, Problem]] = []
        self.results = Results(SETTINGS.correlation(), WAY, rows=True)

    def __enter__(self) -> Gathered:
        return self

    def __exit__(self, *_: object) -> None:
        self.results.close()

    def step(self, step: Step) -> None:
        self.steps.append(step)
        self.results.step(step)

    def files(self, path: Path) -> tuple[bytes, bytes]:
        self.results.write_assignments(path)
        rows = path.read_bytes()
        self.results.write_digests(path)
        return rows, path.read_bytes()

"""Where FINGERPRINT's processor time goes, by step: samples of a run, mapped to steps. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from benchmarks.storm.profiled import BESIDE, Sample


class Step(StrEnum):
    """What a record goes through, in order."""

    BESIDE = "fetch and decompress, in threads beside"
    FETCH = "take what was fetched"
    READ = "find or read the event"
    SIGN = "signature"
    FOLD = "fold"
    SEND = "pack, produce and commit"
    REST = "the rest"


_OF: Final = (
    (BESIDE, Step.BESIDE),
    ("agents/fingerprint.py:FingerprintHandler._flush", Step.SEND),
    ("agents/fingerprint.py:FingerprintHandler._commit", Step.SEND),
    ("correlators/open_deltas.py:Fold.flush", Step.SEND),
    ("correlators/names.py:", Step.SIGN),
    ("correlators/bare_stacks.py:texts_count", Step.SIGN),
    ("correlators/hot_path.py:HotPath._fold_known", Step.FOLD),
    ("correlators/open_deltas.py:", Step.FOLD),
    ("agents/lanes.py:Lane.take", Step.READ),
    ("producer/", Step.SEND),
    ("coordinator", Step.SEND),
    ("consumer/", Step.FETCH),
    ("stage/reader.py:", Step.FETCH),
    ("stage/fetching.py:", Step.FETCH),
    ("aiokafka/conn.py:", Step.FETCH),
    ("asyncio/streams.py:", Step.FETCH),
    ("selector_events.py:", Step.FETCH),
)
"""A piece of `folder/file:function`, and the step of what runs inside it; the first that fits."""


def step_of(sample: Sample) -> Step:
    """Return the step in which the process was."""
    for piece, step in _OF:
        if any(piece in name for name in sample.stack):
            return step
    return Step.REST


def shares(samples: Iterable[Sample]) -> dict[Step, float]:
    """Return the share of each step of the processor time, 0 to 1; all 0 without samples."""
    found = Counter(map(step_of, samples))
    total = found.total() or 1
    return {step: found[step] / total for step in Step}

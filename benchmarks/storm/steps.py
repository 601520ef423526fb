"""Where FINGERPRINT's processor time goes, by step: samples of a run, mapped to steps. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from benchmarks.storm.profiled import Sample


class Step(StrEnum):
    """What a record goes through, in order."""

    FETCH = "fetch and decompress"
    READ = "find or read the event"
    SIGN = "signature"
    FOLD = "fold"
    SEND = "pack, produce and commit"
    REST = "the rest"


_OF: Final = (
    # What is asked from the innermost function outwards: the first one that is known decides, so
    # `parameterise` is of the signature or of a sample, as who called it.
    ("open_deltas.py:Fold.flush", Step.SEND),
    ("open_deltas.py:OpenDelta.close", Step.SEND),
    ("correlators/open_deltas.py:", Step.FOLD),
    ("hot_path.py:HotPath._fold_known", Step.FOLD),
    ("glance_parts.py:told_by_tags", Step.READ),
    ("correlators/names.py:", Step.SIGN),
    ("bare_stacks.py:texts_count", Step.SIGN),
    ("correlators/hot_path.py:", Step.READ),
    ("correlators/fingerprinter.py:", Step.READ),
    ("agents/batches.py:", Step.SEND),
    ("streams/codec.py:", Step.SEND),
    ("agents/fingerprint.py:FingerprintHandler._flush", Step.SEND),
    ("agents/fingerprint.py:FingerprintHandler._commit", Step.SEND),
    ("aiokafka/producer/", Step.SEND),
    ("producer/", Step.SEND),
    ("coordinator/", Step.SEND),
    ("consumer/", Step.FETCH),
    ("record/", Step.FETCH),
    ("codec.py:", Step.FETCH),
    ("stage/", Step.FETCH),
    ("streams/stream_time.py:", Step.READ),
    ("agents/lanes.py:", Step.READ),
)
"""A piece of `folder/file:function`, and the step of what has it in its name."""


def step_of(sample: Sample) -> Step:
    """Return the step in which the process was."""
    for name in sample.stack:
        for piece, step in _OF:
            if piece in name:
                return step
    return Step.REST


def shares(samples: Iterable[Sample]) -> dict[Step, float]:
    """Return the share of each step of the processor time, 0 to 1; all 0 without samples."""
    found = Counter(map(step_of, samples))
    total = found.total() or 1
    return {step: found[step] / total for step in Step}

"""A stage with a sampling profiler in its process: `python -m benchmarks.storm.profiled OUT STAGE`.

The system interrupts the process every few milliseconds of processor time that it uses (SIGPROF),
and what Python is doing then is noted, with the time. Unlike cProfile this slows no small function
down, so the shares are those of the real run. Time in compiled code (lz4, msgspec, xxhash) is its
caller's; that of other threads is noted as theirs. What is noted is written to OUT when the stage
ends; `report` makes a text of it.
"""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Final

import msgspec

from streams import app

EVERY_S: Final = 0.002
"""Processor time between two samples, in seconds; systems that count coarser take fewer."""


BESIDE: Final = "beside/threads:other threads"
"""What stands for the stack of another thread."""

EVERYWHERE: Final = 0.99
"""A function in this share of the samples, or more, is left out of the second table."""


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """What the main thread was doing at one moment."""

    at_s: float
    """On the system's monotonic clock."""
    stack: tuple[str, ...]
    """Functions from the innermost outwards, each as `folder/file:function`."""


class Sampler:
    """Notes what this process does while it uses the processor."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._names: dict[CodeType, str] = {}
        self._main_s = self._all_s = 0.0
        """Processor time of the main thread, and of all, that samples were taken of."""

    def start(self) -> None:
        """Begin; call it in the main thread."""
        self._main_s, self._all_s = time.thread_time(), time.process_time()
        signal.signal(signal.SIGPROF, self._note)
        signal.siginterrupt(signal.SIGPROF, False)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def stop(self) -> None:
        """End."""
        signal.setitimer(signal.ITIMER_PROF, 0.0)

    def _note(self, _: int, frame: FrameType | None) -> None:
        """Note the main thread for each such piece of its own time, other threads for theirs."""
        main_s, all_s = time.thread_time(), time.process_time()
        others_s = (all_s - main_s) - (self._all_s - self._main_s)
        if main_s - self._main_s >= EVERY_S:
            self.samples.append(Sample(time.monotonic(), tuple(self._stack(frame))))
            self._main_s += EVERY_S
            self._all_s += EVERY_S
        if others_s >= EVERY_S:
            self.samples.append(Sample(time.monotonic(), (BESIDE,)))
            self._all_s += EVERY_S

    def _stack(self, frame: FrameType | None) -> Iterator[str]:
        while frame is not None:
            code = frame.f_code
            name = self._names.get(code)
            if name is None:
                path = Path(code.co_filename)
                name = self._names[code] = f"{path.parent.name}/{path.name}:{code.co_qualname}"
            yield name
            frame = frame.f_back


def report(samples: Iterable[Sample], *, rows: int) -> str:
    """Return the profile as text: the time of each function alone, and with what it calls.

    Args:
        samples: at least one.
        rows: of each table, at most.
    """
    alone: Counter[str] = Counter()
    within: Counter[str] = Counter()
    total = 0
    for sample in samples:
        total += 1
        alone[sample.stack[0]] += 1
        within.update(set(sample.stack))
    lines = [f"{total} samples"]
    # What is under everything (the event loop, the worker's frames) says nothing.
    telling = {name: found for name, found in within.items() if found < EVERYWHERE * total}
    for title, found in (("alone", alone), ("with what it calls", telling)):
        lines += ["", f"share of the time, {title}"]
        # By share, then by name: the same samples give the same text.
        ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        lines += [f"{samples / total:7.1%}  {name}" for name, samples in ordered[:rows]]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Run the stage of the command line to its end, and write down what it did."""
    out = Path(sys.argv[1])
    sampler = Sampler()
    sampler.start()
    try:
        return app.main(sys.argv[2:])
    finally:
        sampler.stop()
        out.write_bytes(msgspec.msgpack.encode(sampler.samples))


if __name__ == "__main__":
    sys.exit(main())

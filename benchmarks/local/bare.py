"""The least that any replay does: every line of a recording read, and parsed as JSON.

`python -m benchmarks.local.bare FILE`
"""

from __future__ import annotations

import sys
from pathlib import Path

import orjson

from streams.decompress import decompressed


def main(path: Path) -> None:
    """Read the file to its end, and say how many lines it has."""
    lines = 0
    with path.open("rb") as raw, decompressed(raw) as stream:
        for line in stream:
            orjson.loads(line)
            lines += 1
    print(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

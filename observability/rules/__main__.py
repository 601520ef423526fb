"""Write the rules: `python -m observability.rules [--runbooks URL] [--factor F] [--to FOLDER]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from observability.rules.all import RUNBOOKS, alerts_file, recordings_file
from observability.rules.made import Pace

HERE: Final = Path(__file__).parents[1]


def main() -> int:
    """Write both files. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m observability.rules", description=__doc__)
    parser.add_argument("--runbooks", default=RUNBOOKS, help="where docs/runbooks/ is read")
    parser.add_argument("--factor", type=float, default=1.0, help="makes every duration shorter")
    parser.add_argument("--to", type=Path, default=HERE, help="the folder to write to")
    options = parser.parse_args()
    write(options.to, Pace(options.factor), options.runbooks)
    return 0


def write(folder: Path, pace: Pace, runbooks: str = RUNBOOKS) -> None:
    """Write `alerts.yml` and `recordings.yml` into a folder."""
    (folder / "recordings.yml").write_text(recordings_file(pace), "utf-8")
    (folder / "alerts.yml").write_text(alerts_file(pace, runbooks), "utf-8")


if __name__ == "__main__":
    sys.exit(main())

"""Write the dashboards: `python -m observability.dashboards [--to FOLDER]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

from observability.dashboards.deliveries import DELIVERIES
from observability.dashboards.made import names, written
from observability.dashboards.pipeline import PIPELINE
from observability.dashboards.storms import STORMS
from observability.dashboards.team import TEAM

BOARDS: Final = (STORMS, PIPELINE, DELIVERIES, TEAM)
HERE: Final = Path(__file__).parents[1] / "grafana" / "dashboards"


def main() -> int:
    """Write a file for each. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m observability.dashboards", description=__doc__)
    parser.add_argument("--to", type=Path, default=HERE, help="the folder to write to")
    for name, board in names(BOARDS).items():
        (parser.parse_args().to / name).write_text(written(board), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

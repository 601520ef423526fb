"""What the parent and the stage processes agree on: names, exit statuses, and the two pipes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

EXIT_REFUSED: Final = 2
"""A process that may not go on as it is configured; starting it again would not help."""

EXIT_FAILED: Final = 70
"""A process whose stage failed; the parent starts it again."""

REPORT_VARIABLE: Final = "STORMFOLD_REPORT_FD"
"""Names the file descriptor on which a failing process tells its parent where it failed."""

LIFELINE_VARIABLE: Final = "STORMFOLD_LIFELINE_FD"
"""Names the file descriptor that closes when the parent is gone."""

STOP_S: Final = 15.0
"""How long a stage process may take to end before it is killed."""


class StageName(StrEnum):
    """The stages, in the order of the data."""

    FINGERPRINT = "fingerprint"
    CORRELATE = "correlate"
    DELIVER = "deliver"
